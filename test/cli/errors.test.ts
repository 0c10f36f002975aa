import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { failureOf, InputError, RunError, UsageError } from "../../cli/errors.ts";
import { readInput } from "../../cli/inputs/input.ts";
import { FormatError } from "../../lib/btf/error.ts";

const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
const misuse = Object.assign(new TypeError('The "path" argument must be of type string'), {
  code: "ERR_INVALID_ARG_TYPE",
});
const bug = "This is a bug in btfgen; BTFGEN_DEBUG=1 shows where.";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("failureOf", () => {
  it.each([
    [new UsageError("no", "try this"), 2, "no", "try this"],
    [new InputError("a.btf", "is a directory"), 2, "a.btf: is a directory", undefined],
    [new FormatError("truncated", "too short", { source: "a.btf" }), 2, "a.btf: too short", undefined],
    [new RunError("needs root"), 3, "needs root", undefined],
    [full, 3, "no space left on the device", undefined],
    [Object.assign(new Error("ENOENT"), { code: "ENOENT", path: "/x" }), 3, "/x: no such file or directory", undefined],
    [
      Object.assign(new Error("ENOENT"), { code: "ENOENT", syscall: "uv_cwd" }),
      3,
      "the current directory: no such file or directory",
      undefined,
    ],
    [misuse, 3, 'internal error: The "path" argument must be of type string', bug],
    [new TypeError("x is\nundefined"), 3, "internal error: x is", bug],
    ["a string", 3, "internal error: a string", bug],
  ])("judges %s", (error, exitCode, message, hint) => {
    expect(failureOf(error)).toEqual({ exitCode, message, hint });
  });

  it("shows a bug's stack when asked", () => {
    vi.stubEnv("BTFGEN_DEBUG", "1");
    expect(failureOf(new TypeError("oops")).hint).toContain("errors.test.ts");
    expect(failureOf(new UsageError("oops")).hint).toBeUndefined();
  });
});

describe("readInput", () => {
  it("gives up on what has no end", () => {
    expect(() => readInput("/dev/zero")).toThrow(new InputError("/dev/zero", "goes on after 1073741824 bytes"));
  });

  it("reads a file and names one it cannot read", () => {
    const directory = mkdtempSync(join(tmpdir(), "btfgen-input-"));
    try {
      const path = join(directory, "file");
      writeFileSync(path, "some bytes");
      expect(new TextDecoder().decode(readInput(path))).toBe("some bytes");
      const missing = join(directory, "missing");
      expect(() => readInput(missing)).toThrow(new InputError(missing, "no such file or directory"));
      expect(() => readInput(directory)).toThrow(new InputError(directory, "is a directory"));
      expect(() => readInput(join(path, "x"))).toThrow("a part of the path is not a directory");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
