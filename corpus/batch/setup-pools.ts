import type { Executor } from "./pool.ts";

/**
 * Two runs that share a queue take turns, some hundred files each. With one pool kept, every turn would start threads,
 * whose code takes a second or two of processor time each to become warm.
 */
const MOST_POOLS = 2;

/** Pools by the setup that their threads have got. */
export interface SetupPools<Task, Outcome> {
  /** Does a file in the pool of a setup, which is started where there is none. Rejects as that does, or as Executor.run. */
  run(digest: string, task: Task): Promise<Outcome>;
  /** Ends all of them, and whatever they are doing. */
  close(): Promise<void>;
}

interface KeptPool<Task, Outcome> {
  readonly executor: Promise<Executor<Task, Outcome>>;
  /** Files that it has, or will have once it is there. */
  running: number;
}

/** Keeps the pools of the setups that were asked for last: threads and what they hold do not go away by themselves. */
export function setupPools<Task, Outcome>(
  start: (digest: string) => Promise<Executor<Task, Outcome>>,
): SetupPools<Task, Outcome> {
  /** That of the setup asked for longest ago is the first. */
  const pools = new Map<string, KeptPool<Task, Outcome>>();

  const poolOf = (digest: string): KeptPool<Task, Outcome> => {
    let pool = pools.get(digest);
    if (pool === undefined) {
      pool = { executor: start(digest), running: 0 };
      // The next file may have more luck.
      pool.executor.catch(() => pools.delete(digest));
    }
    pools.delete(digest);
    pools.set(digest, pool);
    return pool;
  };

  const closeSpare = async (): Promise<void> => {
    const idle = [...pools].filter(([, { running }]) => running === 0);
    const spare = idle.slice(0, Math.max(0, pools.size - MOST_POOLS));
    for (const [digest] of spare) pools.delete(digest);
    for (const [, { executor }] of spare) await (await executor).close();
  };

  return {
    run: async (digest, task) => {
      const pool = poolOf(digest);
      pool.running++;
      try {
        await closeSpare();
        return await (await pool.executor).run(task);
      } finally {
        pool.running--;
      }
    },
    close: async () => {
      for (const { executor } of pools.values()) await (await executor).close();
    },
  };
}
