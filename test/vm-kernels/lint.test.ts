/** Headers that kernels of some releases take and others do not, against `lint`; see scripts/test-vm.mjs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { lintBtf } from "../../lib/btf/lint.ts";
import { inOrder, LAYOUT_ORDERS, type SectionName } from "../btf/section-order.ts";
import { loadBtfsBooted } from "../oracle/kernel.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
/** The newest, which takes a layout, and the one before, which does not; older ones say what the running kernel says. */
const packages = readdirSync(kernels)
  .filter((name) => /(amd64|x86_64)\.deb$/.test(name))
  .sort((a, b) => numberOf(b) - numberOf(a))
  .slice(0, 2);
const MINUTES = 400_000;
const TWO: readonly (readonly SectionName[])[] = [
  ["types", "strings"],
  ["strings", "types"],
];
const CASES = [24, 28, 32, 36].flatMap((header) =>
  [...TWO, ...(header < 32 ? [] : [["types", "layout", "strings"] as const, ...LAYOUT_ORDERS])].map(
    (order) => [`${header} bytes: ${order.join(", ")}`, inOrder(header, ...order)] as const,
  ),
);

/** 6.12 as 612, to compare releases. */
function numberOf(release: string): number {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major) * 100 + Number(minor);
}

describe("lint", () => {
  it.each(packages)(
    "says which headers %s takes",
    async (name) => {
      const { image } = await bootImageOf(readFileSync(join(kernels, name)), name);
      const verdicts = loadBtfsBooted(
        image,
        CASES.map(([, bytes]) => bytes),
      );
      const foretold = CASES.map(([, bytes]) =>
        lintBtf(bytes).every(({ severity, refusedBefore }) => {
          return severity === "warning" && numberOf(name) >= numberOf(refusedBefore ?? "0.0");
        }),
      );
      expect(CASES.map(([order], i) => [order, verdicts[i]?.ok])).toEqual(
        CASES.map(([order], i) => [order, foretold[i]]),
      );
    },
    MINUTES,
  );
});
