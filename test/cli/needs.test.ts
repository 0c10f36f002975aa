import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { TINY_OBJECT, tinyKernel, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/objects/${name}.o`, import.meta.url));
const CORPUS = join(directory, "corpus");
const EXEC = `${fixture("exec")} needs the running kernel's own BTF: tp_btf/sched_process_exec`;
const EXTERNS =
  `${fixture("externs")} needs the running kernel's own BTF: tp_btf/task_newtask, kfunc bpf_task_acquire, ` +
  "kfunc bpf_task_release, kfunc bpf_rcu_read_lock and 2 more";
let kernel = "";

beforeAll(() => {
  writeTinyCorpus(CORPUS, 2);
  kernel = put("kernel.btf", tinyKernel(0));
});

const minimize = (...objects: string[]) => ["minimize", kernel, ...objects, "-o", join(directory, "small.btf")];
const compat = (...objects: string[]) => ["compat", ...objects, "-c", CORPUS];
const batch = (...objects: string[]) => [
  ...["batch", CORPUS, ...objects.flatMap((object) => ["--object", object])],
  ...["-o", join(directory, "out.tar"), "--no-cache", "-j", "1"],
];

it.each([
  ["minimize", minimize],
  ["batch", batch],
])("%s says beside what it has proved for what small BTF cannot stand in", async (_command, argsFor) => {
  const { stdout, code } = await runText(argsFor(TINY_OBJECT, fixture("exec"), fixture("externs")));
  const lines = stdout.split("\n");
  const proved = lines.findIndex((line) => line.startsWith("proved"));
  expect(lines.slice(proved + 1, proved + 3)).toEqual([`besides      ${EXEC}`, `besides      ${EXTERNS}`]);
  expect(lines[proved + 3]).not.toMatch(/^besides/);
  expect(code).toBe(0);
});

it("minimize names five objects, and counts the rest", async () => {
  const { stdout } = await runText(minimize(...Array(7).fill(fixture("exec"))));
  expect(stdout.match(/^besides +\S+ needs/gm)).toHaveLength(5);
  expect(stdout).toMatch(/^besides +and so do 2 more objects \(--json lists all\)$/m);
});

it("min_core_btf stays silent", async () => {
  const { stdout, stderr } = await runText(["min_core_btf", kernel, join(directory, "small.btf"), fixture("exec")]);
  expect(stdout + stderr).toBe("");
});

it.each([
  ["minimize", minimize],
  ["batch", batch],
  ["compat", compat],
])("%s has the needs of each object in JSON, in the form of relocate", async (command, argsFor) => {
  const { stdout } = await runText([...argsFor(TINY_OBJECT, fixture("exec")), "--json"]);
  const { objects } = JSON.parse((command === "batch" ? stdout.trimEnd().split("\n").at(-1) : stdout) ?? "");
  expect(objects.map(({ needs }: { needs: unknown }) => needs)).toEqual([
    [],
    [{ kind: "tp_btf", user: "exec", name: "btf_trace_sched_process_exec", optional: false }],
  ]);
});

it("compat says it apart from the matrix, folds it in Markdown, and has it in the page", async () => {
  const page = join(directory, "page.html");
  const args = compat(TINY_OBJECT, fixture("exec"), "--html", page);
  const plain = await runText(args);
  expect(plain.stderr).toContain(`btfgen: ${EXEC}\n`);
  expect(plain.stdout).not.toContain("own BTF");
  const { stdout } = await runText([...args, "--format", "markdown"]);
  expect(stdout).toContain(
    "<details><summary>1 object that needs the running kernel's own BTF besides</summary>\n\n" +
      `- \`${fixture("exec")}\`: \`tp_btf/sched_process_exec\`\n\n</details>`,
  );
  expect(readFileSync(page, "utf8")).toContain('"name":"btf_trace_sched_process_exec"');
});
