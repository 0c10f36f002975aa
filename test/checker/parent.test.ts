import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inScratch, watchChild } from "../../checker/parent.ts";
import { workspace } from "../cli/workspace.ts";

const { directory, put } = workspace();

/** Runs a script as a child, and gives its lines and its end. */
async function watched(script: string, silenceMs = 20_000) {
  const lines: string[] = [];
  const how = await watchChild({
    node: process.execPath,
    file: put("child.cjs", script),
    request: join(directory, "request.json"),
    silenceMs,
    onLines: (some) => lines.push(...some),
  });
  return { lines, how };
}

/** By which signals children end, once they have. */
function signalsOf(children: readonly ChildProcess[]): Promise<unknown[]> {
  return Promise.all(
    children.map((child) => new Promise((resolve) => child.once("close", (_, signal) => resolve(signal)))),
  );
}

const HANG = "setInterval(() => {}, 1000);";

describe("watchChild", () => {
  it.each([
    ["", "exit 0"],
    ["process.exitCode = 3; console.error('first\\nlast complaint');", "exit 3: last complaint"],
    ["process.kill(process.pid, 'SIGSEGV')", "killed by SIGSEGV"],
  ])("tells the end of %j", async (script, how) => {
    expect((await watched(script)).how).toBe(how);
  });

  it("ends a child that falls silent", async () => {
    expect((await watched(HANG, 400)).how).toBe("no answer for 0.4 s");
  });

  it("takes whole lines of ours, in whatever pieces they come, and not what a library prints", async () => {
    const script = `process.stdout.write('a library\\n{"type":"he');
      setTimeout(() => process.stdout.write('llo"}\\n{"type":"end"}\\n{"type":"cut'), 50);`;
    expect((await watched(script)).lines).toEqual(['{"type":"hello"}', '{"type":"end"}']);
  });

  it("ends the child where its answer cannot be taken, and says why", async () => {
    const children: ChildProcess[] = [];
    const watching = watchChild({
      node: process.execPath,
      file: put("endless.cjs", `console.log('{"type":"hello"}'); ${HANG}`),
      request: "",
      silenceMs: 20_000,
      onLines: () => {
        throw new Error("no room");
      },
      started: (child) => children.push(child),
    });
    await expect(watching).rejects.toThrow("no room");
    expect(await signalsOf(children)).toEqual(["SIGKILL"]);
  });
});

describe("inScratch", () => {
  it("leaves neither directory nor child when what is done there fails", async () => {
    const children: ChildProcess[] = [];
    let scratch = "";
    const done = inScratch("btfgen-test-scratch-", async (path, started) => {
      scratch = path;
      expect(existsSync(path)).toBe(true);
      const child = spawn(process.execPath, [put("hanging.cjs", HANG)]);
      children.push(child);
      started(child);
      throw new Error("in the middle");
    });
    await expect(done).rejects.toThrow("in the middle");
    expect(existsSync(scratch)).toBe(false);
    expect(await signalsOf(children)).toEqual(["SIGKILL"]);
  });
});
