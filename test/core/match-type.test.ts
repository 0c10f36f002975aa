import { describe, expect, it } from "vitest";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { resolveCase, summary } from "./case.ts";
import { TYPE_CASES } from "./type-cases.ts";

describe("types", () => {
  it.each(TYPE_CASES)("$name", (row) => {
    expect(summary(resolveCase(row, LIBBPF_RULES))).toBe(row.expect);
    expect(summary(resolveCase(row, KERNEL_RULES)), "by the kernel's rules").toBe(row.kernel ?? row.expect);
  });
});
