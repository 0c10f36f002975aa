import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { collectAll, collectYoung } from "../../../corpus/batch/collect.ts";

/** Not so much that V8 looks for memory on its own. */
const BYTES = 8 << 20;
/** Looks at young objects after which what is held is an old one. */
const PROMOTING = 4;

const taken = () => process.memoryUsage().arrayBuffers;

/** Holds memory until it is told not to. What other tests of this process left behind is let go of before. */
async function holder() {
  collectAll();
  let before = Number.POSITIVE_INFINITY;
  // What is let go of is given back by another thread.
  while (taken() < before) {
    before = taken();
    await pause(20);
  }
  const held: Uint8Array[] = [new Uint8Array(BYTES)];
  const isThere = async () => {
    for (let i = 0; i < 10 && taken() >= before + BYTES / 2; i++) await pause(10);
    return taken() >= before + BYTES / 2;
  };
  const letGo = () => {
    held.length = 0;
  };
  return { isThere, letGo };
}

describe("collectYoung", () => {
  it("lets go of memory that has just been taken, and not of what is held", async () => {
    const kept = await holder();
    collectYoung();
    expect(await kept.isThere()).toBe(true);
    const dropped = await holder();
    dropped.letGo();
    collectYoung();
    expect([await kept.isThere(), await dropped.isThere()]).toEqual([true, false]);
    kept.letGo();
  });
});

describe("collectAll", () => {
  it("lets go of what is old, too, in every version of Node", async () => {
    const { isThere, letGo } = await holder();
    for (let i = 0; i < PROMOTING; i++) collectYoung();
    letGo();
    collectAll();
    expect(await isThere()).toBe(false);
  });
});
