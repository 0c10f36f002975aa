import type { HistoryState } from "../../lib/diff/history.ts";
import { placeText, valueText } from "./impact-words.ts";

/** A state, also as the page has it, where JSON has made a number or a string of its value. */
export interface ShownState extends Pick<HistoryState, "status" | "bitOffset"> {
  readonly value: bigint | number | string | null;
}

/** `1248`, `96:3`, `absent`: an offset in bytes (and bits), a value, or what else it is. */
export function stateText({ status, bitOffset, value }: ShownState): string {
  if (status !== "resolved") return status;
  if (bitOffset !== null) return placeText({ bitOffset });
  return value === null ? status : valueText(BigInt(value));
}
