/** README.md is true: its sessions run as they are printed, its program runs, and what the documents link to is there. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { workspace } from "../cli/workspace.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const { directory, put } = workspace();

/** A line with `$ ` and the lines up to the next one. */
interface Example {
  readonly command: string;
  readonly printed: readonly string[];
}

const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```/gms)].map(([, language, text]) => ({ language, text }));
const sessions = blocks.filter(({ text }) => text?.startsWith("$ ")).flatMap(({ text }) => examplesOf(text ?? ""));
const settings = blocks.find(({ text }) => text?.startsWith("alias "))?.text?.replace(/^alias.*\n/, "") ?? "";

beforeAll(() => {
  for (const name of ["corpus", "dist", "test"]) symlinkSync(join(root, name), join(directory, name));
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(root, join(directory, "node_modules/btfgen"));
});

describe("README.md", () => {
  it("has sessions to run", () => {
    expect(sessions.length).toBeGreaterThan(15);
    expect(settings).toContain("K=");
  });

  // In the order of the text: later ones read what earlier ones wrote.
  it.each(sessions)("$command", ({ command, printed }) => {
    const run = shell(`btfgen() { node dist/btfgen.cjs "$@"; }\n${settings}\n${command}`);
    expect(run.status, run.stderr).toBe(0);
    const lines = `${run.stdout}\n${run.stderr}`.split("\n");
    // `...` is what the text leaves out, so the rest is there in this order.
    expect(lines.filter((line) => printed.includes(line))).toEqual(printed);
  });

  it.each([
    ["exec.o", true, /^$/],
    // Some of what it asks for is not there: those programs do not load, the others do.
    ["guards.o", true, /^(guards\.o: \w+, insn \d+ \(guards\.bpf\.c:\d+\): \w+ [\w.]+: .+\n){7}$/],
    // No loader takes it.
    ["sched_gcc.o", false, /^sched_gcc\.o: .+\n/],
  ])(
    "has a program that says what becomes of %s, and writes BTF where a loader takes it",
    (object, isWritten, said) => {
      const program = blocks.find(({ language }) => language === "js")?.text ?? "";
      // Not every machine has BTF of its own.
      put("vmlinux.btf", kernelSample(KERNEL_6_1).bytes);
      const here = program.replace("/sys/kernel/btf/vmlinux", "vmlinux.btf").replaceAll("exec.o", object);
      put("example.mjs", here.replace("small.btf", `${object}.btf`));
      const run = shell(`cp test/fixtures/objects/${object} . && node example.mjs`);
      expect({ status: run.status, stdout: run.stdout }).toEqual({ status: 0, stdout: "" });
      expect(run.stderr).toMatch(said);
      expect(existsSync(join(directory, `${object}.btf`))).toBe(isWritten);
    },
  );

  it("has a program of ten lines", () => {
    const program = blocks.find(({ language }) => language === "js")?.text ?? "";
    expect(program.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(10);
  });
});

describe("what can be copied", () => {
  it("installs nothing by a name that anybody may take in the registry", () => {
    const texts = ["README.md", "docs", "examples"].flatMap((name) => textsBelow(join(root, name)));
    const installs = texts.flatMap(
      (text) => text.match(/^.*\b(?:npm (?:i|install|exec|add)|npx|yarn|pnpm)\b.*$/gm) ?? [],
    );
    expect(installs.length).toBeGreaterThan(3);
    expect(installs.filter((line) => /\b(?:npm|npx)\b.*\sbtfgen(?=[\s@`]|$)/.test(line))).toEqual([]);
  });
});

describe("links", () => {
  const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
  it.each(documents)("of %s lead to what is there", (document) => {
    const targets = [...readFileSync(join(root, document), "utf8").matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)];
    const missing = targets
      .map(([, to = ""]) => join(dirname(document), to))
      .filter((to) => !existsSync(join(root, to)));
    expect(missing).toEqual([]);
  });
});

function textsBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [readFileSync(path, "utf8")];
  return readdirSync(path).flatMap((name) => textsBelow(join(path, name)));
}

function examplesOf(block: string): Example[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = "", ...printed] = text.trimEnd().split("\n");
      return { command, printed: printed.filter((line) => line !== "...") };
    });
}

function shell(script: string) {
  return spawnSync("bash", ["-c", script], { cwd: directory, encoding: "utf8", maxBuffer: 1 << 28 });
}
