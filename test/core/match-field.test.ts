import { describe, expect, it } from "vitest";
import { resolveCase, summary } from "./case.ts";
import { FIELD_CASES } from "./field-cases.ts";

describe("fields", () => {
  it.each(FIELD_CASES)("$name", (row) => {
    const record = resolveCase(row);
    expect(summary(record)).toBe(row.expect);
    if (row.path !== undefined) expect(record.chosen?.spec.raw.join(":")).toBe(row.path);
  });
});
