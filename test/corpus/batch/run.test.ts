import { describe, expect, it } from "vitest";
import type { BatchEvent } from "../../../corpus/batch/event.ts";
import { planBatch } from "../../../corpus/batch/plan.ts";
import type { Executor } from "../../../corpus/batch/pool.ts";
import type { FileOutcome, FileTask } from "../../../corpus/batch/process-file.ts";
import type { PartResult } from "../../../corpus/batch/result.ts";
import { runPlan } from "../../../corpus/batch/run.ts";

const IDENTITY = { id: null, versionId: null, arch: "x86_64", release: "1" };

function planOf(count: number) {
  const files = Array.from({ length: count }, (_, i) => ({ path: `/c/${i}`, name: `${i}`, size: i, isNamed: false }));
  return planBatch(files, null);
}

function outcome(name: string, part: Partial<PartResult> = {}): FileOutcome {
  const skipped = { state: "skipped", identity: IDENTITY, origin: "!x", reason: "" } as const;
  const parts = [{ ...skipped, ...part } as PartResult];
  return { from: "work", result: { key: name, sourceHash: "", bytesRead: 1, parts }, milliseconds: Number(name) };
}

/** Does files in an order of its own, some of them long after others. */
function scrambling(slots: number, run: (task: FileTask) => FileOutcome) {
  const seen = { now: 0, most: 0, begun: 0 };
  const executor: Executor = {
    slots,
    run: async (task) => {
      seen.begun++;
      seen.most = Math.max(seen.most, ++seen.now);
      await new Promise((resolve) => setTimeout(resolve, (Number(task.name) * 7) % 5));
      seen.now--;
      return run(task);
    },
    close: async () => {},
  };
  return { executor, seen };
}

const QUIET = { failFast: false, state: null, onEvent: () => {} };

describe("runPlan", () => {
  it("gives results in the plan's order, and no more work than there are slots", async () => {
    const { executor, seen } = scrambling(3, ({ name }) => outcome(name));
    const end = await runPlan(planOf(40), executor, QUIET);
    expect(end.ended).toBe("complete");
    expect(end.skipped.map(({ origin }) => origin)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}!x`));
    expect(seen.most).toBe(3);
    expect(end.slowest.map(({ name }) => name)).toEqual(["39", "38", "37", "36", "35"]);
  });

  it("goes on after a file that failed, whether in its worker or with it", async () => {
    const { executor } = scrambling(2, ({ name }) => {
      if (name === "3") throw new Error("gone");
      return name === "5" ? outcome(name, { state: "failed", reason: "bad" }) : outcome(name);
    });
    const end = await runPlan(planOf(9), executor, QUIET);
    expect(end.ended).toBe("complete");
    expect(end.failed).toMatchObject([
      { origin: "3", reason: "its worker failed: gone" },
      { origin: "5!x", reason: "bad" },
    ]);
    expect(end.skipped).toHaveLength(7);
  });

  it("stops at the first failure where that is wanted", async () => {
    const { executor, seen } = scrambling(2, ({ name }) =>
      name === "3" ? outcome(name, { state: "failed", reason: "bad" }) : outcome(name),
    );
    const end = await runPlan(planOf(50), executor, { ...QUIET, failFast: true });
    expect(end.ended).toBe("fail-fast");
    expect(seen.begun).toBeLessThan(10);
  });

  it("stops when it is told to, without waiting for what is being done", async () => {
    const stop = new AbortController();
    const never: Executor = { slots: 2, run: () => new Promise(() => {}), close: async () => {} };
    setTimeout(() => stop.abort(), 10);
    const end = await runPlan(planOf(5), never, { ...QUIET, signal: stop.signal });
    expect(end).toMatchObject({ ended: "interrupted", files: 0 });
  });

  it("tells what happens, each file once", async () => {
    const events: BatchEvent[] = [];
    const { executor } = scrambling(2, ({ name }) => outcome(name));
    await runPlan(planOf(6), executor, { ...QUIET, onEvent: (event) => events.push(event) });
    const files = events.flatMap((event) => (event.event === "file" ? [event.index] : []));
    expect(files.sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(events.filter(({ event }) => event === "file-start")).toHaveLength(6);
  });

  it("puts results of an interrupted run in their places", async () => {
    const { executor } = scrambling(2, ({ name }): FileOutcome => {
      return Number(name) % 2 === 0 ? { from: "known", key: name } : outcome(name);
    });
    const results = ["0", "2"]
      .map((name) => outcome(name))
      .flatMap((one) => (one.from === "known" ? [] : [one.result]));
    const appended: string[] = [];
    const state = {
      found: new Map(results.map((result) => [result.key, result])),
      append: ({ key }: { readonly key: string }) => appended.push(key),
      leave: () => {},
      finish: () => {},
    };
    const end = await runPlan(planOf(4), executor, { ...QUIET, state });
    expect(end.skipped.map(({ origin }) => origin)).toEqual(["0!x", "1!x", "2!x", "3!x"]);
    expect(appended.sort()).toEqual(["1", "3"]);
  });
});
