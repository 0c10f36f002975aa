import type { Standing } from "./standing.ts";

/** What a field, an enumerator or a type is on one kernel. */
export interface HistoryState {
  /** The worst of the relocations that ask for it; `skipped` where the object is not for the kernel. */
  readonly status: Standing;
  /** Of a field: bits from the start of the root; null where it is not there. */
  readonly bitOffset: number | null;
  /** How many it has; null also where nothing that is asked depends on it. */
  readonly bits: number | null;
  /** An enumerator's value or a type's size, or 1 and 0 for what is only asked whether it is there; null for a field. */
  readonly value: bigint | null;
  /** What its relocations get, by kind; each answer once. */
  readonly answers: readonly HistoryAnswer[];
  /** Why it is not resolved, without names that come near; null where it is. */
  readonly reason: string | null;
}

/** What relocations of one kind get: all that a step to another kernel compares. */
export interface HistoryAnswer {
  /** `byte_off`, ... */
  readonly kind: string;
  readonly status: Standing;
  /** The number that goes into the instruction; null where none does, and of a type's id, which every kernel has anew. */
  readonly value: bigint | null;
  /** Bytes that a load or store moves, as a step has them. */
  readonly loadBytes: number | null;
}

/** A state where the object is not for the kernel. */
export const NOT_FOR_IT: HistoryState = {
  status: "skipped",
  bitOffset: null,
  bits: null,
  value: null,
  answers: [],
  reason: null,
};

/** States, each once. */
export class StateTable {
  private readonly states: HistoryState[] = [];
  private readonly told: string[] = [];
  private readonly known = new Map<string, number>();

  /** The index of a state, which is taken in where it is new. */
  indexOf(state: HistoryState): number {
    const told = toldOf(state);
    const key = `${told} ${state.reason}`;
    let index = this.known.get(key);
    if (index === undefined) {
      index = this.states.push(state) - 1;
      this.told.push(told);
      this.known.set(key, index);
    }
    return index;
  }

  /** The state of an index that indexOf gave. */
  at(index: number): HistoryState {
    return this.states[index] ?? NOT_FOR_IT;
  }

  /** How often some states are not as the one before, but for those of kernels that the object is not for. */
  changesOf(cells: readonly number[]): number {
    const asked = cells.filter((cell) => this.at(cell).status !== "skipped");
    return asked.filter((cell, at) => at > 0 && this.told[cell] !== this.told[asked[at - 1] ?? -1]).length;
  }

  /** Rows with the same key may be one: the same is shown of them, and they change on the same kernels. */
  rowKey(cells: readonly number[]): string {
    const shown = cells.map((cell) => shownOf(this.at(cell)));
    const told = [...new Set(cells.map((cell) => this.told[cell]))];
    return `${shown.join()}\0${cells.map((cell) => told.indexOf(this.told[cell])).join()}`;
  }

  /** The states of two such rows as one. */
  join(cells: readonly number[], others: readonly number[]): number[] {
    return cells.map((cell, at) => {
      const other = others[at] ?? cell;
      return cell === other ? cell : this.indexOf(joined(this.at(cell), this.at(other)));
    });
  }
}

/** All of which a difference is a change; another reason for the same is none, as of a step. */
function toldOf(state: HistoryState): string {
  return `${placeOf(state)} ${state.bits} ${state.answers.map(keyOf).join()}`;
}

function shownOf(state: HistoryState): string {
  return `${placeOf(state)} ${state.reason}`;
}

function placeOf({ status, bitOffset, value }: HistoryState): string {
  return `${status} ${bitOffset} ${value}`;
}

function joined(one: HistoryState, other: HistoryState): HistoryState {
  return { ...one, bits: one.bits ?? other.bits, answers: distinctAnswers([...one.answers, ...other.answers]) };
}

/** Each once, in the order of their words. */
export function distinctAnswers(answers: readonly HistoryAnswer[]): HistoryAnswer[] {
  const byKey = new Map(answers.map((answer) => [keyOf(answer), answer]));
  return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
}

function keyOf({ kind, status, value, loadBytes }: HistoryAnswer): string {
  return `${kind} ${status} ${value} ${loadBytes}`;
}
