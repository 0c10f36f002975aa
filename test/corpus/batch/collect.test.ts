import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { collectAll, collectYoung } from "../../../corpus/batch/collect.ts";

/** Not so much that V8 looks for memory on its own. */
const BYTES = 8 << 20;
/** Looks at young objects after which what is held is an old one. */
const PROMOTING = 4;

/** Holds memory until it is told not to. */
function holder() {
  const before = process.memoryUsage().arrayBuffers;
  const held: Uint8Array[] = [new Uint8Array(BYTES)];
  const isThere = async () => {
    // What is let go of is given back by another thread.
    for (let i = 0; i < 10 && process.memoryUsage().arrayBuffers >= before + BYTES / 2; i++) await pause(10);
    return process.memoryUsage().arrayBuffers >= before + BYTES / 2;
  };
  const letGo = () => {
    held.length = 0;
  };
  return { isThere, letGo };
}

describe("collectYoung", () => {
  it("lets go of memory that has just been taken, and not of what is held", async () => {
    const kept = holder();
    collectYoung();
    expect(await kept.isThere()).toBe(true);
    const dropped = holder();
    dropped.letGo();
    collectYoung();
    expect([await kept.isThere(), await dropped.isThere()]).toEqual([true, false]);
    kept.letGo();
  });
});

describe("collectAll", () => {
  it("lets go of what is old, too, in every version of Node", async () => {
    const { isThere, letGo } = holder();
    for (let i = 0; i < PROMOTING; i++) collectYoung();
    letGo();
    collectAll();
    expect(await isThere()).toBe(false);
  });
});
