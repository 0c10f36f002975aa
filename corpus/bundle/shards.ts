import { compareText } from "../../lib/btf/text-order.ts";

/** The shards of a run that a bundle has. */
export interface RunShards {
  /** SHA-256 over names and sizes of the whole corpus, as `batch --plan` shows it: the shards of another plan are others. */
  readonly plan: string;
  readonly of: number;
  /** From 1, rising. */
  readonly has: number[];
}

/** What bundles have together, by plan; runs that are whole are left out. */
export function joinShards(bundles: readonly (readonly RunShards[])[]): RunShards[] {
  const runs = new Map<string, RunShards>();
  for (const run of bundles.flat()) {
    const key = `${run.plan}/${run.of}`;
    const has = new Set([...(runs.get(key)?.has ?? []), ...run.has]);
    runs.set(key, { plan: run.plan, of: run.of, has: [...has].sort((a, b) => a - b) });
  }
  return [...runs.values()]
    .filter(({ of, has }) => has.length < of)
    .sort((a, b) => compareText(a.plan, b.plan) || a.of - b.of);
}

const NUMBERS = 10;
const PLAN_DIGITS = 16;

/** What a run lacks, in words. */
export function missingShards({ plan, of, has }: RunShards): string {
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((shard) => !has.includes(shard));
  const shown = missing.slice(0, NUMBERS).join(", ");
  const rest = missing.length > NUMBERS ? ` and ${missing.length - NUMBERS} more` : "";
  return `shard ${shown}${rest} of ${of} is missing of the corpus ${plan.slice(0, PLAN_DIGITS)}`;
}
