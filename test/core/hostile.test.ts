/** Types built so that a plain search would never end: the engine gives up with a FormatError, and soon. */
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { RELO_FIELD_EXISTS, RELO_TYPE_EXISTS, RELO_TYPE_MATCHES } from "../../lib/core/relo-kind.ts";
import type { Row } from "../btf/records.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { type Case, INT, nth, proto, ptr, resolveCase, struct, summary } from "./case.ts";

const MOST_MS = 20_000;

function outcome(it: Case): string {
  const start = cpuMilliseconds();
  try {
    return summary(resolveCase(it));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.code;
  } finally {
    expect(cpuMilliseconds() - start).toBeLessThan(MOST_MS);
  }
}

/** Structs of which each has the next one twice, without a name. */
const doubled = (levels: number): Row[] =>
  Array.from({ length: levels }, (_, i) =>
    struct(
      i === 0 ? "s" : "",
      i === levels - 1
        ? [["y", INT, 0]]
        : [
            ["", nth(i + 1), 0],
            ["", nth(i + 1), 64],
          ],
    ),
  );
/** Structs of which each has the next one twice, under two names. */
const named = (levels: number): Row[] =>
  Array.from({ length: levels }, (_, i) =>
    struct(
      `s${i}`,
      i === levels - 1
        ? [["x", INT, 0]]
        : [
            ["a", nth(i + 1), 0],
            ["b", nth(i + 1), 64],
          ],
    ),
  );
/** Prototypes of which each takes the next one twice. */
const prototypes = (levels: number): Row[] => [
  struct("unused", []),
  ...Array.from({ length: levels }, (_, i) => proto(0, ...(i === levels - 1 ? [INT] : [nth(i + 2), nth(i + 2)]))),
];
const X = [struct("s", [["x", INT, 0]])];
const rooted = (rows: readonly Row[]): Row[] => [["t", 8 << 24, nth(1)], ...rows.slice(1)];

describe("fan-out", () => {
  const cases: [name: string, it: Omit<Case, "name" | "expect">, expected: string][] = [
    ["anonymous members, few", { kind: RELO_FIELD_EXISTS, access: "0:0", local: X, target: doubled(10) }, "absent"],
    ["anonymous members", { kind: RELO_FIELD_EXISTS, access: "0:0", local: X, target: doubled(40) }, "type-loop"],
    ["members, few", { kind: RELO_TYPE_MATCHES, local: named(10), target: named(10) }, "1"],
    ["members", { kind: RELO_TYPE_MATCHES, local: named(31), target: named(31) }, "type-loop"],
    ["parameters, few", { kind: RELO_TYPE_EXISTS, local: rooted(prototypes(10)), target: rooted(prototypes(10)) }, "1"],
  ];
  it.each(cases)("%s", (name, it, expected) => {
    expect(outcome({ ...it, name, expect: expected })).toBe(expected);
  });
});

describe("circles", () => {
  const loop: Row[] = [
    ["t", 8 << 24, nth(1)],
    ["u", 8 << 24, nth(0)],
  ];
  it("of typedefs", () => {
    expect(outcome({ name: "", kind: RELO_TYPE_EXISTS, local: loop, target: loop, expect: "" })).toBe("type-loop");
  });
  it("of pointers", () => {
    const pointers: Row[] = [["t", 8 << 24, nth(1)], ptr(nth(1))];
    expect(outcome({ name: "", kind: RELO_TYPE_EXISTS, local: pointers, target: pointers, expect: "" })).toBe("error");
  });
  it("of an anonymous struct in itself", () => {
    const target = [struct("s", [["", nth(0), 0]])];
    expect(outcome({ name: "", kind: RELO_FIELD_EXISTS, access: "0:0", local: X, target, expect: "" })).toBe("error");
  });
});
