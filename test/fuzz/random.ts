/** Seeds and helpers of the fuzz tests: the same cases on every run, more of them by BTFGEN_FUZZ_CASES. */
import { type Random, randomOf } from "../oracle/btf-mutants.ts";
import { THOROUGH } from "../samples.ts";

export type { Random };
export { randomOf };

/** Everything random in these tests comes from this number. */
const SEED = 0x5eed_b7f;

/**
 * How many cases a test runs: as many as fit a test run (a quarter of them in `npm test`), or what BTFGEN_FUZZ_CASES
 * says, for a longer one. `share` is the part of that number a test with slow cases takes.
 */
export function caseCount(usual: number, share = 1): number {
  const wanted = Number(process.env.BTFGEN_FUZZ_CASES ?? "");
  if (wanted > 0) return Math.max(1, Math.round(wanted * share));
  return THOROUGH ? usual : usual / 4;
}

/** The generator of one case; BTFGEN_FUZZ_SEED starts elsewhere. */
export function randomOfCase(index: number): Random {
  return randomOf(seedOfCase(index));
}

/** The number a failing case is reported by. */
export function seedOfCase(index: number): number {
  return (Number(process.env.BTFGEN_FUZZ_SEED ?? SEED) + Math.imul(index + 1, 0x9e37_79b1)) >>> 0;
}

/** One element of a list that is not empty. */
export function oneOf<T>(list: ArrayLike<T>, random: Random): T {
  return list[random(list.length)] as T;
}
