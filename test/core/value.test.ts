import { describe, expect, it } from "vitest";
import { resolveCase, summary } from "./case.ts";
import { VALUE_CASES } from "./value-cases.ts";

describe("enumerators, candidates and access strings", () => {
  it.each(VALUE_CASES)("$name", (row) => {
    const record = resolveCase(row);
    expect(summary(record)).toBe(row.expect);
    if (row.path !== undefined) expect(record.chosen?.spec.raw.join(":")).toBe(row.path);
  });
});
