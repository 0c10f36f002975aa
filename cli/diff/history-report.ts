import { groupKernels, HISTORY_LEVELS, labelOf, labelText } from "../../corpus/compat/group.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import type { MatchRules } from "../../lib/core/rules.ts";
import type { History, HistoryRow } from "../../lib/diff/history.ts";
import type { HistoryState } from "../../lib/diff/history-state.ts";
import { stateTexts } from "./history-words.ts";

/** A kernel of a history. */
export interface HistoryKernel extends KernelIdentity {
  readonly origin: string;
  /** Modules that were read with it. */
  readonly modules: number;
}

/** The document of `btfgen diff A B C ... --object ... --json`; docs/FORMATS.md has it in words. */
export interface HistoryReport extends History<HistoryKernel> {
  /** Version of this schema. */
  readonly version: 1;
  readonly rules: MatchRules["name"];
  readonly objects: readonly string[];
  readonly unreadable: readonly { readonly origin: string; readonly reason: string }[];
}

/** Consecutive kernels on which a field is the same. */
export interface HistoryRun {
  readonly state: HistoryState;
  /** What the state is called in this row. */
  readonly text: string;
  /** `debian 12 x86_64 6.1.0-47 to 6.1.0-56 cloud-amd64`. */
  readonly label: string;
  readonly first: number;
  readonly count: number;
}

/** The runs of a row, which never speak for kernels of two distributions. */
export function runsOf({ kernels, states }: HistoryReport, { cells }: HistoryRow): HistoryRun[] {
  const texts = stateTexts(states, cells);
  const grouped = kernels.map((identity, i) => ({ identity, row: cells[i] ?? -1 }));
  return groupKernels(grouped, HISTORY_LEVELS).map(({ first, count, row }) => {
    const members = kernels.slice(first, first + count);
    const origin = members[0]?.origin ?? "";
    const label = members.length > 1 && members[0]?.release === null ? `${origin} and ${count - 1} more` : undefined;
    const state = states[row] as HistoryState;
    return { state, text: texts.get(row) ?? "", label: label ?? labelText(labelOf(members), origin), first, count };
  });
}

/** A kernel in a word or two, for the head of a column. */
export function kernelText(kernel: HistoryKernel): string {
  return kernel.release ?? kernel.origin.slice(kernel.origin.lastIndexOf("/") + 1);
}
