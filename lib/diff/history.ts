import { compareText } from "../btf/text-order.ts";
import type { BtfSegment } from "../btf/view.ts";
import type { CandidateIndex } from "../core/candidates.ts";
import { describeRelocations } from "../core/describe.ts";
import type { BpfObject } from "../core/object.ts";
import { placeOf } from "../core/place.ts";
import {
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_LSHIFT_U64,
  RELO_FIELD_RSHIFT_U64,
  RELO_TYPE_ID_LOCAL,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_SIZE,
  type ReloClass,
  reloClass,
  reloKindName,
} from "../core/relo-kind.ts";
import type { MatchRules } from "../core/rules.ts";
import { distinctAnswers, type HistoryState, NOT_FOR_IT, StateTable } from "./history-state.ts";
import { objectSide, type RelocationSide, type Standing } from "./standing.ts";

/** One field, enumerator or type on every kernel. */
export interface HistoryRow {
  readonly path: string;
  readonly what: ReloClass;
  /** Kinds of the relocations that ask for it: `byte_off`, `field_exists`. */
  readonly kinds: readonly string[];
  readonly users: readonly HistoryUser[];
  /** Indexes into `History.states`, by kernel. */
  readonly cells: readonly number[];
  /** How often it is not as on the kernel before, of those that it is for; another reason for the same is no change. */
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
/** Besides loads and stores, whose numbers say how large a field is. */
const OF_SIZE: ReadonlySet<number> = new Set([RELO_FIELD_BYTE_SIZE, RELO_FIELD_LSHIFT_U64, RELO_FIELD_RSHIFT_U64]);
const TYPE_IDS: ReadonlySet<number> = new Set([RELO_TYPE_ID_LOCAL, RELO_TYPE_ID_TARGET]);

/** Begins a history of all that some objects ask. @throws FormatError when an object's `.BTF.ext` is damaged. */
export function historyBuilder<K>(objects: readonly BpfObject[], rules: MatchRules): HistoryBuilder<K> {
  const questions = objects.flatMap(questionsOf);
  const table = new StateTable();
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
      columns.push(
        questions.map((question) => table.indexOf(stateOf(question, objects, sides[question.object] ?? null))),
      );
    },
    finish: (order = [...kernels.keys()]) => {
      const rows = questions.map((question, i) => {
        const cells = order.map((at) => columns[at]?.[i] ?? -1);
        return rowOf(question, objects, cells, table.changesOf(cells));
      });
      const joined = joinRows(rows, table);
      // Of states that were joined nobody asks any more.
      const used = [...new Set(joined.flatMap(({ cells }) => cells))];
      const numbers = new Map(used.map((index, number) => [index, number]));
      return {
        kernels: order.map((at) => kernels[at] as K),
        states: used.map((index) => table.at(index)),
        rows: joined.map((row) => ({ ...row, cells: row.cells.map((cell) => numbers.get(cell) ?? -1) })),
      };
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
  const asked = relocations.flatMap((at) => {
    const [relocation, side] = [objects[object]?.relocations[at], sides[at]];
    return relocation === undefined || side === undefined ? [] : [{ kind: relocation.kind, side }];
  });
  const worst = STANDINGS.findLast((status) => asked.some(({ side }) => side.status === status)) ?? "skipped";
  const place = asked.find(({ side }) => side.place !== null)?.side.place ?? null;
  const isSized = asked.some(({ kind, side }) => side.loadBytes !== null || OF_SIZE.has(kind));
  const counted = asked.filter(({ kind }) => !TYPE_IDS.has(kind));
  // A number says more than that there is one.
  const number = counted.find(({ kind }) => kind === RELO_ENUMVAL_VALUE || kind === RELO_TYPE_SIZE) ?? counted[0];
  const answers = asked.map(({ kind, side: { status, value, loadBytes } }) => {
    return { kind: reloKindName(kind), status, value: TYPE_IDS.has(kind) ? null : value, loadBytes };
  });
  return {
    status: worst,
    bitOffset: place?.bitOffset ?? null,
    bits: isSized ? (place?.bits ?? null) : null,
    value: what === "field" ? null : (number?.side.value ?? null),
    answers: distinctAnswers(answers),
    reason: asked.find(({ side }) => side.status === worst)?.side.reason ?? null,
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

/** Objects of which the same is shown everywhere, and that change on the same kernels, share a row. */
function joinRows(rows: readonly HistoryRow[], table: StateTable): HistoryRow[] {
  const joined = new Map<string, HistoryRow>();
  for (const row of rows) {
    const key = `${row.what} ${row.path}\0${table.rowKey(row.cells)}`;
    const known = joined.get(key);
    if (known === undefined) {
      joined.set(key, row);
      continue;
    }
    const kinds = [...new Set([...known.kinds, ...row.kinds])].sort();
    const cells = table.join(known.cells, row.cells);
    joined.set(key, { ...known, kinds, users: [...known.users, ...row.users], cells });
  }
  return [...joined.values()].sort((a, b) => compareText(a.path, b.path));
}
