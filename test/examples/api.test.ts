/** docs/API.md is true: each example runs from outside the package, passes the type checker, and prints what is below it. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(join(root, "docs/API.md"), "utf8");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const KERNEL_5_10 = "debian/11/x86_64/5.10.0-46-cloud-amd64";
const { directory, put } = workspace();

/** A section: the entry point it is about, its program, and what that prints. */
const EXAMPLES = [...text.matchAll(/^## (\S+)\n.*?^```js\n(.*?)^```\n\n```\n(.*?)^```$/gms)].map(
  ([, entry = "", program = "", printed = ""]) => ({ entry, file: `${entry.replace("/", "-")}.mjs`, program, printed }),
);

beforeAll(async () => {
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(root, join(directory, "node_modules/btfgen"));
  for (const name of ["exec", "guards", "sched_switch", "tcp_connect", "block_io", "globals"]) {
    copyFileSync(join(root, `test/fixtures/objects/${name}.o`), join(directory, `${name}.o`));
  }
  put("vmlinux.btf", kernelSample(KERNEL_6_1).bytes);
  put("older.btf", kernelSample(KERNEL_5_10).bytes);
  const archive = join(root, `corpus/samples/${KERNEL_6_1}.btf.tar.xz`);
  await runText(["batch", archive, "--object", "exec.o", "--layout", "store", "-o", "btfs"], { cwd: directory });
  for (const { file, program } of EXAMPLES) writeFileSync(join(directory, file), program);
});

describe("docs/API.md", () => {
  it("has an example of every entry point", () => {
    const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
    expect(EXAMPLES.map(({ entry }) => entry.replace("btfgen", "."))).toEqual(entries);
  });

  // In the order of the text: later ones read what earlier ones wrote.
  it.each(EXAMPLES)("$entry", ({ file, printed }) => {
    const { stdout, stderr } = spawnSync(process.execPath, [file], { cwd: directory, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe(printed);
  });

  it("passes the strict type checker", () => {
    const flags = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--ignoreConfig", "--skipLibCheck"];
    const modules = ["--module", "nodenext", "--target", "es2023"];
    const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const files = EXAMPLES.map(({ file }) => file);
    const { stdout } = spawnSync(process.execPath, [tsc, ...flags, ...modules, ...types, ...files], {
      cwd: directory,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
  });
});
