import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { workspace } from "../cli/workspace.ts";
import { TINY_OBJECT, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const { directory, put } = workspace();

/** A step of a job. */
interface Step {
  readonly id?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
}

/** What GitHub puts a value in the place of. */
const expression = (text: string) => `\${{ ${text} }}`;

/** A file that is cut off, as one in thousands is: its kernel fails, and no other. */
const BAD = "debian/12/x86_64/6.2.0.btf";

/** Runs a shell script with `btfgen` on its PATH, as on the machine it is written for. */
function sh(script: string, environment: Readonly<Record<string, string>>, cwd = directory) {
  const env = { ...process.env, PATH: `${directory}/bin:${process.env.PATH}`, ...environment };
  const { status, stdout, stderr } = spawnSync("sh", ["-e", "-c", script], { cwd, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

function bundleOf(path: string): readonly Buffer[] {
  return [path, `${path}.provenance.json`].map((file) => readFileSync(join(directory, file)));
}

beforeAll(() => {
  put("bin/btfgen", `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  chmodSync(join(directory, "bin/btfgen"), 0o755);
  writeTinyCorpus(join(directory, "work/corpus"), 30);
  mkdirSync(join(directory, "work/corpus/ubuntu"));
  renameSync(join(directory, "work/corpus/debian/10"), join(directory, "work/corpus/ubuntu/20.04"));
  mkdirSync(join(directory, "work/objects"));
  copyFileSync(TINY_OBJECT, join(directory, "work/objects/tiny.o"));
  const whole = "btfgen batch work/corpus --object work/objects --output whole.tar --no-cache";
  expect(sh(whole, {}).status).toBe(0);
});

/** Makes the corpus one with a damaged file in it. */
function damage(): void {
  put(`work/corpus/${BAD}`, readFileSync(kernelSample(KERNEL_6_1).path).subarray(0, 200));
}

/** Files below the directory of a machine whose names end so. */
function endingIn(suffix: string, below: string): string[] {
  return readdirSync(join(directory, below)).filter((name) => name.endsWith(suffix));
}

describe("examples/kubernetes-indexed-job.yaml", () => {
  const text = readFileSync(join(examples, "kubernetes-indexed-job.yaml"), "utf8");
  const documents = parseAllDocuments(text);
  const [job, cron] = documents.map((document) => document.toJS());
  const here = (script: string) => script.replaceAll("/work/", `${directory}/work/`).replace("btf.tar.xz", "btf.tar");
  const [script = ""]: string[] = job.spec.template.spec.containers[0].args.map(here);
  const [merge = ""]: string[] = cron.spec.jobTemplate.spec.template.spec.containers[0].args.map(here);

  function doParts(): void {
    for (const JOB_COMPLETION_INDEX of ["0", "1", "2", "3"]) {
      expect(sh(script, { JOB_COMPLETION_INDEX, PARTS: "4" })).toMatchObject({ status: 0 });
    }
  }

  it("is YAML, of an Indexed Job whose numbers agree", () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const { spec } = job;
    expect(spec).toMatchObject({ completionMode: "Indexed", completions: 20, parallelism: 20 });
    expect(spec.template.spec.containers[0].env).toEqual([{ name: "PARTS", value: "20" }]);
  });

  it("does its parts, and joins them to the bundle of one run", () => {
    doParts();
    expect(sh(merge, {})).toMatchObject({ status: 0 });
    const merged = bundleOf("work/btf.tar");
    const [tar, provenance] = bundleOf("whole.tar");
    expect(merged[0]).toEqual(tar);
    // Objects are named as they were given, with the directory.
    expect(merged[1]?.toString().replaceAll(`${directory}/`, "")).toBe(provenance?.toString());
  }, 60_000);

  it("joins them though a kernel failed, and then fails with its name", () => {
    damage();
    doParts();
    expect(endingIn(".failed", "work/parts")).toHaveLength(1);
    const joined = sh(merge, {});
    expect(joined).toMatchObject({ status: 1 });
    expect(joined.stdout).toContain(`${BAD}: BTF header`);
    expect(bundleOf("work/btf.tar")[0]).toEqual(bundleOf("whole.tar")[0]);
  }, 60_000);

  it("fails where there can be no part, and leaves none of an earlier run", () => {
    const without = script.replace("work/objects", "work/nothing");
    expect(sh(without, { JOB_COMPLETION_INDEX: "0", PARTS: "4" })).toMatchObject({ status: 2 });
    expect(existsSync(join(directory, "work/parts/0.tar"))).toBe(false);
  });
});

describe("examples/github-actions.yml", () => {
  const text = readFileSync(join(examples, "github-actions.yml"), "utf8");
  const workflow = parse(text);
  const stepsOf = (job: string): Step[] => workflow.jobs[job].steps;
  const commandsOf = (job: string) => stepsOf(job).flatMap(({ run = "" }) => (/^(npm .*|)$/.test(run) ? [] : [run]));
  const cwd = join(directory, "work");
  const [part = ""] = commandsOf("part");
  const { CORPUS_DIRECTORIES } = workflow.env;

  it("has as many shards as it says", () => {
    const { shard } = workflow.jobs.part.strategy.matrix;
    expect(shard).toEqual(Array.from({ length: workflow.env.SHARDS }, (_, i) => i + 1));
  });

  it("installs a file that somebody has chosen, and no name of a registry", () => {
    const installs = ["part", "bundle"].flatMap(stepsOf).filter(({ run = "" }) => run.startsWith("npm "));
    expect(installs.map(({ run }) => run)).toEqual(Array(2).fill('npm install --global "$BTFGEN"'));
    expect(workflow.env.BTFGEN).toMatch(/^https:.*\.tgz$/);
  });

  it("takes one commit of the corpus for all parts", () => {
    put("origin/README", "kernels");
    const git = "git -c user.name=a -c user.email=a@example.org -c commit.gpgsign=false";
    const made = sh(
      `git init -q && git add . && ${git} commit -qm a && git rev-parse HEAD`,
      {},
      join(directory, "origin"),
    );
    const run =
      stepsOf("objects")
        .find(({ id }) => id === "corpus")
        ?.run?.replace("https://github.com", directory) ?? "";
    const output = put("output", "");
    expect(sh(run, { CORPUS_REPOSITORY: "origin", GITHUB_OUTPUT: output })).toMatchObject({ status: 0 });
    expect(readFileSync(output, "utf8")).toBe(`commit=${made.stdout}`);
    expect(made.stdout).toMatch(/^[0-9a-f]{40}\n$/);
    expect(sh(run, { CORPUS_REPOSITORY: "none", GITHUB_OUTPUT: output }).status).not.toBe(0);
    expect(workflow.jobs.objects.outputs).toEqual({ corpus: expression("steps.corpus.outputs.commit") });
    const checkout = stepsOf("part").find(({ with: { repository } = {} }) => repository !== undefined);
    expect(checkout?.with?.ref).toBe(expression("needs.objects.outputs.corpus"));
  });

  it("does its parts of the directories alone, joins them though a kernel failed, and fails at the end", () => {
    damage();
    // Of a checkout: a branch with such a name, say.
    put("work/corpus/.git/refs/heads/new.btf", "0".repeat(40));
    for (let shard = 1; shard <= 8; shard++) {
      const environment = { SHARD: String(shard), SHARDS: "8", CORPUS_DIRECTORIES };
      expect(sh(part.replace("build/", "objects/"), environment, cwd)).toMatchObject({ status: 0 });
    }
    expect(endingIn(".failed", "work")).toHaveLength(1);
    const [merge = "", verify = "", report = ""] = commandsOf("bundle").map((run) => run.replace("tar.xz", "tar"));
    for (const command of [merge, verify]) expect(sh(command, {}, cwd)).toMatchObject({ status: 0 });
    expect(bundleOf("work/btf.tar")[0]).toEqual(bundleOf("whole.tar")[0]);
    const { status, stdout } = sh(report, {}, cwd);
    expect(status).toBe(1);
    expect(stdout).toContain(`${BAD}: BTF header`);
    expect(sh(report, {})).toMatchObject({ status: 0, stdout: "", stderr: "" });
  }, 60_000);

  it("uploads what there is of a part that failed, and joins nothing then", () => {
    const environment = { SHARD: "1", SHARDS: "8", CORPUS_DIRECTORIES };
    expect(sh(part.replace("build/", "nothing/"), environment, cwd)).toMatchObject({ status: 2 });
    expect(endingIn(".log", "work")).toContain("part-1.log");
    const upload = stepsOf("part").at(-1);
    expect(upload).toMatchObject({
      if: expression("!cancelled()"),
      with: { path: `part-${expression("matrix.shard")}.*` },
    });
    expect(workflow.jobs.bundle.needs).toBe("part");
  });
});
