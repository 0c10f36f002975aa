import { type MergeOptions, mergeBundles } from "../../corpus/bundle/merge.ts";
import { type OpenBundle, readEntry } from "../../corpus/bundle/read.ts";
import { type BundleVerdict, verifyBundle } from "../../corpus/bundle/verify.ts";
import { UsageError } from "../errors.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { counted, printable } from "../table.ts";
import { openBundleArgument, readProvenance } from "./input.ts";
import { checkBundleOutput, writeBundleTo } from "./output.ts";
import { type BundleReport, findingText, kernelReport, listText, showText, verdictNote } from "./report.ts";

/** `bundle list BUNDLE`. */
export async function listAction(path: string): Promise<Outcome> {
  const bundle = await openBundleArgument(path);
  const kernels = bundle.entries.map((entry) => kernelReport(bundle, entry));
  return { exitCode: EXIT_FINE, json: { path, kernels }, text: () => listText(bundle.entries, kernels) };
}

/** `bundle show BUNDLE`. */
export async function showAction(path: string): Promise<Outcome> {
  const bundle = await openBundleArgument(path);
  const json = bundleReport(path, bundle);
  return { exitCode: EXIT_FINE, json, text: () => showText(json) };
}

function bundleReport(path: string, bundle: OpenBundle): BundleReport {
  const { storage, layout, content, namings, entries } = bundle;
  const provenance = readProvenance(path)?.provenance;
  const sizes = new Map(
    entries.map((entry) => readEntry(bundle, entry)).map(({ blobHash, bytes }) => [blobHash, bytes.length]),
  );
  const indexName = storage.names.find((name) => name.endsWith("index.json"));
  const groups = new Map<string, BundleReport["distributions"][number]>();
  for (const { identity } of entries) {
    const { id, arch } = identity;
    const key = JSON.stringify([id, arch]);
    groups.set(key, { id, arch, kernels: (groups.get(key)?.kernels ?? 0) + 1 });
  }
  return {
    path,
    layout,
    content,
    namings,
    container: storage.container,
    tarSha256: storage.tarSha256,
    kernels: entries.length,
    blobs: sizes.size,
    blobBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    indexBytes: layout === "store" && indexName !== undefined ? storage.read(indexName).length : 0,
    distributions: [...groups.values()],
    tool: provenance === undefined ? null : `${provenance.tool.name} ${provenance.tool.version}`,
    objects: provenance?.objects.map(({ name }) => name) ?? [],
  };
}

/** `bundle verify BUNDLE...`. */
export async function verifyAction(paths: readonly string[]): Promise<Outcome> {
  const bundles: (BundleVerdict & { readonly path: string; readonly provenance: boolean })[] = [];
  const notes: string[] = [];
  for (const path of paths) {
    const provenance = readProvenance(path)?.provenance ?? null;
    const verdict = await verifyBundle(await openBundleArgument(path), provenance);
    bundles.push({ path, ...verdict, provenance: provenance !== null });
    notes.push(verdictNote(path, verdict, provenance !== null));
  }
  return {
    exitCode: bundles.some(({ findings }) => findings.length > 0) ? EXIT_FINDING : EXIT_FINE,
    json: { bundles },
    text: () => bundles.flatMap(({ path, findings }) => findings.map((one) => findingText(path, one))).join(""),
    notes,
  };
}

/** `bundle merge BUNDLE... -o OUT`: writes only where nothing stands against it. */
export async function mergeAction(
  paths: readonly string[],
  output: string | undefined,
  options: MergeOptions,
): Promise<Outcome> {
  if (output === undefined) throw new UsageError("bundle merge needs --output OUT");
  checkBundleOutput(output);
  const parts = [];
  for (const path of paths) parts.push({ bundle: await openBundleArgument(path), provenance: readProvenance(path) });
  const { entries, shape, provenance, conflicts, problems, notes } = mergeBundles(parts, options);
  const refused = conflicts.length > 0 || problems.length > 0;
  const written = refused ? null : await writeBundleTo(output, entries, shape, provenance);
  return {
    exitCode: refused ? EXIT_FINDING : EXIT_FINE,
    json: { output: written, shape, kernels: entries.length, conflicts, problems },
    notes: [
      ...conflicts.map(({ kernel, between: [a, b] }) => printable(`${kernel} is not the same in ${a} and ${b}`)),
      ...problems.map(printable),
      ...notes.map(printable),
      written === null
        ? `nothing is written: ${counted(conflicts.length, "conflict")}, ${counted(problems.length, "problem")}`
        : `${written.path}: ${counted(written.kernels, "kernel")}, ${counted(written.blobs, "blob")}, ${counted(written.bytes, "byte")}`,
    ],
  };
}
