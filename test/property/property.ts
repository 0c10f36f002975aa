import fc from "fast-check";
import { it } from "vitest";

/** What fast-check is always told, so that a run makes up the same cases twice. */
interface Settings {
  readonly seed: number;
  readonly numRuns: number;
}

/**
 * A test of what holds for any values. Stands in for @fast-check/vitest, whose import alone takes three seconds of
 * processor time.
 */
export function property<T extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  settings: Settings,
  holds: (...values: T) => void | Promise<void>,
): void {
  it(name, () =>
    fc.assert(
      fc.asyncProperty(...arbitraries, async (...values) => holds(...values)),
      settings,
    ),
  );
}
