/** The programs of examples/loader, compiled where the compiler is there, and run where bpf(2) is allowed. */

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { workspace } from "../cli/workspace.ts";
import { describeOracle, oracleState } from "../oracle/requirements.ts";

const examples = fileURLToPath(new URL("../../examples/loader/", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));
const COMMAND = join(root, "dist/btfgen.cjs");
const OBJECT = fileURLToPath(new URL("../fixtures/objects/globals.o", import.meta.url));
const { directory } = workspace();

const has = (compiler: string, version: string) => spawnSync(compiler, [version]).status === 0;

/** Runs a program in the test's directory. */
function run(program: string, args: readonly string[]) {
  const env = { ...process.env, GOFLAGS: "-mod=mod", GOCACHE: join(directory, "go-cache"), CGO_ENABLED: "0" };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

function emit(language: string, output: string): void {
  expect(run(process.execPath, [COMMAND, "loader", OBJECT, "--emit", language, "-o", output]).stderr).toBe("");
}

/** What each of them prints: some system calls were counted. */
function expectCount({ status, stdout, stderr }: ReturnType<typeof run>): void {
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(/^total \d+\n$/);
  expect(Number(stdout.slice("total ".length))).toBeGreaterThan(0);
}

describe("examples/loader", () => {
  it("names in its README the files that are there, and the commands as they are", () => {
    const text = readFileSync(join(examples, "README.md"), "utf8");
    for (const name of ["count.c", "count.ts", "globals.loader.h", "globals/globals.go"]) expect(text).toContain(name);
  });

  it.skipIf(!has("gcc", "--version"))("compiles as C without a warning, by each compiler, as C11 and C23", () => {
    emit("c", "globals.loader.h");
    copyFileSync(join(examples, "count.c"), join(directory, "count.c"));
    const strict = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion", "-fsyntax-only"];
    expect(run("gcc", [...strict, "-std=gnu11", "count.c"])).toMatchObject({ status: 0, stderr: "" });
    if (has("clang", "--version")) {
      expect(run("clang", [...strict, "-std=gnu2x", "count.c"])).toMatchObject({ status: 0, stderr: "" });
    }
    expect(run("gcc", ["-O2", "-g", "-fsanitize=address,undefined", "-o", "count", "count.c"]).stderr).toBe("");
  });

  it.skipIf(!has("go", "version"))(
    "compiles as Go, vetted and formatted",
    () => {
      mkdirSync(join(directory, "globals"), { recursive: true });
      emit("go", "globals/globals.go");
      copyFileSync(join(examples, "count.go"), join(directory, "count.go"));
      expect(run("go", ["mod", "init", "count"]).status).toBe(0);
      expect(run("gofmt", ["-l", "count.go", "globals"])).toEqual({ status: 0, stdout: "", stderr: "" });
      expect(run("go", ["vet", "./..."])).toMatchObject({ status: 0, stderr: "" });
      expect(run("go", ["build", "-o", "count-go", "."])).toMatchObject({ status: 0, stderr: "" });
    },
    120_000,
  );

  it("passes the strict type checker, and is bundled as TypeScript", () => {
    emit("ts", "globals.loader.ts");
    copyFileSync(join(examples, "count.ts"), join(directory, "count.ts"));
    const flags = ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--erasableSyntaxOnly", "--ignoreConfig"];
    const modules = ["--module", "nodenext", "--target", "es2023", "--allowImportingTsExtensions", "--skipLibCheck"];
    const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const checked = run(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      ...flags,
      ...modules,
      ...types,
      "count.ts",
    ]);
    // The package koffi is not installed there.
    expect(checked.stdout.split("\n").filter((line) => line !== "" && !line.includes("'koffi'"))).toEqual([]);
    buildSync({
      entryPoints: [join(directory, "count.ts")],
      bundle: true,
      platform: "node",
      format: "cjs",
      outfile: join(directory, "count.cjs"),
      alias: { koffi: join(root, "node_modules/koffi") },
      external: [join(root, "node_modules/koffi")],
      logLevel: "silent",
    });
  });
});

describeOracle("examples/loader, run", ["bpf"], () => {
  it.skipIf(!has("gcc", "--version"))("counts in C, without a fault of memory", () => {
    expectCount(run(join(directory, "count"), []));
  });

  it.skipIf(!has("gcc", "--version"))(
    "says in C what failed first, however little of the log there is room for",
    () => {
      const source = `#include "types.h"
int main(void)
{
	char log[128];
	struct types *types = types__open();
	int error = types__load(types, log, sizeof(log));
	printf("%s: %d\\n", types->loader.failed, error);
	types__close(types);
	return 0;
}
`;
      writeFileSync(join(directory, "fails.c"), source);
      const types = join(root, "test/fixtures/objects/types.o");
      expect(run(process.execPath, [COMMAND, "loader", types, "--emit", "c", "-o", "types.h"]).stderr).toBe("");
      expect(run("gcc", ["-Wall", "-Werror", "-o", "fails", "fails.c"]).stderr).toBe("");
      expect(run(join(directory, "fails"), []).stdout).toBe("load-program matches: -22\n");
    },
  );

  it.skipIf(!has("go", "version"))("counts in Go", () => {
    expectCount(run(join(directory, "count-go"), []));
  });

  it("counts in TypeScript", () => {
    expect(oracleState("bpf").present).toBe(true);
    expectCount(run(process.execPath, [join(directory, "count.cjs")]));
  });

  // Calls of bpf(2): the map of the data is made and filled, the loader is loaded, and run. EAGAIN is what the verifier
  // answers where a signal comes between.
  describe.skipIf(!has("strace", "--version"))("where a signal comes between", () => {
    const interrupted = (calls: string, program: string, args: readonly string[]) => {
      const inject = ["-e", "trace=bpf", "-e", `inject=bpf:error=EAGAIN:when=${calls}`];
      // Leaks are not looked for under ptrace(2).
      const flags = ["-f", "-o", "strace.log", "-E", "ASAN_OPTIONS=detect_leaks=0", ...inject];
      return run("strace", [...flags, program, ...args]);
    };
    const programs: [language: string, compiler: string | null, command: string, args: string[]][] = [
      ["C", "gcc", "./count", []],
      ["Go", "go", "./count-go", []],
      ["TypeScript", null, process.execPath, ["count.cjs"]],
    ];

    for (const [language, compiler, program, args] of programs) {
      const version = compiler === "go" ? "version" : "--version";
      it.skipIf(compiler !== null && !has(compiler, version))(`tries five times in ${language}`, () => {
        // To load the loader, and to run it.
        expectCount(interrupted("3..6", program, args));
        expectCount(interrupted("4..7", program, args));
        const { status, stdout, stderr } = interrupted("3..7", program, args);
        expect(status).not.toBe(0);
        expect(stdout + stderr).toMatch(/load the loader program: (errno 11|resource temporarily unavailable)/i);
      });
    }
  });
});
