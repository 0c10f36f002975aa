import { type AppliedProgram, applyRecords, isFailure } from "../core/apply.ts";
import type { CandidateIndex } from "../core/candidates.ts";
import { INSN_BYTES, OP_LDIMM64 } from "../core/instruction.ts";
import type { BpfObject } from "../core/object.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import { type ReloRecord, resolveObject } from "../core/resolve.ts";
import { LIBBPF_RULES } from "../core/rules.ts";
import { hex } from "./instructions.ts";
import type { BtfSide, LoadRun, ProgramRun } from "./loader-run.ts";
import { withoutValues } from "./refusal.ts";

/** Where libbpf's code with full BTF is not that with small BTF, or not ours. */
export interface LoaderDifference {
  /** `full-small`: libbpf's own two results differ; `ours`: they agree, but this engine says otherwise. */
  readonly what: "full-small" | "ours";
  /** The program that was relocated; null for the object as a whole. */
  readonly program: string | null;
  /** 8-byte slot in the program as it would be loaded; null where relocating itself comes out otherwise. */
  readonly slot: number | null;
  readonly full: string;
  readonly small: string;
  /** The relocation behind it; null where none is at that instruction. */
  readonly record: ReloRecord | null;
}

/** What comparing a loader's code for one object came to. */
export interface LoaderComparison {
  /** Programs whose code was compared, each counted once for each opening. */
  readonly programs: number;
  /** Instructions with a relocation that were compared with ours. */
  readonly relocations: number;
  readonly differences: readonly LoaderDifference[];
  /** What could not be compared: the loader refuses the object, with full and with small BTF alike. */
  readonly notCompared: readonly { readonly program: string | null; readonly reason: string }[];
  /** Programs with an instruction that takes a target's type id: their code differs and must. */
  readonly withTypeIds: ReadonlySet<string>;
}

/** The two targets, ready to be looked up. */
export type SideIndexes = Readonly<Record<BtfSide, CandidateIndex>>;

/** Compares all openings (passes `relocate`) of one object. */
export function compareLoaderCode(object: BpfObject, runs: readonly LoadRun[], indexes: SideIndexes): LoaderComparison {
  const into = {
    programs: 0,
    relocations: 0,
    differences: [] as LoaderDifference[],
    notCompared: [] as { program: string | null; reason: string }[],
    withTypeIds: new Set<string>(),
  };
  const passes = new Map<string | null, Partial<Record<BtfSide, LoadRun>>>();
  for (const run of runs) {
    if (run.pass !== "relocate") continue;
    passes.set(run.program, { ...passes.get(run.program), [run.side]: run });
  }
  for (const [program, { full, small }] of passes) {
    if (full === undefined || small === undefined) {
      into.notCompared.push({ program, reason: "libbpf did not come to its end" });
    } else if (full.ok && small.ok) comparePair(object, full, small, indexes, into);
    else compareRefusals(object, full, small, indexes, into);
  }
  return into;
}

type Into = { -readonly [K in keyof LoaderComparison]: LoaderComparison[K] } & {
  readonly differences: LoaderDifference[];
  readonly notCompared: { program: string | null; reason: string }[];
  readonly withTypeIds: Set<string>;
};

function compareRefusals(object: BpfObject, full: LoadRun, small: LoadRun, indexes: SideIndexes, into: Into): void {
  const { program } = full;
  const [a, b] = [outcomeText(full), outcomeText(small)];
  if (full.ok !== small.ok || a !== b) {
    into.differences.push({ what: "full-small", program, slot: null, full: a, small: b, record: null });
    return;
  }
  into.notCompared.push({ program, reason: a });
  if (!isRelocationRefusal(full)) return;
  // Both are refused for a relocation: ours must refuse one, too.
  const wanted = program === null ? null : new Set([program]);
  const records = recordsOf(object, wanted, indexes.full);
  const refused = applyRecords(object, records).some(({ patched }) =>
    patched.some(({ outcome }) => isFailure(outcome)),
  );
  if (refused || program !== null) return;
  const ours = "every relocation can be applied";
  into.differences.push({
    what: "ours",
    program,
    slot: null,
    full: `libbpf: ${a}`,
    small: `ours: ${ours}`,
    record: null,
  });
}

function comparePair(object: BpfObject, full: LoadRun, small: LoadRun, indexes: SideIndexes, into: Into): void {
  const wanted = full.program === null ? null : functionsOf(full.programs);
  const records = { full: recordsOf(object, wanted, indexes.full), small: recordsOf(object, wanted, indexes.small) };
  const ours = { full: applyRecords(object, records.full), small: applyRecords(object, records.small) };
  const recordOf = new Map(records.full.map((record) => [record.relocation.index, record]));
  full.programs.forEach((program, i) => {
    const other = small.programs[i];
    const [a, b] = [program.code, other?.code];
    if (a === null || b === null || b === undefined || other?.name !== program.name) return;
    const places = placesOf(object, program);
    if (places[0]?.start !== 0) {
      into.notCompared.push({ program: program.name, reason: "the object has no program of that name and length" });
      return;
    }
    into.programs++;
    const relocated = relocatedSlots(places, ours, recordOf);
    if ([...relocated.values()].some(({ record }) => isTypeId(record))) into.withTypeIds.add(program.name);
    compareSides(program.name, a, b, relocated, into);
    compareOurs(program.name, { full: a, small: b }, relocated, into);
  });
}

/** A relocated slot of a program as it would be loaded: what ours has there. */
interface RelocatedSlot {
  readonly record: ReloRecord;
  /** 8 bytes, or why it cannot be applied. */
  readonly full: Uint8Array | string;
  readonly small: Uint8Array | string;
}

function relocatedSlots(
  places: readonly Place[],
  ours: Readonly<Record<BtfSide, readonly AppliedProgram[]>>,
  recordOf: ReadonlyMap<number, ReloRecord>,
): Map<number, RelocatedSlot> {
  const slots = new Map<number, RelocatedSlot>();
  for (const { index, start } of places) {
    const [full, small] = [ours.full[index], ours.small[index]];
    full?.patched.forEach(({ relocation, insn, outcome }, i) => {
      const record = recordOf.get(relocation);
      const other = small?.patched[i]?.outcome;
      if (record === undefined || small === undefined || other === undefined) return;
      const count = full.instructions[insn * INSN_BYTES] === OP_LDIMM64 ? 2 : 1;
      for (let slot = insn; slot < insn + count; slot++) {
        slots.set(start + slot, {
          record,
          full: isFailure(outcome) ? outcome.failure : slotOf(full.instructions, slot),
          small: isFailure(other) ? other.failure : slotOf(small.instructions, slot),
        });
      }
    });
  }
  return slots;
}

function compareSides(
  program: string,
  full: Uint8Array,
  small: Uint8Array,
  relocated: ReadonlyMap<number, RelocatedSlot>,
  { differences }: Into,
): void {
  if (full.length !== small.length) {
    const [a, b] = [full, small].map(({ length }) => `${length / INSN_BYTES} instructions`);
    differences.push({ what: "full-small", program, slot: null, full: a ?? "", small: b ?? "", record: null });
    return;
  }
  for (let slot = 0; slot < full.length / INSN_BYTES; slot++) {
    const [a, b] = [slotOf(full, slot), slotOf(small, slot)];
    if (isSame(a, b)) continue;
    const known = relocated.get(slot);
    if (known !== undefined && isTypeId(known.record) && hasId(a) && hasId(b)) continue;
    differences.push({
      what: "full-small",
      program,
      slot,
      full: hex(a),
      small: hex(b),
      record: known?.record ?? null,
    });
  }
}

function compareOurs(
  program: string,
  codes: Readonly<Record<BtfSide, Uint8Array>>,
  relocated: ReadonlyMap<number, RelocatedSlot>,
  into: Into,
): void {
  for (const [slot, ours] of relocated) {
    into.relocations++;
    for (const side of ["full", "small"] as const) {
      const theirs = slotOf(codes[side], slot);
      const own = ours[side];
      if (typeof own !== "string" && isSame(theirs, own)) continue;
      const told = typeof own === "string" ? own : hex(own);
      into.differences.push({
        what: "ours",
        program,
        slot,
        full: `libbpf, ${side} BTF: ${hex(theirs)}`,
        small: `ours, ${side} BTF: ${told}`,
        record: ours.record,
      });
    }
  }
}

/** A function's part of a program: its own code, or a subprogram's behind it. */
interface Place {
  /** Index into the object's programs. */
  readonly index: number;
  /** Its first slot. */
  readonly start: number;
}

/** Where functions stand in a program as it would be loaded; those that cannot be told apart are left out. */
function placesOf(object: BpfObject, { name, section, code, appended }: ProgramRun): Place[] {
  const total = (code?.length ?? 0) / INSN_BYTES;
  const behind = appended.reduce((sum, { slots }) => sum + slots, 0);
  let start = 0;
  const places: Place[] = [];
  const parts = [{ name, slots: total - behind, section }, ...appended.map((part) => ({ ...part, section: null }))];
  for (const part of parts) {
    const found = object.programs.flatMap((own, index) => {
      const fits = own.name === part.name && own.size === part.slots * INSN_BYTES;
      return fits && (part.section === null || own.section === part.section) ? [index] : [];
    });
    const [index] = found;
    if (index !== undefined && found.length === 1) places.push({ index, start });
    start += part.slots;
  }
  return places;
}

function functionsOf(programs: readonly ProgramRun[]): ReadonlySet<string> {
  return new Set(programs.flatMap(({ name, appended }) => [name, ...appended.map((part) => part.name)]));
}

/** Our records of an object with all its functions, or of some: candidates are dropped by what is relocated before. */
function recordsOf(object: BpfObject, wanted: ReadonlySet<string> | null, index: CandidateIndex): ReloRecord[] {
  if (wanted === null) return resolveObject(object, index, { rules: LIBBPF_RULES });
  const relocations = object.relocations.filter(({ program }) => wanted.has(object.programs[program]?.name ?? ""));
  const part: BpfObject = { ...object, relocations };
  return resolveObject(part, index, { rules: LIBBPF_RULES }).map((record) => ({ ...record, object }));
}

function isTypeId({ relocation }: ReloRecord): boolean {
  return relocation.kind === RELO_TYPE_ID_TARGET;
}

function hasId(slot: Uint8Array): boolean {
  return slot.subarray(4).some((byte) => byte !== 0);
}

function slotOf(code: Uint8Array, slot: number): Uint8Array {
  return code.subarray(slot * INSN_BYTES, (slot + 1) * INSN_BYTES);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function isRelocationRefusal({ warnings }: LoadRun): boolean {
  return warnings.some((text) => text.startsWith("failed to perform CO-RE relocations"));
}

function outcomeText({ ok, warnings }: LoadRun): string {
  if (ok) return "relocated";
  const said = warnings.find((text) => !text.startsWith("failed to load object"));
  return said === undefined ? "refused without a word" : withoutValues(said);
}
