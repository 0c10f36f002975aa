import type { HistoryAnswer, HistoryState } from "../../lib/diff/history-state.ts";
import { offsetText } from "../../lib/diff/offset-text.ts";
import { counted } from "../table.ts";
import { bitsText, valueText } from "./impact-words.ts";

/** A state, also as the page has it, where JSON has made numbers or strings of its values. */
export interface ShownState extends Pick<HistoryState, "status" | "bitOffset" | "bits"> {
  readonly value: ShownValue;
  readonly answers: readonly (Pick<HistoryAnswer, "kind" | "status" | "loadBytes"> & { readonly value: ShownValue })[];
}

type ShownValue = bigint | number | string | null;

/**
 * What a row's states are called, by their indexes: `1248`, `96:3`, `absent`, an offset in bytes (and bits), a value, or what
 * else it is. Where that is the same of two which differ, what differs is said too: `4, signed 1` and `4, signed 0`.
 */
export function stateTexts(states: readonly ShownState[], cells: readonly number[]): ReadonlyMap<number, string> {
  const own = [...new Set(cells)].flatMap((cell) => {
    const state = states[cell];
    return state === undefined ? [] : [{ cell, state }];
  });
  let texts = own.map(({ state }) => stateText(state));
  const details = own.map(({ state }) => detailsOf(state));
  for (const about of new Set(details.flatMap((one) => [...one.keys()]))) {
    const longer = texts.map((text, i) => [text, details[i]?.get(about) ?? []].flat().join(", "));
    if (new Set(longer).size > new Set(texts).size) texts = longer;
  }
  return new Map(own.map(({ cell }, i) => [cell, texts[i] ?? ""]));
}

function stateText({ status, bitOffset, value }: ShownState): string {
  if (status !== "resolved") return status;
  if (bitOffset !== null) return offsetText(bitOffset);
  return value === null ? status : numberText(value);
}

/** By what they are about, the plainest first. */
function detailsOf({ bits, answers }: ShownState): Map<string, string> {
  const details = new Map<string, string>();
  if (bits !== null) details.set("size", bitsText(bits));
  const loads = answers.flatMap(({ loadBytes }) => (loadBytes === null ? [] : [loadBytes]));
  if (loads.length > 0) details.set("load", `loaded by ${loads.map((count) => counted(count, "byte")).join(" and ")}`);
  for (const kind of new Set(answers.map((answer) => answer.kind))) {
    const own = answers.filter((answer) => answer.kind === kind);
    const words = own.map((answer) => (answer.value === null ? answer.status : numberText(answer.value)));
    details.set(kind, `${kind} ${[...new Set(words)].join(" and ")}`);
  }
  return details;
}

function numberText(value: NonNullable<ShownValue>): string {
  return valueText(BigInt(value));
}
