import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const { directory, put } = workspace();
const object = `${fixtures}objects/exec.o`;
const other = `${fixtures}objects/enums.o`;
const kernel = "corpus/debian/12/x86_64/6.1.0-1-amd64.btf";
put(kernel, readFileSync(`${fixtures}defects/01-two-types-of-one-name/target.btf`));
put("file", "not a directory");
put("taken/file", "no bundle");
const BUNDLE = ["batch", "corpus", "--object", object, "--no-cache"];

/** Command lines that write one file, and those that write several into a directory or a bundle. */
const ONE: [string, string[]][] = [
  ["minimize", ["minimize", kernel, object, "-o"]],
  ["min_core_btf", ["min_core_btf", kernel]],
  ["relocate", ["relocate", other, "-t", kernel, "-o"]],
  ["loader", ["loader", other, "-t", kernel, "-o"]],
  ["compat", ["compat", object, "-c", "corpus", "--html"]],
  ["diff", ["diff", kernel, kernel, "--html"]],
];
const MANY: [string, string[]][] = [
  ["relocate", ["relocate", other, `${fixtures}objects/enums.v4.o`, "-t", kernel, "-o"]],
  ["extract", ["extract", "corpus", "-o"]],
  ["batch", [...BUNDLE, "-o"]],
  ["batch --emit objects", [...BUNDLE, "--object", other, "--emit", "objects", "-o"]],
];

/** A slow machine hears of progress. */
const withoutProgress = (stderr: string) => stderr.replace(/^btfgen: \d+ of \d+ files .*\n/gm, "");

describe("an output that cannot be written", () => {
  const refusal = async (args: readonly string[], path: string) => {
    const rest = args[0] === "min_core_btf" ? [path, object] : [path];
    const { stdout, stderr, code } = await runText([...args, ...rest], { cwd: directory });
    return { stdout, stderr: withoutProgress(stderr), code };
  };
  const said = (words: string, code: number) => ({ stdout: "", stderr: `btfgen: ${words}\n`, code });

  it.each(ONE)("%s says so, in the same words", async (_, args) => {
    expect(await refusal(args, "none/x")).toEqual(said("cannot write none/x: there is no directory none", 2));
    expect(await refusal(args, "taken")).toEqual(said("cannot write taken: is a directory", 2));
    expect(await refusal(args, "none/")).toEqual(said("cannot write none/: there is no directory none/", 2));
    const below = "cannot write file/x: a part of the path is not a directory";
    expect(await refusal(args, "file/x")).toEqual(said(below, 2));
    expect(await refusal(args, "/dev/full")).toEqual(said("cannot write /dev/full: no space left on the device", 3));
  });

  it.each(MANY)("%s, of several, does, too", async (_, args) => {
    const below = await refusal(args, "file/x");
    expect(below.stderr).toMatch(
      /^btfgen: cannot write (below file: it|file\/x: a part of the path) is not a directory\n$/,
    );
    expect(below).toMatchObject({ stdout: "", code: 2 });
    const nowhere = await refusal(args, "/proc/none/x");
    expect(nowhere.stderr).toMatch(
      /^btfgen: cannot write \/proc\/none(\/x)?: there is no directory \/proc(\/none)?\n$/,
    );
    expect(nowhere).toMatchObject({ stdout: "", code: 2 });
  });

  it.each([
    ["relocate", MANY[0]?.[1] ?? [], "cannot write below file: it is not a directory\n"],
    ["batch", MANY[2]?.[1] ?? [], "cannot write file: a part of the path is not a directory\n"],
  ])("%s wants a directory", async (_, args, words) => {
    expect(await refusal(args, "file")).toMatchObject({ stdout: "", stderr: `btfgen: ${words}`, code: 2 });
  });

  it("does not take the place of an input", async () => {
    const own = put("own.o", readFileSync(other));
    const refused = "it is an input";
    const small = ["minimize", "corpus/debian/12/x86_64/6.1.0-1-amd64.btf", own, "-o"];
    expect((await refusal(small, kernel)).stderr).toBe(`btfgen: cannot write ${kernel}: ${refused}\n`);
    symlinkSync("own.o", join(directory, "link.o"));
    for (const path of ["own.o", "./own.o", "link.o"]) {
      const said = await refusal(["relocate", own, "-t", kernel, "-o"], path);
      expect(said).toEqual({ stdout: "", stderr: `btfgen: cannot write ${path}: ${refused}\n`, code: 2 });
    }
    const rules = put("rules", "");
    const diff = ["diff", kernel, kernel, "--ignore", rules, "--html"];
    expect((await refusal(diff, "rules")).stderr).toContain(refused);
    // Threads of its own read these.
    expect((await refusal(["compat", object, "-c", "corpus", "--html"], kernel)).stderr).toContain(refused);
    expect(readFileSync(own)).toEqual(readFileSync(other));
  });

  it("of min_core_btf, forgotten, is no object that comes next", async () => {
    const next = put("next.o", readFileSync(other));
    const { stderr, code } = await runText(["min_core_btf", join(directory, kernel), next, object]);
    expect({ stderr, code }).toEqual({
      stderr: `btfgen: min_core_btf: cannot write ${next}: a BPF object is there\nSee btfgen min_core_btf --help.\n`,
      code: 2,
    });
    expect(readFileSync(next)).toEqual(readFileSync(other));
  });

  it.each([
    ["batch", BUNDLE],
    ["batch --emit objects", [...BUNDLE, "--emit", "objects"]],
  ])("%s leaves a directory with other files alone", async (_, args) => {
    expect(await refusal([...args, "-o"], "taken")).toEqual(
      said(
        "taken is a directory with other files in it (file): it is not replaced\nGive another path, or remove it first.",
        2,
      ),
    );
    expect(readFileSync(join(directory, "taken/file"), "utf8")).toBe("no bundle");
  });
});

describe("a page on standard output", () => {
  const now = put("now.btf", readFileSync(`${fixtures}defects/02-zero-length-array/target.btf`));
  const diff = ["diff", kernel, now, "--html"];
  it.each([
    ["diff", diff, [], "-struct"],
    ["diff --json", diff, ["--json"], '"types": ['],
    ["diff -f markdown", diff, ["-f", "markdown"], "# "],
    ["diff --stat", diff, ["--stat"], "struct"],
    ["diff --object", diff, ["--object", object], "exec.o"],
    ["compat", ["compat", object, "-c", "corpus", "--html"], [], "exec.o"],
  ])("of %s is all there is: the result goes to standard error", async (_, args, more, result) => {
    for (const path of ["-", "/dev/stdout"]) {
      const { stdout, stderr, code } = await runText([...args, path, ...more], { cwd: directory });
      expect({ start: stdout.slice(0, 15), end: stdout.trimEnd().slice(-7), code }).toEqual({
        start: "<!doctype html>",
        end: "</html>",
        code: 0,
      });
      expect(stderr).toContain(result);
    }
  });
});

describe("standard input for two things", () => {
  const strict = ["--strict", "--allow", "-"];
  it.each([
    ["minimize", ["minimize", "-", object, "-o", "none", ...strict]],
    ["diff", ["diff", "-", kernel, "--object", object, ...strict]],
    ["diff", ["diff", kernel, "-", "--object", "-"]],
    ["diff", ["diff", kernel, kernel, "--object", "-", ...strict]],
    ["compat", ["compat", "-", "-c", "corpus", ...strict]],
    ["batch", [...BUNDLE, "--object", "x86_64=-", "-o", "none", ...strict]],
  ])("is refused by %s, as it can be read only once", async (command, args) => {
    const { stdout, stderr, code } = await runText(args, { cwd: directory });
    const said = `btfgen: ${command}: - is given more than once, but standard input can be read only once\n`;
    expect({ stdout, stderr, code }).toEqual({ stdout: "", stderr: said, code: 2 });
  });
});

describe("a corpus without a kernel", () => {
  put("texts/readme.txt", "no kernel");
  it.each([
    ["batch", ["batch", "texts", "--object", object, "--no-cache", "-o", "nothing.tar"], "; no bundle is written"],
    ["compat", ["compat", object, "-c", "texts"], ""],
  ])("is no success of %s", async (_, args, more) => {
    const { stderr, code } = await runText(args, { cwd: directory });
    expect({ stderr: withoutProgress(stderr), code }).toEqual({
      stderr: `btfgen: texts: no kernel's BTF was found in it${more}\n`,
      code: 2,
    });
    expect(["nothing.tar", "nothing.tar.state"].filter((name) => existsSync(join(directory, name)))).toEqual([]);
  });
});
