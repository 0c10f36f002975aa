/** What is called guarded, against the verifier of the running kernel: it takes such programs, and refuses the others. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { readObjects } from "../../cli/inputs/object-input.ts";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { linkedPrograms } from "../../lib/core/linked-programs.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { judge } from "../../lib/core/survey.ts";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { describeOracle } from "./requirements.ts";

const HOST_BTF = "/sys/kernel/btf/vmlinux";
const GUARDS = fileURLToPath(new URL("../fixtures/objects/guards.o", import.meta.url));
const { directory } = workspace();

/** By program: whether a poisoned instruction of it or its subprograms can be reached, and whether one cannot. */
function standingOf(object: BpfObject): Map<string, { open: boolean; guarded: boolean }> {
  const index = indexCandidates(parseBtf(readFileSync(HOST_BTF), { source: HOST_BTF }));
  const judged = judge(resolveObject(object, index));
  return new Map(
    linkedPrograms(object).map((linked) => {
      const own = judged.filter(({ record }) => linked.includes(record.relocation.program));
      const has = (status: string) => own.some((one) => one.status === status);
      return [object.programs[linked[0] ?? -1]?.name ?? "", { open: has("poisoned"), guarded: has("guarded") }];
    }),
  );
}

async function kernelOf(...objects: string[]): Promise<NonNullable<VerifyReport["kernel"]>> {
  const small = join(directory, "small.btf");
  await runText(["minimize", HOST_BTF, ...objects, "-o", small]);
  expect(existsSync(small)).toBe(true);
  const { stdout } = await runText(["verify", small, "--full", HOST_BTF, ...objects, "--level", "kernel", "--json"]);
  const { kernel } = JSON.parse(stdout) as VerifyReport;
  if (kernel === null) throw new Error("the kernel was not asked");
  return kernel;
}

describeOracle("guarded programs and the running kernel", ["bpf", "libbpf"], () => {
  it("takes every guarded program of the fixture, and refuses the open ones for what is poisoned", async () => {
    const { programs } = await kernelOf(GUARDS);
    expect(programs.length).toBeGreaterThanOrEqual(18);
    const verdicts = programs.map(({ program, verdict, reason }) => [program, verdict, reason?.kind ?? null]);
    const expected = programs.map(({ program }) =>
      program.startsWith("open_") ? [program, "not-tested", "poisoned"] : [program, "accepted", null],
    );
    expect(verdicts).toEqual(expected);
    // And that is what was said without a kernel.
    const standing = standingOf(parseBpfObject(readFileSync(GUARDS), GUARDS));
    for (const { program } of programs) {
      // A function that is called with and without a check counts as open in all that call it.
      if (program === "open_call") continue;
      expect([program, standing.get(program)?.open]).toEqual([program, program.startsWith("open_")]);
    }
  });
});

describeOracle("the libbpf-tools and the running kernel", ["bpf", "libbpf", "libbpf-tools"], () => {
  it("refuses for what is poisoned no program that has nothing open, and takes none that has", async () => {
    const objects = readObjects(libbpfToolsExecutables()).objects.map((object) => ({
      object,
      standing: standingOf(object),
    }));
    const telling = objects.filter(({ standing }) =>
      [...standing.values()].some(({ open, guarded }) => open || guarded),
    );
    const { programs } = await kernelOf(...telling.map(({ object: { source } }) => source.replace(/#.*/, "")));
    const wrong: string[] = [];
    const seen = { open: 0, guarded: 0 };
    for (const { object, program, verdict, reason } of programs) {
      const found = telling.find(({ object: { source } }) => source === object)?.standing.get(program);
      if (found === undefined) continue;
      const text = `${object} ${program}: ${verdict} ${reason?.kind} ${reason?.text}`;
      if (found.open && verdict === "accepted") wrong.push(`open, but ${text}`);
      if (!found.open && reason?.kind === "poisoned") wrong.push(`guarded, but ${text}`);
      if (found.open && reason?.kind === "poisoned") seen.open++;
      if (!found.open && found.guarded && verdict === "accepted") seen.guarded++;
    }
    expect(wrong).toEqual([]);
    expect(seen.open).toBeGreaterThan(0);
    expect(seen.guarded).toBeGreaterThan(5);
  });
});
