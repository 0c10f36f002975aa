/** What we say of compiled objects' targets; test/vm-kernels has libbpf of later releases say the same. */
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { rulesOfKernel } from "../../cli/inputs/kernel-release.ts";
import { isModelFinding, reportModels } from "../../cli/inspect/model-report.ts";
import { modelText } from "../../cli/inspect/model-text.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import { moduleSamples } from "../samples.ts";
import { ASKED_KERNEL, EXTERN_CASES, externObject, MODULE_CASES, moduleObject } from "./attach-cases.ts";
import { describeOracle } from "./requirements.ts";

describeOracle("targets of compiled objects", ["clang"], () => {
  let target: Btf;
  beforeAll(() => {
    const modules = moduleSamples().map(({ name, bytes }) => ({ bytes, source: `${name}.ko` }));
    target = parseModules(parseBtf(readFileSync(ASKED_KERNEL)), modules);
  });
  const report = (bytes: Uint8Array) => {
    const rules = rulesOfKernel({ release: "6.12", from: "option", isX86: true });
    return reportModels({
      target,
      names: [],
      patterns: [],
      objects: [parseBpfObject(bytes)],
      impossibleOnly: false,
      rules,
    });
  };

  it.each(EXTERN_CASES)("externs: %s", (_, body, statuses, loads) => {
    const found = report(externObject(body));
    expect(found.targets?.map(({ status }) => status)).toEqual(statuses);
    expect(isModelFinding(found, false)).toBe(!loads);
  });

  it("are shown by their own names, and which an object does without", () => {
    const lines = (row: number) => modelText(report(externObject(EXTERN_CASES[row]?.[1] ?? ""))).split("\n");
    expect(lines(1)[1]).toMatch(/ bpf_task_acquire___two +impossible \(optional\) +the object declares it otherwise/);
    expect(lines(2).map((line) => /missing( \(optional\))?/.exec(line)?.[0])).toEqual([
      undefined,
      "missing (optional)",
      "missing",
      undefined,
    ]);
    expect(lines(4)[1]).toMatch(/ runqueues +impossible {2}/);
    expect(modelText(report(moduleObject("kvm:svm_vcpu_run")))).toMatch(/ in kvm-amd\.ko; 'kvm' stands for kvm_amd/);
  });

  it("are one need of the kernel's BTF where they are flavours of one function", () => {
    const [, body = ""] = EXTERN_CASES[0] ?? [];
    expect(kernelNeeds(parseBpfObject(externObject(body)))).toEqual([
      { kind: "kfunc", user: ".ksyms", name: "bpf_task_acquire", optional: false },
    ]);
  });

  it.each(MODULE_CASES)("fentry/%s", (section, isFound) => {
    const { targets } = report(moduleObject(section));
    expect(targets?.map(({ status }) => status)).toEqual([isFound ? "found" : "missing"]);
  });
});
