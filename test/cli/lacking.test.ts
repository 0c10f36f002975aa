import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { TINY_OBJECT, tinyKernel, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/objects/${name}.o`, import.meta.url));
const CORPUS = join(directory, "corpus");
let kernel = "";

beforeAll(() => {
  writeTinyCorpus(CORPUS, 2);
  kernel = put("kernel.btf", tinyKernel(0));
});

/** The three commands, for the same objects. */
const COMMANDS: readonly [string, (objects: readonly string[]) => string[]][] = [
  ["minimize", (objects) => ["minimize", kernel, ...objects, "-o", join(directory, "small.btf")]],
  [
    "batch",
    (objects) => {
      const options = objects.flatMap((object) => ["--object", object]);
      return ["batch", CORPUS, ...options, "-o", join(directory, "out.tar"), "--no-cache", "-j", "1"];
    },
  ],
  ["compat", (objects) => ["compat", ...objects, "-c", CORPUS, "-j", "1"]],
];

const noBtf = fixture("no_btf");
const noExt = fixture("no_btf_ext");
const WARNINGS = [
  `btfgen: warning: ${noBtf} has no .BTF, and so no CO-RE relocation: was it compiled without -g?\n`,
  `btfgen: warning: ${noExt} has no .BTF.ext, but had CO-RE relocations: was it stripped?\n`,
];

/** The document of --json; of a batch the last of its lines. */
function documentOf(command: string, stdout: string) {
  return JSON.parse((command === "batch" ? stdout.trimEnd().split("\n").at(-1) : stdout) ?? "");
}

describe.each(COMMANDS)("%s, of objects without .BTF or .BTF.ext", (command, argsFor) => {
  it("names each with the likely cause, and goes on", async () => {
    const { stderr, code } = await runText(argsFor([noBtf, noExt, TINY_OBJECT]));
    for (const warning of WARNINGS) expect(stderr).toContain(warning);
    expect(code).toBe(0);
  });

  it("says of each object in JSON what it lacks", async () => {
    const { stdout } = await runText([...argsFor([noBtf, noExt, fixture("no_core"), TINY_OBJECT]), "--json"]);
    const { objects, strict } = documentOf(command, stdout);
    expect(objects.map(({ lacks }: { lacks: string | null }) => lacks)).toEqual([".BTF", ".BTF.ext", null, null]);
    expect(strict).toBeNull();
  });

  it("fails with --strict, and no more where the allow-list names them", async () => {
    const args = [...argsFor([noBtf, noExt, TINY_OBJECT]), "--strict"];
    const refused = await runText(args);
    expect(refused.stderr).toContain("btfgen: --strict: 2 objects without .BTF or .BTF.ext\n");
    expect(refused.code).toBe(1);
    const some = await runText([...args, "--allow", put("some", "no_btf.o:*:.BTF\n")]);
    expect(some.stderr).not.toContain(WARNINGS[0]);
    expect(some.stderr).toContain(WARNINGS[1]);
    expect(some.code).toBe(1);
    const all = await runText([...args, "--allow", put("all", "no_btf*.o:*:.BTF*:missing\n")]);
    expect(all.stderr).not.toContain("warning");
    expect(all.code).toBe(0);
  });

  it.each(["no_core", "no_programs"])("finds nothing wrong with %s.o, which never had a relocation", async (name) => {
    const { stderr, code } = await runText([...argsFor([fixture(name), TINY_OBJECT]), "--strict"]);
    expect(stderr).not.toContain("warning");
    expect(code).toBe(0);
  });
});

it.each(COMMANDS.slice(0, 2))("%s says where no object has a relocation", async (_name, argsFor) => {
  const { stderr, code } = await runText(argsFor([fixture("no_core")]));
  expect(stderr).toContain("btfgen: warning: no object has a CO-RE relocation, so no type is kept for one\n");
  expect(code).toBe(0);
});

it("batch --plan names them too", async () => {
  const { stderr, code } = await runText(["batch", CORPUS, "--object", noBtf, "--object", noExt, "--plan"]);
  expect(stderr).toBe(WARNINGS.join(""));
  expect(code).toBe(0);
});

it("minimize says of what needs no BTF that it needs none", async () => {
  const { stdout } = await runText(["minimize", kernel, fixture("no_core"), TINY_OBJECT, "-o", join(directory, "x")]);
  expect(stdout).toMatch(/^objects +2 with 2 programs, 1 that needs no BTF for relocations \(no_core\.o\)$/m);
});

it("compat does not call resolved what has no relocation", async () => {
  const compat = async (...objects: string[]) => (await runText(["compat", ...objects, "-c", CORPUS])).stdout;
  expect(await compat(fixture("no_core"))).toContain("all without relocations\n");
  expect(await compat(noExt, fixture("no_core"), TINY_OBJECT)).toContain("2 without relocations, 1 resolved\n");
});
