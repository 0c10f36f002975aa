import { beforeEach, describe, expect, it } from "vitest";
import type { Executor } from "../../../corpus/batch/pool.ts";
import { setupPools } from "../../../corpus/batch/setup-pools.ts";

/** What happened to pools, in order: `A starts`, `A ends`. */
const log: string[] = [];
/** Files that are being done, and how to end each. */
const held = new Map<string, () => void>();

beforeEach(() => {
  log.length = 0;
  held.clear();
});

/** Pools whose files are done at once, but for those called `wait...`: these when they are told to. */
function pools() {
  return setupPools<string, string>(async (digest): Promise<Executor<string, string>> => {
    log.push(`${digest} starts`);
    if (digest === "gone" && log.length === 1) throw new Error("no such setup");
    return {
      slots: 2,
      run: async (file) => {
        if (file.startsWith("wait")) await new Promise<void>((resolve) => held.set(file, resolve));
        return `${digest} ${file}`;
      },
      close: async () => {
        log.push(`${digest} ends`);
      },
    };
  });
}

/** Lets what can go on do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("pools of setups", () => {
  it.each<[what: string, setups: string, log: string]>([
    ["keep one for all files of a setup", "A A A", "+A"],
    ["keep two for runs that take turns", "A B A B A B", "+A +B"],
    ["end the one used longest ago when a third comes", "A B C A", "+A +B +C -A +A -B"],
    ["go by the last use, not the first", "A B A C A", "+A +B +C -B"],
    ["are two, however many setups come", "A B C D E", "+A +B +C -A +D -B +E -C"],
  ])("%s", async (_, setups, expected) => {
    const { run } = pools();
    for (const setup of setups.split(" ")) expect(await run(setup, "f")).toBe(`${setup} f`);
    const short = log.map((line) => `${line.endsWith("starts") ? "+" : "-"}${line[0]}`);
    expect(short.join(" ")).toBe(expected);
  });

  it("are not ended while they have a file, and are when they have none", async () => {
    const { run } = pools();
    const waiting = ["A", "B", "C"].map((setup) => run(setup, `wait ${setup}`));
    await settle();
    await run("D", "f");
    expect(log.filter((line) => line.endsWith("ends"))).toEqual([]);
    for (const done of held.values()) done();
    expect(await Promise.all(waiting)).toEqual(["A wait A", "B wait B", "C wait C"]);
    await run("D", "g");
    expect(log.filter((line) => line.endsWith("ends"))).toEqual(["A ends", "B ends"]);
  });

  it("start again what could not be started", async () => {
    const { run } = pools();
    const both = await Promise.allSettled([run("gone", "f"), run("gone", "g")]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await run("gone", "h")).toBe("gone h");
    expect(log).toEqual(["gone starts", "gone starts"]);
  });

  it("end together", async () => {
    const { run, close } = pools();
    await Promise.all([run("A", "f"), run("B", "f")]);
    await close();
    expect(log.slice(2)).toEqual(["A ends", "B ends"]);
  });
});
