/**
 * Compares two runs of libbpf over the same objects, on the full and on the small BTF: what it logs of every
 * relocation and candidate, and the instructions. Our engine has no part in this. Every difference is said in words.
 */
import type { LibbpfRun } from "./libbpf.ts";
import type { ReloLogEntry } from "./libbpf-log.ts";

/** What was compared, to see that it was not nothing. */
export interface PairCount {
  relocations: number;
  /** Candidates that match, on the full BTF. */
  matching: number;
  /** Instructions with a CO-RE value, other than a target's type id. */
  patched: number;
  programs: number;
}

/** An empty count, to be added to. */
export function noPairs(): PairCount {
  return { relocations: 0, matching: 0, patched: 0, programs: 0 };
}

const INSN_BYTES = 8;
const TYPE_ID = "target_type_id";

/** The differences between the runs on the full and on the small BTF, made with the same options. */
export function compareRuns(full: readonly LibbpfRun[], small: readonly LibbpfRun[], count: PairCount): string[] {
  if (full.length !== small.length) return [`${full.length} runs, then ${small.length}`];
  return full.flatMap((run, i) => {
    const name = `${run.object.split("/").at(-1) ?? ""} ${run.only ?? "all programs"}`;
    return compareRun(run, small[i] as LibbpfRun, count).map((text) => `${name}: ${text}`);
  });
}

function compareRun(full: LibbpfRun, small: LibbpfRun, count: PairCount): string[] {
  if (full.object !== small.object || full.only !== small.only) return [`compared with ${small.object} ${small.only}`];
  const said: string[] = [];
  if (full.failed !== small.failed || full.errno !== small.errno) {
    said.push(`${full.failed ?? "ok"} ${full.errno}, then ${small.failed ?? "ok"} ${small.errno}: ${small.error}`);
  }
  const [before, after] = [full.log, small.log].map((log) => log.map(summary));
  (before as string[]).forEach((text, i) => {
    if (text !== after?.[i]) said.push(`${text}\n  then ${after?.[i]}`);
  });
  if (before?.length !== after?.length) said.push(`${before?.length} relocations, then ${after?.length}`);
  count.relocations += full.log.length;
  for (const { candidates } of full.log) count.matching += candidates.filter(({ matching }) => matching).length;
  const ids = slotsOfTypeIds(full);
  for (const [name, { after: wanted }] of full.programs) {
    const found = small.programs.get(name)?.after ?? new Uint8Array(0);
    count.programs++;
    if (wanted.length !== found.length) said.push(`${name}: ${wanted.length} bytes of code, then ${found.length}`);
    for (let at = 0; at < wanted.length; at += INSN_BYTES) {
      if (ids.has(`${name} ${at / INSN_BYTES}`)) continue;
      const [a, b] = [wanted, found].map((code) => Buffer.from(code.subarray(at, at + INSN_BYTES)).toString("hex"));
      if (a !== b) said.push(`${name} #${at / INSN_BYTES}: ${a}, then ${b}`);
    }
  }
  for (const { local, patches } of full.log) if (local?.kind !== TYPE_ID) count.patched += patches.length;
  return said;
}

/** All that libbpf says of a relocation but ids, indexes of members and candidates that match nothing. */
function summary(entry: ReloLogEntry): string {
  const isId = entry.local?.kind === TYPE_ID;
  const matching = entry.candidates
    .filter((candidate) => candidate.matching)
    .map(({ spec }) => `${spec.typeKind} ${spec.path} @${String(spec.bitOffset)} ${String(spec.enumValue)}`);
  return [
    `${entry.program} #${entry.reloIndex} ${entry.local?.text ?? ""}`,
    // Types that became one are one candidate.
    ...[...new Set(matching)].sort(),
    ...entry.patches.map(
      ({ insn, form, what, from, to }) => `${insn} ${form} ${what} ${from}>${isId && to !== 0n ? "id" : to}`,
    ),
    `poisoned ${entry.poisoned.join()} ${entry.noTargets ? "no targets" : ""}`,
    entry.ambiguity === undefined ? "" : "ambiguous",
    `${entry.errors.length} errors`,
  ].join("; ");
}

/** Where a target's type id went: `program slot`. A subprogram's code stands behind each program that calls it. */
function slotsOfTypeIds(run: LibbpfRun): Set<string> {
  const slots = new Set<string>();
  for (const { program, local, patches } of run.log) {
    if (local?.kind !== TYPE_ID) continue;
    for (const { insn, form } of patches) {
      for (const base of placesOf(program, run)) {
        slots.add(`${base.name} ${base.start + insn}`);
        if (form === "LDIMM64") slots.add(`${base.name} ${base.start + insn + 1}`);
      }
    }
  }
  return slots;
}

function placesOf(program: string, run: LibbpfRun): { name: string; start: number }[] {
  if (run.programs.has(program)) return [{ name: program, start: 0 }];
  return [...run.programs].flatMap(([name, { appended }]) =>
    appended.filter(({ subprogram }) => subprogram === program).map(({ start }) => ({ name, start })),
  );
}
