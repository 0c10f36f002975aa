import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFiles } from "../../cli/atomic.ts";

const NEW = new TextEncoder().encode("new");
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "btfgen-atomic-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("writeFiles", () => {
  it("makes a new file with the mode the umask leaves", () => {
    const path = join(directory, "out");
    writeFiles([{ path, bytes: NEW }]);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
    expect(readdirSync(directory)).toEqual(["out"]);
  });

  it("replaces a file, keeps its mode, and keeps a symbolic link a link", () => {
    const path = join(directory, "out");
    const link = join(directory, "link");
    writeFileSync(path, "something longer", { mode: 0o640 });
    symlinkSync("out", link);
    writeFiles([{ path: link, bytes: NEW }]);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it("leaves every target as it was when one cannot be written", () => {
    const good = join(directory, "good");
    writeFileSync(good, "old");
    const bad = join(directory, "missing", "out");
    const files = [good, bad].map((path) => ({ path, bytes: NEW }));
    expect(() => writeFiles(files)).toThrow(`cannot write ${bad}: there is no directory ${dirname(bad)}`);
    expect(readFileSync(good, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["good"]);
  });

  it("refuses a directory", () => {
    const path = join(directory, "sub");
    mkdirSync(path);
    expect(() => writeFiles([{ path, bytes: NEW }])).toThrow(`cannot write ${path}: is a directory`);
    expect(readdirSync(directory)).toEqual(["sub"]);
  });

  it("reports a full device", () => {
    expect(() => writeFiles([{ path: "/dev/full", bytes: NEW }])).toThrow("no space left on the device");
  });

  it("writes a device in place and does not replace it", () => {
    writeFiles([{ path: "/dev/null", bytes: NEW }]);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("writes a pipe in place", async () => {
    const path = join(directory, "pipe");
    execFileSync("mkfifo", [path]);
    // Opening one end waits for the other, so the reader is a process of its own.
    const reader = spawn("cat", [path], { stdio: ["ignore", "pipe", "ignore"] });
    writeFiles([{ path, bytes: NEW }]);
    const chunks = await reader.stdout.toArray();
    expect(Buffer.concat(chunks).toString()).toBe("new");
    expect(statSync(path).isFIFO()).toBe(true);
  });

  it("leaves no temporary file behind when it is interrupted", () => {
    const { outputFiles } = buildSync({
      entryPoints: [fileURLToPath(new URL("../../cli/atomic.ts", import.meta.url))],
      bundle: true,
      platform: "node",
      format: "cjs",
      write: false,
    });
    const script = join(directory, "child.cjs");
    // The signal comes when the first temporary file is there and the second is about to be made.
    const use = `module.exports.writeFiles([
      { path: "first", bytes: Buffer.from("new") },
      { get path() { process.kill(process.pid, "SIGINT"); return "second"; }, bytes: Buffer.from("new") },
    ]);`;
    writeFileSync(script, `${outputFiles[0]?.text}\n${use}`);
    spawnSync(process.execPath, [script], { cwd: directory });
    expect(readdirSync(directory)).toEqual(["child.cjs", "first", "second"]);
  });
});
