import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { FileResult } from "../../../corpus/batch/result.ts";
import { hasState, openState, statePath } from "../../../corpus/batch/state.ts";
import { CouldNotRunError } from "../../../corpus/could-not-run.ts";
import { workspace } from "../../cli/workspace.ts";

const { directory } = workspace();
const result = (n: number): FileResult => ({
  key: String(n).padStart(64, "0"),
  sourceHash: "cd".repeat(32),
  bytesRead: n,
  parts: [],
});
const keys = (state: ReturnType<typeof openState>) => [...state.found.values()].map(({ bytesRead }) => bytesRead);
/** A process that has been there and is not any more. */
const deadPid = spawnSync(process.execPath, ["-e", ""]).pid;

function interrupted(name: string, results: number): string {
  const output = join(directory, name);
  const state = openState(output, false);
  for (let i = 0; i < results; i++) state.append(result(i));
  state.leave();
  return output;
}

describe("the state of a run", () => {
  it("is beside the output, and has what was finished", () => {
    const output = interrupted("a.tar", 3);
    expect(statePath(`${directory}/dir/`)).toBe(`${directory}/dir.state`);
    expect(hasState(output)).toBe(true);
    const state = openState(output, true);
    expect(keys(state)).toEqual([0, 1, 2]);
    state.append(result(3));
    state.leave();
    const again = openState(output, true);
    expect(keys(again)).toEqual([0, 1, 2, 3]);
    again.finish();
    expect(existsSync(statePath(output))).toBe(false);
  });

  it("is dropped by a run that does not resume it", () => {
    const output = interrupted("b.tar", 3);
    openState(output, false).leave();
    const state = openState(output, true);
    expect(keys(state)).toEqual([]);
    state.finish();
  });

  it("loses the record that was being written, and goes on behind the others", () => {
    const output = interrupted("c.tar", 3);
    const journal = join(statePath(output), "journal");
    truncateSync(journal, statSync(journal).size - 10);
    const state = openState(output, true);
    expect(keys(state)).toEqual([0, 1]);
    state.append(result(7));
    state.leave();
    appendFileSync(journal, "BGR1 and junk");
    const again = openState(output, true);
    expect(keys(again)).toEqual([0, 1, 7]);
    again.finish();
  });

  it("does not keep what failed: it is tried again", () => {
    const output = join(directory, "d.tar");
    const state = openState(output, false);
    state.append({ ...result(1), parts: [{ state: "failed", origin: "", reason: "no" }] });
    state.append(result(2));
    state.leave();
    const again = openState(output, true);
    expect(keys(again)).toEqual([2]);
    again.finish();
  });
});

describe("two runs into one output", () => {
  it("refuses the second while the first lives", () => {
    const output = join(directory, "two.tar");
    const first = openState(output, false);
    expect(() => openState(output, false)).toThrow(CouldNotRunError);
    expect(() => openState(output, true)).toThrow(/is being written by process/);
    first.leave();
    openState(output, false).finish();
  });

  it.each([
    ["is not there any more", { pid: deadPid, start: "1", host: hostname() }],
    // A new process has its number.
    ["started at another time", { pid: process.pid, start: "1", host: hostname() }],
  ])("takes the lock over from a process that %s", (_, holder) => {
    const output = interrupted("stale.tar", 2);
    writeFileSync(join(statePath(output), "lock"), JSON.stringify(holder));
    const state = openState(output, true);
    expect(keys(state)).toEqual([0, 1]);
    expect(() => openState(output, true)).toThrow(CouldNotRunError);
    expect(readdirSync(statePath(output)).sort()).toEqual(["journal", "lock"]);
    state.finish();
  });

  it("does not judge processes of another machine", () => {
    const output = interrupted("host.tar", 1);
    writeFileSync(join(statePath(output), "lock"), JSON.stringify({ pid: 1, start: "1", host: "elsewhere" }));
    expect(() => openState(output, true)).toThrow(
      /process 1 on elsewhere; if that is gone, try again in (29\d|300) seconds, or remove .*lock$/,
    );
  });

  it("takes the lock over from another machine that has been silent for five minutes, and not before", () => {
    const output = interrupted("silent.tar", 1);
    const lock = join(statePath(output), "lock");
    writeFileSync(lock, JSON.stringify({ pid: 1, start: "1", host: "elsewhere" }));
    const silentFor = (seconds: number) => utimesSync(lock, new Date(), new Date(Date.now() - seconds * 1000));
    silentFor(290);
    expect(() => openState(output, true)).toThrow(/try again in (9|10|11) seconds/);
    silentFor(301);
    const state = openState(output, true);
    expect(keys(state)).toEqual([0]);
    state.finish();
  });

  it("shows that it lives, for as long as it does, and lets go of nothing that is another's by then", () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const output = interrupted("living.tar", 1);
      const lock = join(statePath(output), "lock");
      const state = openState(output, true);
      const long = new Date(Date.now() - 3_600_000);
      utimesSync(lock, long, long);
      const before = readFileSync(lock);
      vi.advanceTimersByTime(15_000);
      expect(Date.now() - statSync(lock).mtimeMs).toBeLessThan(60_000);
      expect(readFileSync(lock)).toEqual(before);
      const other = JSON.stringify({ pid: 1, start: "1", host: "elsewhere" });
      writeFileSync(lock, other);
      utimesSync(lock, long, long);
      vi.advanceTimersByTime(60_000);
      expect(Math.round(statSync(lock).mtimeMs)).toBe(long.getTime());
      state.leave();
      expect(readFileSync(lock, "utf8")).toBe(other);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
