import type { ReloDescription } from "../../lib/core/describe.ts";
import { formatTable, printable } from "../table.ts";
import type { RelocsReport } from "./relocs-report.ts";

const RIGHT: ReadonlySet<string> = new Set(["INSN", "VALUE"]);
const MAX_SIGNED = (1n << 63n) - 1n;

/** The report as a table: a line a relocation, the object named only where there are several. */
export function relocsText({ relocations, objects, target }: RelocsReport): string {
  if (relocations.length === 0) return "";
  const named = objects.length > 1 ? ["OBJECT"] : [];
  const last = target === null ? ["VALUE", "SOURCE"] : ["SOURCE", "RESULT"];
  const header = [...named, "PROGRAM", "INSN", "KIND", "PATH", ...last];
  const rows = relocations.map((relocation) => [
    ...(objects.length > 1 ? [relocation.object] : []),
    relocation.program ?? `(${relocation.section})`,
    String(relocation.instruction),
    relocation.kind,
    relocation.local.path ?? `${relocation.local.rootName || "(anon)"} ${relocation.local.access}`,
    ...(target === null
      ? [valueText(relocation.original), sourceText(relocation)]
      : [sourceText(relocation), resultText(relocation)]),
  ]);
  return formatTable(header, rows, RIGHT);
}

/** `exec.bpf.c:42`: without directories, which are the build machine's. */
function sourceText({ source }: ReloDescription): string {
  if (source === null) return "-";
  return `${baseName(source.file)}:${source.line}`;
}

/** Without directories, or the archive it is in. */
function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf(":")) + 1);
}

/** `24 -> 32`, `24` where nothing changes, or what is wrong and why. */
function resultText({ original, result }: ReloDescription): string {
  if (result === null) return "";
  const { value, status, reason, resize, chosen, candidates } = result;
  if (status === "absent") return `${change(original, value)} (absent: ${printable(reason ?? "")})`;
  if (status !== "resolved") return `${status}: ${printable(reason ?? "")}`;
  const notes: string[] = [];
  if (resize !== null) notes.push(`load of ${resize.from} bytes becomes ${resize.to}`);
  const candidate = chosen === null ? undefined : candidates[chosen];
  if (candidate !== undefined && candidate.module !== null) notes.push(`in ${baseName(candidate.module)}`);
  return change(original, value) + (notes.length === 0 ? "" : ` (${notes.join(", ")})`);
}

function change(original: bigint | null, value: bigint | null): string {
  return original === value ? valueText(value) : `${valueText(original)} -> ${valueText(value)}`;
}

/** A u64 whose top bit is set is a negative enumerator more often than a great number. */
function valueText(value: bigint | null): string {
  if (value === null) return "-";
  return String(value > MAX_SIGNED ? BigInt.asIntN(64, value) : value);
}
