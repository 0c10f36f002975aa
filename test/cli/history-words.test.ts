import { expect, it } from "vitest";
import { type ShownState, stateText } from "../../cli/diff/history-words.ts";

it.each<[string, Partial<ShownState>]>([
  ["7", { value: 7n }],
  ["-5", { value: (1n << 64n) - 5n }],
  // As a page has it.
  ["7", { value: 7 }],
  ["-5", { value: "18446744073709551611" }],
  ["12:3", { bitOffset: 99 }],
  ["resolved", {}],
  ["absent", { status: "absent", value: 0 }],
])("says %s", (word, given) => {
  expect(stateText({ status: "resolved", bitOffset: null, value: null, ...given })).toBe(word);
});
