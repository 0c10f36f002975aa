/** docs/FORMATS.md has a section for every command, and the documents that are printed have the properties it says. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../cli/commands/index.ts";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { TINY_OBJECT, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

const text = readFileSync(fileURLToPath(new URL("../../docs/FORMATS.md", import.meta.url)), "utf8");
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
);
const object = fileURLToPath(new URL("../fixtures/objects/exec.o", import.meta.url));
const { path: kernel } = kernelSample(KERNEL_6_1);
const { directory } = workspace();
const corpus = join(directory, "corpus");

beforeAll(async () => {
  mkdirSync(corpus);
  writeTinyCorpus(corpus, 3);
  await runText(["minimize", kernel, object, "-o", join(directory, "small.btf")]);
});

describe("docs/FORMATS.md", () => {
  it("has a section for every command", () => {
    expect(COMMANDS.map(({ name }) => name).filter((name) => !sections.has(name))).toEqual([]);
  });

  const batch = ["batch", "corpus", "--object", TINY_OBJECT, "-o", "btfs", "--no-cache"];
  it.each<[section: string, block: number, args: readonly string[]]>([
    ["minimize", 0, ["minimize", kernel, object, "-o", "again.btf"]],
    ["verify", 0, ["verify", "small.btf", object, "--full", kernel]],
    ["relocs", 0, ["relocs", object, "--target", kernel]],
    ["relocate", 0, ["relocate", object, "--target", kernel, "-o", "exec.o"]],
    ["prepare", 0, ["prepare", object]],
    ["loader", 0, ["loader", object, "-o", "exec.loader"]],
    ["compat", 0, ["compat", object, "--corpus", kernel]],
    ["diff --object", 0, ["diff", kernel, kernel, "--object", object]],
    ["diff --object", 1, ["diff", kernel, kernel, kernel, "--object", object]],
    ["diff", 0, ["diff", "small.btf", "small.btf"]],
    ["model", 0, ["model", kernel, "vfs_read"]],
    ["lint", 0, ["lint", "small.btf"]],
    ["extract", 0, ["extract", "corpus", "-o", "out"]],
    ["batch", 1, batch],
    ["batch", 2, [...batch, "--plan"]],
    ["select", 0, ["select", "btfs", "--release", "none"]],
  ])("has the properties of %s, document %i", async (section, block, args) => {
    const blocks = [...(sections.get(section) ?? "").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""]) => code);
    const { stdout, stderr } = await runText([...args, "--json"], { cwd: directory });
    // Of a batch, which prints a line an event, the last one.
    const document = args.includes("batch") && !args.includes("--plan") ? stdout.trimEnd().split("\n").at(-1) : stdout;
    expect(document, stderr).not.toBe("");
    expect(Object.keys(JSON.parse(document ?? "")).sort()).toEqual(propertiesOf(blocks[block] ?? "").sort());
  });
});

/** The names of the properties of a type's outermost braces. */
function propertiesOf(block: string): string[] {
  const code = block.replace(/\/\/.*/g, "").trimStart();
  const names: string[] = [];
  let depth = 0;
  for (const [token, name] of code.matchAll(/[{}]|(?<=[{;\s])(\w+)\??:/g)) {
    if (token === "{") depth++;
    else if (token === "}" && --depth === 0) break;
    else if (name !== undefined && depth === 1) names.push(name);
  }
  return names;
}
