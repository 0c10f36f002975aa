import { readFileSync } from "node:fs";
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

describe("an output that cannot be written", () => {
  const refusal = async (args: readonly string[], path: string) => {
    const rest = args[0] === "min_core_btf" ? [path, object] : [path];
    const { stdout, stderr, code } = await runText([...args, ...rest], { cwd: directory });
    return { stdout, stderr, code };
  };
  const said = (words: string, code: number) => ({ stdout: "", stderr: `btfgen: ${words}\n`, code });

  it.each(ONE)("%s says so, in the same words", async (_, args) => {
    expect(await refusal(args, "none/x")).toEqual(said("cannot write none/x: there is no directory none", 2));
    expect(await refusal(args, "taken")).toEqual(said("cannot write taken: is a directory", 2));
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
