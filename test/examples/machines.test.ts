import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { workspace } from "../cli/workspace.ts";
import { TINY_OBJECT, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const { directory, put } = workspace();

/** Runs a shell script with `btfgen` on its PATH, as on the machine it is written for. */
function sh(script: string, environment: Readonly<Record<string, string>>, cwd = directory) {
  const env = { ...process.env, PATH: `${directory}/bin:${process.env.PATH}`, ...environment };
  const { status, stderr } = spawnSync("sh", ["-e", "-c", script], { cwd, env, encoding: "utf8" });
  return { status, stderr };
}

function bundleOf(path: string): readonly Buffer[] {
  return [path, `${path}.provenance.json`].map((file) => readFileSync(join(directory, file)));
}

beforeAll(() => {
  put("bin/btfgen", `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  chmodSync(join(directory, "bin/btfgen"), 0o755);
  writeTinyCorpus(join(directory, "work/corpus"), 30);
  mkdirSync(join(directory, "work/objects"));
  copyFileSync(TINY_OBJECT, join(directory, "work/objects/tiny.o"));
  const whole = "btfgen batch work/corpus --object work/objects --output whole.tar --no-cache";
  expect(sh(whole, {}).status).toBe(0);
});

describe("examples/kubernetes-indexed-job.yaml", () => {
  const text = readFileSync(join(examples, "kubernetes-indexed-job.yaml"), "utf8");
  const documents = parseAllDocuments(text);
  const [job, cron] = documents.map((document) => document.toJS());

  it("is YAML, of an Indexed Job whose numbers agree", () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const { spec } = job;
    expect(spec).toMatchObject({ completionMode: "Indexed", completions: 20, parallelism: 20 });
    expect(spec.template.spec.containers[0].env).toEqual([{ name: "PARTS", value: "20" }]);
  });

  it("does its parts, and joins them to the bundle of one run", () => {
    const { args } = job.spec.template.spec.containers[0];
    const merge = cron.spec.jobTemplate.spec.template.spec.containers[0].args;
    const here = (script: string) => script.replaceAll("/work/", `${directory}/work/`);
    for (const index of ["0", "1", "2", "3"]) {
      const environment = { JOB_COMPLETION_INDEX: index, PARTS: "4" };
      expect(sh(here(args[0]), environment)).toMatchObject({ status: 0 });
    }
    expect(sh(here(merge[0]).replace("btf.tar.xz", "btf.tar"), {})).toMatchObject({ status: 0 });
    const merged = bundleOf("work/btf.tar");
    const [tar, provenance] = bundleOf("whole.tar");
    expect(merged[0]).toEqual(tar);
    // Objects are named as they were given, with the directory.
    expect(merged[1]?.toString().replaceAll(`${directory}/`, "")).toBe(provenance?.toString());
  }, 60_000);
});

describe("examples/github-actions.yml", () => {
  const workflow = parse(readFileSync(join(examples, "github-actions.yml"), "utf8"));
  const stepsOf = (job: string): { run?: string }[] => workflow.jobs[job].steps;
  const commandsOf = (job: string) => stepsOf(job).flatMap(({ run = "" }) => (/^btfgen /.test(run) ? [run] : []));

  it("has as many shards as it says", () => {
    const { shard } = workflow.jobs.part.strategy.matrix;
    expect(shard).toEqual(Array.from({ length: workflow.env.SHARDS }, (_, i) => i + 1));
  });

  it("does its parts, and joins them", () => {
    const cwd = join(directory, "work");
    const [part = ""] = commandsOf("part");
    for (let shard = 1; shard <= 8; shard++) {
      const environment = { SHARD: String(shard), SHARDS: "8" };
      expect(sh(part.replace("build/", "objects/"), environment, cwd)).toMatchObject({ status: 0 });
    }
    const commands = commandsOf("bundle");
    expect(commands).toHaveLength(2);
    for (const command of commands) {
      expect(sh(command.replaceAll("btf.tar.xz", "joined.tar"), {}, cwd)).toMatchObject({ status: 0 });
    }
    expect(bundleOf("work/joined.tar")[0]).toEqual(bundleOf("whole.tar")[0]);
  }, 60_000);
});
