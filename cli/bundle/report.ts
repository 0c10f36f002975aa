import type { OpenBundle, OpenEntry } from "../../corpus/bundle/read.ts";
import { readEntry } from "../../corpus/bundle/read.ts";
import type { BundleContent } from "../../corpus/bundle/store-index.ts";
import type { BundleFinding, BundleVerdict } from "../../corpus/bundle/verify.ts";
import { counted, formatTable, printable } from "../table.ts";

const SHORT_HASH = 12;

/** A kernel of a bundle, in JSON. */
export interface KernelReport {
  readonly id: string | null;
  readonly versionId: string | null;
  readonly arch: string | null;
  readonly release: string | null;
  /** Its file in the bundle. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A bundle, in JSON. */
export interface BundleReport {
  readonly path: string;
  readonly layout: "tree" | "store";
  /** What it has for each kernel: small BTF, or an object relocated for it. */
  readonly content: BundleContent;
  /** Whose names a tree may have; empty for a store. */
  readonly namings: readonly string[];
  readonly container: string;
  /** SHA-256 of the tar inside; null for a directory. */
  readonly tarSha256: string | null;
  readonly kernels: number;
  readonly blobs: number;
  /** Of distinct blobs, and of the index (0 for a tree). */
  readonly blobBytes: number;
  readonly indexBytes: number;
  readonly distributions: readonly {
    readonly id: string | null;
    readonly arch: string | null;
    readonly kernels: number;
  }[];
  readonly tool: string | null;
  readonly objects: readonly string[];
}

/** One kernel of a bundle with its size and hash. Throws FormatError where its bytes are damaged. */
export function kernelReport(bundle: OpenBundle, open: OpenEntry): KernelReport {
  const { identity, blobHash, bytes } = readEntry(bundle, open);
  const { id, versionId, arch, release } = identity;
  return { id, versionId, arch, release, file: open.file, bytes: bytes.length, sha256: blobHash };
}

/** `list` as text. */
export function listText(entries: readonly OpenEntry[], kernels: readonly KernelReport[]): string {
  const rows = kernels.map(({ bytes, sha256 }, i) => [
    entries[i]?.key ?? "",
    String(bytes),
    sha256.slice(0, SHORT_HASH),
  ]);
  return formatTable(["KERNEL", "BYTES", "SHA-256"], rows, new Set(["BYTES"]));
}

/** `show` as text. */
export function showText(report: BundleReport): string {
  const { layout, content, namings, kernels, blobs } = report;
  const lines: [string, string][] = [
    ["bundle", `${report.path} (${report.container})`],
    [
      "layout",
      layout === "store"
        ? content === "btf"
          ? "store"
          : "store, of relocated objects"
        : `tree, named for ${namings.join(", ") || "no one consumer"}`,
    ],
    ["kernels", `${kernels}, with ${counted(blobs, "distinct blob")} of ${report.blobBytes} bytes`],
  ];
  if (layout === "store") lines.push(["index", `${report.indexBytes} bytes`]);
  if (report.tarSha256 !== null) lines.push(["tar", `SHA-256 ${report.tarSha256}`]);
  for (const one of report.distributions) lines.push(["", `${one.id ?? "-"} ${one.arch ?? "-"}: ${one.kernels}`]);
  if (report.tool !== null) lines.push(["made by", report.tool]);
  if (report.objects.length > 0) lines.push(["objects", report.objects.join(", ")]);
  return lines.map(([name, value]) => `${`${name}`.padEnd(9)}${printable(value)}\n`).join("");
}

/** A finding as a line. */
export function findingText(bundle: string, { place, problem }: BundleFinding): string {
  return `${printable(`${bundle}: ${place}: ${problem}`)}\n`;
}

/** What verify says of a bundle in a line. */
export function verdictNote(path: string, verdict: BundleVerdict, hasProvenance: boolean): string {
  const odd = verdict.reproducible === false ? "; the tar is not as this program packs it" : "";
  const beside = hasProvenance ? "" : "; no provenance beside it";
  const findings = counted(verdict.findings.length, "finding");
  return `${path}: ${counted(verdict.kernels, "kernel")}, ${counted(verdict.blobs, "blob")}, ${findings}${odd}${beside}`;
}
