import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { reportMinimize } from "../../cli/minimize/report.ts";
import { type MinimizeRequest, minimizeOutcome } from "../../cli/minimize/run.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { runParsed } from "../../lib/job/job.ts";
import { prove } from "../../lib/verify/prove.ts";

const defects = fileURLToPath(new URL("../fixtures/defects/", import.meta.url));
const source = "6.1.0.btf";
const target = parseBtf(readFileSync(`${defects}01-two-types-of-one-name/target.btf`), { source });
const other = { source, bytes: readFileSync(`${defects}07-bloat/target.btf`) };
const object = parseBpfObject(readFileSync(`${defects}01-two-types-of-one-name/local.o`), "local.o");

/** The outcome of a job whose result is replaced by BTF of something else before it is proved. */
function tampered(output: string) {
  const result = runParsed(target, [object]);
  const proof = prove([object], result, [other]);
  const report = reportMinimize(
    { ...result, proof },
    {
      inputs: { objects: [object], passedOver: 0, arches: new Map() },
      bytesBefore: 1000,
      outputs: [{ source, path: output, bytes: 100 }],
      rules: null,
      detail: "summary",
    },
  );
  const request: MinimizeRequest = {
    command: "minimize",
    kernel: source,
    modules: [],
    objects: ["local.o"],
    output,
    split: false,
    loaders: [],
    options: {},
    keepAttachTargets: false,
    strict: false,
    allow: undefined,
    detail: "summary",
  };
  return { report, outcome: minimizeOutcome({ report, files: [] }, request) };
}

describe("a proof that fails", () => {
  it("keeps everything from being written, and names kernel, object, program, instruction, field and outcomes", () => {
    const { report, outcome } = tampered("small.btf");
    expect(outcome).toMatchObject({ exitCode: 1, files: [], directories: [] });
    expect(outcome.text?.()).toBe("");
    expect(report.outputs).toEqual([]);
    expect(outcome.notes?.[0]).toBe("the proof failed, nothing is written; this is a bug in btfgen:");
    expect(outcome.notes?.[1]).toBe(
      "6.1.0.btf: local.o: program, insn 0 (local.bpf.c:16): byte_off getdents_callback.ctx.actor: decision under " +
        'libbpf rules: full BTF "resolved, 0 -> 0, 8 bytes", small BTF "poisoned, 0 -> 0, 8 -> 0 bytes poison"',
    );
    expect(outcome.notes).toHaveLength(1 + report.proof.differences.length);
  });

  it("leaves standard output empty where it was to have the bytes", () => {
    expect(tampered("-").outcome.files).toEqual([{ path: "-", bytes: new Uint8Array() }]);
  });
});
