import { describe, expect, it } from "vitest";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { resolveCase, summary } from "./case.ts";
import { VALUE_CASES } from "./value-cases.ts";

describe("enumerators, candidates and access strings", () => {
  it.each(VALUE_CASES)("$name", (row) => {
    const record = resolveCase(row, LIBBPF_RULES);
    expect(summary(record)).toBe(row.expect);
    expect(summary(resolveCase(row, KERNEL_RULES)), "by the kernel's rules").toBe(row.kernel ?? row.expect);
    if (row.path !== undefined) expect(record.chosen?.spec.raw.join(":")).toBe(row.path);
  });
});
