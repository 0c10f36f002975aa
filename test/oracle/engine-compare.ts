/**
 * Compares the engine with one run of libbpf: candidates found, each candidate's outcome and path, the value chosen,
 * and the instructions. Says every difference in words; none is the wanted result.
 */
import { nameOf } from "../../lib/btf/strings.ts";
import { kindName, kindOf } from "../../lib/btf/view.ts";
import { type AppliedProgram, applyRecords, isFailure } from "../../lib/core/apply.ts";
import type { CandidateIndex } from "../../lib/core/candidates.ts";
import { INSN_BYTES, OP_CALL, OP_LDIMM64 } from "../../lib/core/instruction.ts";
import { MATCH, NO_MATCH } from "../../lib/core/match-state.ts";
import type { BpfObject, BpfProgram } from "../../lib/core/object.ts";
import { RELO_ENUMVAL_EXISTS, RELO_ENUMVAL_VALUE, RELO_TYPE_ID_LOCAL } from "../../lib/core/relo-kind.ts";
import { type CandidateOutcome, type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { readRelocations } from "../../lib/elf/relocations.ts";
import type { LibbpfRun } from "./libbpf.ts";
import type { ReloLogEntry } from "./libbpf-log.ts";
import { specText } from "./libbpf-spec.ts";

/** What was compared, and what was not the same. */
export interface Comparison {
  relocations: number;
  candidates: number;
  /** Instructions compared: with a CO-RE relocation, others, and of the others those with masked fields. */
  patched: number;
  plain: number;
  masked: number;
  readonly differences: string[];
}

/** An empty comparison, to be added to. */
export function noComparison(): Comparison {
  return { relocations: 0, candidates: 0, patched: 0, plain: 0, masked: 0, differences: [] };
}

/** libbpf's name of the section whose functions are subprograms when it has more than one. */
const TEXT = ".text";

/** Compares one run, adding to `sum`. `index` is of the run's target. */
export function compareRun(object: BpfObject, index: CandidateIndex, run: LibbpfRun, sum: Comparison): void {
  const say = (what: string) => {
    sum.differences.push(`${run.object} ${run.only ?? "all programs"} on ${index.btf.source}: ${what}`);
  };
  if (run.failed === "open" || run.failed === "crash") {
    say(`libbpf gives no answer: ${run.error}`);
    return;
  }
  const isLoaded = (program: BpfProgram): boolean =>
    run.only === undefined || program.name === run.only || program.section === TEXT;
  const relocations = object.relocations.filter(({ program }) => {
    const home = object.programs[program];
    return home !== undefined && isLoaded(home);
  });
  const records = resolveObject({ ...object, relocations }, index);
  const entries = new Map(run.log.map((entry) => [`${entry.reloIndex} ${entry.program}`, entry]));
  const positions = positionsInSections(object);
  const applied = applyRecords(object, records);
  const unfit = new Set(
    applied.flatMap(({ patched }) => patched.filter(({ outcome }) => isFailure(outcome)).map((it) => it.relocation)),
  );
  const remaining = new Map<number, readonly number[]>();
  const reached: ReloRecord[] = [];
  for (const record of records) {
    const { relocation } = record;
    const program = object.programs[relocation.program] as BpfProgram;
    const key = `${positions[relocation.index]} ${program.name}`;
    const entry = entries.get(key);
    if (entry === undefined) {
      say(`libbpf has no relocation #${key}`);
      break;
    }
    entries.delete(key);
    sum.relocations++;
    const before = sum.differences.length;
    compareRecord(record, entry, index, remaining, sum, (what) => say(`relocation #${key}: ${what}`));
    compareFailure(record, entry, unfit.has(relocation.index), (what) => say(`relocation #${key}: ${what}`));
    if (sum.differences.length > before) break;
    // libbpf gives the object up at the first relocation that fails; what comes behind it has no witness.
    if (entry.errors.some((error) => error.includes("failed to"))) break;
    reached.push(record);
  }
  if (run.failed === undefined && entries.size > 0)
    say(`relocations we do not have: ${[...entries.keys()].join(", ")}`);
  compareFound(reached, index, run, say);
  compareCode(object, applied, reached, run, sum, say);
}

/** The position of each relocation among those of its section in .BTF.ext, which is how libbpf's log numbers them. */
export function positionsInSections(object: BpfObject): number[] {
  let section = "";
  let position = 0;
  return object.relocations.map((relocation) => {
    if (relocation.section !== section) position = 0;
    section = relocation.section;
    return position++;
  });
}

function compareRecord(
  record: ReloRecord,
  entry: ReloLogEntry,
  index: CandidateIndex,
  remaining: Map<number, readonly number[]>,
  sum: Comparison,
  say: (what: string) => void,
): void {
  const { relocation, local, status } = record;
  if ("reason" in local) {
    if (entry.local !== undefined) say(`we do not understand its access string: ${local.reason}`);
    return;
  }
  // A root without a name: libbpf looks for candidates first, and gives up without a word on the path.
  if (status === "error" && entry.local === undefined) return;
  const localText = specText(record.object.btf as NonNullable<BpfObject["btf"]>, relocation.kind, local, true);
  if (localText !== entry.local?.text) say(`local: ${localText}, libbpf ${entry.local?.text}`);
  const left = record.candidates.filter(({ id }) => remaining.get(relocation.typeId)?.includes(id) ?? true);
  const isEnumerator = relocation.kind === RELO_ENUMVAL_EXISTS || relocation.kind === RELO_ENUMVAL_VALUE;
  for (const candidate of entry.candidates) {
    const ours = left[candidate.index];
    sum.candidates++;
    if (ours === undefined) {
      say(`libbpf has a candidate #${candidate.index}: ${candidate.spec.text}`);
      return;
    }
    const outcome = candidate.matching ? MATCH : NO_MATCH;
    // An error behind a match (a size that cannot be had) is told for the relocation, not for the candidate.
    if (ours.outcome !== outcome && !(outcome === MATCH && ours.outcome < 0)) {
      say(`candidate #${candidate.index}: outcome ${ours.outcome}, libbpf ${outcome}`);
    }
    // An enumerator that is not there is printed as whatever the first one is.
    if (isEnumerator && outcome !== MATCH) continue;
    const text = specText(index.btf, relocation.kind, ours.spec, outcome === MATCH);
    if (text !== candidate.spec.text) say(`candidate #${candidate.index}: ${text}, libbpf ${candidate.spec.text}`);
  }
  compareDecision(record, entry, left, say);
  if (status !== "resolved" || relocation.kind === RELO_TYPE_ID_LOCAL) return;
  remaining.set(
    relocation.typeId,
    left.filter(({ outcome }) => outcome === MATCH).map(({ id }) => id),
  );
}

function compareDecision(
  { status, value, relocation }: ReloRecord,
  entry: ReloLogEntry,
  left: readonly CandidateOutcome[],
  say: (what: string) => void,
): void {
  const complete = status !== "ambiguous" && status !== "error";
  if (complete && relocation.kind !== RELO_TYPE_ID_LOCAL && entry.candidates.length !== left.length) {
    say(`${left.length} candidates, libbpf ${entry.candidates.length}`);
  }
  if ((status === "ambiguous") !== (entry.ambiguity !== undefined)) say(`${status}, libbpf: ${entry.ambiguity}`);
  const isNone = status === "absent" || status === "poisoned";
  // An error may come behind "no match": the local side's own size cannot be had.
  if (complete && isNone !== entry.noTargets) say(`${status}, libbpf ${entry.noTargets ? "has no" : "has a"} match`);
  if (status === "error" && entry.errors.length === 0) say("an error for us alone");
  for (const patch of entry.patches) {
    if (patch.what === "mem_sz" || value === null) continue;
    if (patch.to !== value.value) say(`value ${value.value}, libbpf ${patch.to}`);
  }
}

/** Both give the object up, and at the same step, or neither does. */
function compareFailure(record: ReloRecord, entry: ReloLogEntry, isUnfit: boolean, say: (what: string) => void): void {
  const notResolved = record.status === "ambiguous" || record.status === "error";
  const theyDoNotResolve = entry.errors.some((error) => error.includes("failed to relocate"));
  const theyDoNotPatch = entry.errors.some((error) => error.includes("failed to patch"));
  if (notResolved !== theyDoNotResolve) say(`${record.status} (${record.reason}), libbpf: ${entry.errors.join("; ")}`);
  else if (!notResolved && isUnfit !== theyDoNotPatch) {
    say(`${isUnfit ? "does not fit" : "fits"} its instruction, libbpf: ${entry.errors.join("; ")}`);
  }
}

/** libbpf says once for each root type which candidates there are, before any is matched. */
function compareFound(
  reached: readonly ReloRecord[],
  index: CandidateIndex,
  run: LibbpfRun,
  say: (what: string) => void,
): void {
  for (const { relocation, candidates } of reached) {
    if (relocation.kind === RELO_TYPE_ID_LOCAL) continue;
    const theirs = run.found
      .filter(({ localId }) => localId === relocation.typeId)
      .map((it) => `[${it.targetId}] ${it.targetKind} ${it.targetName}`)
      .join(", ");
    const ours = candidates
      .map(({ id }) => `[${id}] ${kindName(kindOf(index.btf, id)).toLowerCase()} ${nameOf(index.btf, id)}`)
      .join(", ");
    if (ours !== theirs) say(`candidates of [${relocation.typeId}]: ${ours}; libbpf ${theirs}`);
  }
}

function compareCode(
  object: BpfObject,
  applied: readonly AppliedProgram[],
  reached: readonly ReloRecord[],
  run: LibbpfRun,
  sum: Comparison,
  say: (what: string) => void,
): void {
  const complete = run.failed === undefined;
  const wasReached = new Set(reached.map(({ relocation }) => relocation.index));
  const loaderSlots = slotsOfElfRelocations(object);
  for (const [i, program] of object.programs.entries()) {
    const ours = applied[i];
    if (ours === undefined) continue;
    const codes = placesOf(program.name, run);
    const coreSlots = new Set<number>();
    for (const { relocation, insn, outcome } of ours.patched) {
      if (!complete && !wasReached.has(relocation)) continue;
      if (isFailure(outcome)) {
        say(`${program.name} #${insn}: ${outcome.failure}, but libbpf goes on`);
        continue;
      }
      coreSlots.add(insn);
      if (isWide(object, program, insn)) coreSlots.add(insn + 1);
    }
    for (const theirs of codes) {
      for (let slot = 0; slot * INSN_BYTES < ours.instructions.length; slot++) {
        const at = slot * INSN_BYTES;
        const a = ours.instructions.slice(at, at + INSN_BYTES);
        const b = theirs.slice(at, at + INSN_BYTES);
        if (coreSlots.has(slot)) sum.patched++;
        else if (!complete) continue;
        else {
          sum.plain++;
          const hasElfRelocation = loaderSlots.has(place(program.sectionIndex, program.offset + at));
          if (hasElfRelocation || isSubprogramCall(a, object.littleEndian)) {
            maskLoaderFields(a);
            maskLoaderFields(b);
            sum.masked++;
          }
        }
        if (hex(a) !== hex(b)) say(`${program.name} #${slot}: ${hex(a)}, libbpf ${hex(b)}`);
      }
    }
  }
}

/** The code of a program, or of a subprogram behind every program that calls it. */
function placesOf(name: string, run: LibbpfRun): Uint8Array[] {
  const own = run.programs.get(name);
  if (own !== undefined) return [own.after.subarray(0, own.before.length)];
  return [...run.programs.values()].flatMap(({ after, appended }) =>
    appended
      .filter(({ subprogram }) => subprogram === name)
      .map(({ start, count }) => after.subarray(start * INSN_BYTES, (start + count) * INSN_BYTES)),
  );
}

/** In a call, the source register 1 says that it is one of a subprogram. */
const CALL_OF_SUBPROGRAM = 1;

function isSubprogramCall(insn: Uint8Array, littleEndian: boolean): boolean {
  const registers = insn[1] ?? 0;
  return insn[0] === OP_CALL && (littleEndian ? registers >>> 4 : registers & 0x0f) === CALL_OF_SUBPROGRAM;
}

/** Takes out registers, offset and number: what a loader fills in for maps, externs, kfuncs and subprograms. */
function maskLoaderFields(insn: Uint8Array): void {
  insn.fill(0, 1);
}

/** Every instruction slot with an ELF relocation; both of a 64-bit immediate. */
function slotsOfElfRelocations(object: BpfObject): Set<string> {
  const slots = new Set<string>();
  for (const section of object.elf.sections) {
    if (!section.name.startsWith(".rel") || section.name.startsWith(".rel.BTF")) continue;
    const relocations = readRelocations(object.elf, section);
    for (const offset of relocations.offsets) {
      slots.add(place(relocations.target, offset));
      if (relocations.types.length > 0) slots.add(place(relocations.target, offset + INSN_BYTES));
    }
  }
  return slots;
}

const place = (section: number, offset: number): string => `${section}:${offset}`;

function isWide(object: BpfObject, program: BpfProgram, insn: number): boolean {
  const section = object.elf.sections[program.sectionIndex];
  if (section === undefined) return false;
  return object.elf.bytes[section.offset + program.offset + insn * INSN_BYTES] === OP_LDIMM64;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
