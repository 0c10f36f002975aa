import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Executor, failureReason, startPool } from "../../../corpus/batch/pool.ts";
import { workspace } from "../../cli/workspace.ts";
import { tinySetup } from "./tiny-corpus.ts";

const { put } = workspace();
/** A worker that does what its file's name says. */
const workerFile = put(
  "worker.cjs",
  `exports.work = async ({ name }) => {
     if (name === "exit") process.exit(7);
     if (name === "throw") throw new Error("no\\nmore");
     if (name === "loop") for (const never = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(never, 0, 0, 10);
     if (name === "never") await new Promise(() => {});
     if (name === "memory") for (const all = []; ; ) all.push(new Array(1e5).fill({}).map(() => ({ a: [1] })));
     return { from: "known", key: name + require("node:worker_threads").threadId };
   };`,
);

let pool: Executor | undefined;
afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

async function start(timeout: number | null) {
  pool = await startPool(tinySetup(), [], null, { workerFile, jobs: 2, timeout, heapMegabytes: 32 });
  const { run } = pool;
  return (name: string) => run({ path: join("/nowhere", name), name, isNamed: false });
}

describe("a pool", () => {
  it.each([
    ["exit", "its worker failed: "],
    ["throw", "its worker failed: no"],
    ["memory", "its worker ran out of memory"],
    ["loop", "took more than 3 s and was stopped"],
    ["never", "took more than 3 s and was stopped"],
  ])(
    "loses only the file at which a worker is lost: %s",
    async (name, reason) => {
      // Workers take their time to start, and memory to run out, where the machine is busy.
      const run = await start(reason.startsWith("took") ? 3 : 60);
      const [lost, other] = await Promise.allSettled([run(name), run("fine")]);
      expect(lost.status === "rejected" && failureReason(lost.reason)).toMatch(new RegExp(`^${reason}`));
      expect(other.status).toBe("fulfilled");
      const after = await Promise.all(["a", "b", "c"].map(run));
      expect(after.map((outcome) => outcome.from)).toEqual(["known", "known", "known"]);
    },
    90_000,
  );

  it("takes a time for longer than a timer can be set", async () => {
    const run = await start(9_999_999);
    expect((await run("fine")).from).toBe("known");
  });

  it("has as many slots as workers", async () => {
    await start(null);
    expect(pool?.slots).toBe(2);
  });
});
