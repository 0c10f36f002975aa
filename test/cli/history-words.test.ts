import { describe, expect, it } from "vitest";
import { type ShownState, stateTexts } from "../../cli/diff/history-words.ts";

type Given = Partial<ShownState>;
const state = (given: Given): ShownState => {
  return { status: "resolved", bitOffset: null, bits: null, value: null, answers: [], ...given };
};
const texts = (...given: readonly Given[]) => [...stateTexts(given.map(state), [...given.keys()]).values()];
const answer = (kind: string, value: number | null, loadBytes: number | null = null): ShownState["answers"][number] => {
  return { kind, status: value === null ? "guarded" : "resolved", value, loadBytes };
};

describe("the words of a state", () => {
  it.each<[string, Given]>([
    ["7", { value: 7n }],
    ["-5", { value: (1n << 64n) - 5n }],
    // As a page has it.
    ["7", { value: 7 }],
    ["-5", { value: "18446744073709551611" }],
    ["12:3", { bitOffset: 99 }],
    ["4", { bitOffset: 32, bits: 16, answers: [answer("byte_off", 4, 2)] }],
    ["resolved", {}],
    ["absent", { status: "absent", value: 0 }],
  ])("are %s", (word, given) => {
    expect(texts(given)).toEqual([word]);
  });

  const at4: Given = { bitOffset: 32, answers: [answer("signed", 1)] };
  it.each<[string, readonly Given[], readonly string[]]>([
    ["a number", [at4, { ...at4, answers: [answer("signed", 0)] }], ["4, signed 1", "4, signed 0"]],
    [
      "a size",
      [
        { bitOffset: 32, bits: 32, answers: [answer("byte_off", 4, 4)] },
        { bitOffset: 32, bits: 16, answers: [answer("byte_off", 4, 2)] },
        { status: "poisoned" },
      ],
      ["4, 4 bytes", "4, 2 bytes", "poisoned"],
    ],
    [
      "a load alone",
      [
        { bitOffset: 0, bits: 3, answers: [answer("byte_off", 0, 4)] },
        { bitOffset: 0, bits: 3, answers: [answer("byte_off", 0, 1)] },
      ],
      ["0, loaded by 4 bytes", "0, loaded by 1 byte"],
    ],
    [
      "one of several numbers",
      [
        { bitOffset: 16, answers: [answer("byte_off", 2), answer("byte_sz", 2), answer("signed", 0)] },
        { bitOffset: 16, answers: [answer("byte_off", 2), answer("byte_sz", 4), answer("signed", 0)] },
        { bitOffset: 24, answers: [answer("byte_off", 3), answer("byte_sz", 4), answer("signed", 0)] },
      ],
      ["2, byte_sz 2", "2, byte_sz 4", "3, byte_sz 4"],
    ],
    [
      "what relocations that are not the worst get",
      [
        { status: "poisoned", answers: [answer("byte_off", null)] },
        { status: "poisoned", answers: [{ ...answer("byte_off", null), status: "poisoned" }] },
      ],
      ["poisoned, byte_off guarded", "poisoned, byte_off poisoned"],
    ],
    ["nothing where only the reason differs", [at4, at4], ["4", "4"]],
  ])("tell %s where nothing else is told", (_what, given, words) => {
    expect(texts(...given)).toEqual(words);
  });
});
