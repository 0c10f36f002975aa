import { KIND_FUNC, KIND_TYPEDEF, KIND_VAR } from "../btf/format.ts";
import { essentialLength } from "../btf/strings.ts";
import type { Extern } from "../prepare/externs.ts";
import type { Plan, PlannedProgram, PlannedTarget, Reference } from "../prepare/plan.ts";
import { add, IF_EQUAL, IF_NOT_EQUAL, landIfNegative, move, shiftRight, skipIf } from "./assemble.ts";
import { type LoaderData, reserve } from "./data.ts";
import { beginStep, findAddress, findType, type LoaderCode, RESULT, slotAt, storeWord } from "./emit.ts";

/** Something of the kernel's that is looked up by name when the loader runs. */
export interface Lookup {
  readonly name: string;
  /** Kind of the BTF type; 0 for an address. */
  readonly kind: number;
  /** 0 where it is not there; else that is a failure. */
  readonly weak: boolean;
  /** Place in the data of the type's id, 32 bits, or of the address, 64 bits. */
  readonly at: number;
  /** Of the BTF of the module that has it. */
  readonly slot: number;
}

/** Everything that the programs look up, each thing once. */
export type Lookups = ReadonlyMap<string, Lookup>;

const ADDRESS_BYTES = 8;
const ADDRESS = 0;
const ENOENT = 2;
const HALF_BITS = 32;

type Wanted = Pick<Lookup, "name" | "kind" | "weak">;

function keyOf({ name, kind, weak }: Wanted): string {
  return `${kind} ${weak ? "weak" : "strong"} ${name}`;
}

/** What an instruction's reference is looked up by; null for one to a map. */
function wantedByReference({ externs }: Plan, reference: Reference): Wanted | null {
  if (reference.kind === "map" || reference.kind === "map-value") return null;
  const { name, weak } = externs[reference.extern] as Extern;
  if (reference.kind === "ksym") return { name, kind: ADDRESS, weak };
  if (reference.kind === "typed-ksym") return { name, kind: KIND_VAR, weak };
  const bytes = new TextEncoder().encode(`${name}\0`);
  return { name: new TextDecoder().decode(bytes.subarray(0, essentialLength(bytes, 0))), kind: KIND_FUNC, weak };
}

function wantedByTarget({ kind, name }: PlannedTarget): Wanted {
  return { name, kind: kind === "tp_btf" ? KIND_TYPEDEF : KIND_FUNC, weak: false };
}

/** What the programs look up, by key, in order; so many slots are wanted. */
export function listWanted(plan: Plan, programs: readonly PlannedProgram[]): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const one of programs.flatMap((program) => wantedBy(plan, program))) wanted.set(keyOf(one), one);
  return wanted;
}

function wantedBy(plan: Plan, { attachTarget, references }: PlannedProgram): Wanted[] {
  const ofTarget = attachTarget === null ? [] : [wantedByTarget(attachTarget)];
  return [
    ...ofTarget,
    ...references.flatMap((reference): Wanted[] => {
      const one = wantedByReference(plan, reference);
      return one === null ? [] : [one];
    }),
  ];
}

/** Sets room aside for the answers. */
export function placeLookups(
  data: LoaderData,
  wanted: ReadonlyMap<string, Wanted>,
  slot: (i: number) => number,
): Lookups {
  return new Map(
    [...wanted].map(([key, one], i) => [key, { ...one, at: reserve(data, ADDRESS_BYTES), slot: slot(i) }]),
  );
}

/** The place of the answer for a reference; null for one to a map. */
export function lookupOf(lookups: Lookups, plan: Plan, reference: Reference): Lookup | null {
  const wanted = wantedByReference(plan, reference);
  return wanted === null ? null : (lookups.get(keyOf(wanted)) ?? null);
}

/** The place of the answer for what a program attaches to. */
export function lookupOfTarget(lookups: Lookups, target: PlannedTarget): Lookup | null {
  return lookups.get(keyOf(wantedByTarget(target))) ?? null;
}

/** Looks up what a program wants and no program before it has wanted. */
export function emitLookups(
  writing: LoaderCode,
  plan: Plan,
  lookups: Lookups,
  program: PlannedProgram,
  done: Set<string>,
): void {
  for (const wanted of wantedBy(plan, program)) {
    const key = keyOf(wanted);
    const lookup = lookups.get(key);
    if (lookup === undefined || done.has(key)) continue;
    done.add(key);
    emitLookup(writing, lookup);
  }
}

function emitLookup(writing: LoaderCode, { name, kind, weak, at, slot }: Lookup): void {
  const { code, fail } = writing;
  beginStep(writing, "find", name);
  if (kind === ADDRESS) findAddress(writing, name, at);
  else findType(writing, name, kind);
  if (weak) {
    // That there is none is an answer: 0.
    add(code, RESULT, ENOENT);
    skipIf(code, IF_NOT_EQUAL, RESULT, () => move(code, RESULT, ENOENT));
    add(code, RESULT, -ENOENT);
  }
  landIfNegative(code, fail, RESULT);
  if (kind === ADDRESS) return;
  storeWord(writing, at, RESULT);
  shiftRight(code, RESULT, HALF_BITS);
  skipIf(code, IF_EQUAL, RESULT, () => storeWord(writing, slotAt(slot), RESULT));
}
