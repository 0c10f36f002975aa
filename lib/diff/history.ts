import { compareText } from "../btf/text-order.ts";
import type { BtfSegment } from "../btf/view.ts";
import type { CandidateIndex } from "../core/candidates.ts";
import { describeRelocations } from "../core/describe.ts";
import type { BpfObject } from "../core/object.ts";
import { placeOf } from "../core/place.ts";
import { RELO_ENUMVAL_VALUE, RELO_TYPE_SIZE, type ReloClass, reloClass } from "../core/relo-kind.ts";
import type { MatchRules } from "../core/rules.ts";
import { objectSide, type RelocationSide, type Standing } from "./standing.ts";

/** What a field, an enumerator or a type is on one kernel. */
export interface HistoryState {
  /** The worst of the relocations that ask for it; `skipped` where the object is not for the kernel. */
  readonly status: Standing;
  /** Of a field: bits from the start of the root, and how many; null where it is not there. */
  readonly bitOffset: number | null;
  readonly bits: number | null;
  /** An enumerator's value or a type's size, or 1 and 0 for what is only asked whether it is there; null for a field. */
  readonly value: bigint | null;
  /** Why it is not resolved, without names that come near; null where it is. */
  readonly reason: string | null;
}

/** One field, enumerator or type on every kernel. */
export interface HistoryRow {
  readonly path: string;
  readonly what: ReloClass;
  /** Kinds of the relocations that ask for it: `byte_off`, `field_exists`. */
  readonly kinds: readonly string[];
  readonly users: readonly HistoryUser[];
  /** Indexes into `History.states`, by kernel. */
  readonly cells: readonly number[];
  /** How often it is not as on the kernel before, of those that it is for. */
  readonly changes: number;
}

/** Who asks for it. */
export interface HistoryUser {
  readonly object: string;
  readonly programs: readonly string[];
}

/** Fields over kernels. Equal states are there once. */
export interface History<K> {
  readonly kernels: readonly K[];
  readonly states: readonly HistoryState[];
  /** By path. */
  readonly rows: readonly HistoryRow[];
}

/** Takes kernels one by one; their BTF is not kept. */
export interface HistoryBuilder<K> {
  /** `skip` says which objects are not for the kernel besides those of another byte order. */
  add(kernel: K, index: CandidateIndex, skip?: (object: number) => boolean): void;
  /** The history in some order of the kernels: indexes in the order they were added; that order itself by default. */
  finish(order?: readonly number[]): History<K>;
}

/** What an object asks of one path. */
interface Question {
  readonly object: number;
  readonly path: string;
  readonly what: ReloClass;
  readonly kinds: readonly string[];
  readonly programs: readonly string[];
  /** Indexes into the object's relocations. */
  readonly relocations: readonly number[];
}

/** From the best to the worst. */
const STANDINGS: readonly Standing[] = ["skipped", "resolved", "absent", "guarded", "poisoned", "ambiguous", "error"];
const NOT_FOR_IT: HistoryState = { status: "skipped", bitOffset: null, bits: null, value: null, reason: null };

/** Begins a history of all that some objects ask. @throws FormatError when an object's `.BTF.ext` is damaged. */
export function historyBuilder<K>(objects: readonly BpfObject[], rules: MatchRules): HistoryBuilder<K> {
  const questions = objects.flatMap(questionsOf);
  const states: HistoryState[] = [];
  const known = new Map<string, number>();
  const indexOf = (state: HistoryState): number => {
    const { status, bitOffset, bits, value, reason } = state;
    const key = `${status} ${bitOffset} ${bits} ${value} ${reason}`;
    let index = known.get(key);
    if (index === undefined) {
      index = states.length;
      states.push(state);
      known.set(key, index);
    }
    return index;
  };
  const kernels: K[] = [];
  /** By kernel, then by question. */
  const columns: number[][] = [];
  return {
    add: (kernel, index, skip = () => false) => {
      const { littleEndian } = (index.btf.segments[0] as BtfSegment).header;
      const sides = objects.map((object, i) => {
        if (object.littleEndian !== littleEndian || skip(i)) return null;
        return objectSide(object, index, rules, null);
      });
      kernels.push(kernel);
      columns.push(questions.map((question) => indexOf(stateOf(question, objects, sides[question.object] ?? null))));
    },
    finish: (order = [...kernels.keys()]) => {
      const rows = questions.map((question, i) => {
        const cells = order.map((at) => columns[at]?.[i] ?? -1);
        const asked = cells.filter((cell) => states[cell]?.status !== "skipped");
        const changes = asked.filter((cell, at) => at > 0 && cell !== asked[at - 1]).length;
        return rowOf(question, objects, cells, changes);
      });
      return { kernels: order.map((at) => kernels[at] as K), states, rows: joinRows(rows) };
    },
  };
}

function questionsOf(object: BpfObject, at: number): Question[] {
  const byPath = new Map<
    string,
    { what: ReloClass; kinds: Set<string>; programs: Set<string>; relocations: number[] }
  >();
  describeRelocations(object).forEach((description, i) => {
    const relocation = object.relocations[i];
    // No loader looks at a relocation outside of all programs.
    if (relocation === undefined || relocation.program === -1) return;
    const { path, kind, program } = placeOf(description);
    let question = byPath.get(path);
    if (question === undefined) {
      question = { what: reloClass(relocation.kind), kinds: new Set(), programs: new Set(), relocations: [] };
      byPath.set(path, question);
    }
    question.kinds.add(kind);
    question.programs.add(program ?? "");
    question.relocations.push(i);
  });
  return [...byPath].map(([path, { what, kinds, programs, relocations }]) => {
    return { object: at, path, what, kinds: [...kinds].sort(), programs: [...programs], relocations };
  });
}

function stateOf(
  { object, what, relocations }: Question,
  objects: readonly BpfObject[],
  sides: readonly RelocationSide[] | null,
): HistoryState {
  if (sides === null) return NOT_FOR_IT;
  const asked = relocations.map((at) => ({ kind: objects[object]?.relocations[at]?.kind, side: sides[at] }));
  const worst = STANDINGS.findLast((status) => asked.some(({ side }) => side?.status === status)) ?? "skipped";
  const place = asked.find(({ side }) => side !== undefined && side.place !== null)?.side?.place ?? null;
  // A number says more than that there is one.
  const number = asked.find(({ kind }) => kind === RELO_ENUMVAL_VALUE || kind === RELO_TYPE_SIZE) ?? asked[0];
  return {
    status: worst,
    bitOffset: place?.bitOffset ?? null,
    bits: place?.bits ?? null,
    value: what === "field" ? null : (number?.side?.value ?? null),
    reason: asked.find(({ side }) => side?.status === worst)?.side?.reason ?? null,
  };
}

function rowOf(
  { object, path, what, kinds, programs }: Question,
  objects: readonly BpfObject[],
  cells: readonly number[],
  changes: number,
): HistoryRow {
  return { path, what, kinds, users: [{ object: objects[object]?.source ?? "", programs }], cells, changes };
}

/** Objects that ask the same and get the same answers everywhere share a row. */
function joinRows(rows: readonly HistoryRow[]): HistoryRow[] {
  const joined = new Map<string, HistoryRow>();
  for (const row of rows) {
    const key = `${row.what} ${row.path}\0${row.cells.join(" ")}`;
    const known = joined.get(key);
    if (known === undefined) {
      joined.set(key, row);
      continue;
    }
    const kinds = [...new Set([...known.kinds, ...row.kinds])].sort();
    joined.set(key, { ...known, kinds, users: [...known.users, ...row.users] });
  }
  return [...joined.values()].sort((a, b) => compareText(a.path, b.path));
}
