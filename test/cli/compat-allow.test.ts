import { describe, expect, it } from "vitest";
import { judgeStrict } from "../../cli/compat/allow.ts";
import { InputError } from "../../cli/errors.ts";
import { parseKernelAllowList } from "../../cli/inputs/kernel-allow.ts";
import { sceneMatrix } from "../corpus/compat/scene.ts";

const matrix = sceneMatrix(
  ["dir/a.o"],
  [
    ["debian/11/x86_64/5.10.0-1-amd64", { 2: ["poisoned", "no member b"] }],
    ["debian/11/x86_64/5.10.0-2-amd64", { 2: ["poisoned", "no member b"] }],
    ["debian/12/x86_64/6.1.0-1-amd64", { 2: ["poisoned", "no member b"], 3: ["absent", "as foreseen"] }],
  ],
);
const judge = (list: string) => judgeStrict(matrix, parseKernelAllowList(list, "allow"));

describe("an allow-list of compat", () => {
  it("lets nothing pass when it is empty, and does not mind what is absent", () => {
    expect(judge("")).toMatchObject({
      refused: 3,
      allowed: 0,
      kernels: 3,
      first: { kernel: "debian/11/x86_64/5.10.0-1-amd64", status: "poisoned" },
    });
  });

  it.each<[string, string, number]>([
    ["on every kernel", "a.o:*:*", 0],
    ["on kernels of a key", "[debian/11/*] a.o:*:*", 1],
    ["on kernels of a release", "[5.10.0-2-*] a.o:*:*", 2],
    ["on no such kernel", "[fedora/*] a.o:*:*", 3],
    ["for another object", "b.o:*:*", 3],
    ["of one kind", "[ debian/* ] a.o:*:*:field_exists", 3],
    ["each on its own kernels", "[debian/11/*] a.o:*:*\n[debian/12/*] a.o:*:*  # known", 0],
  ])("lets relocations pass %s", (_what, list, refused) => {
    expect(judge(list)).toMatchObject({ refused, allowed: 3 - refused });
  });

  it("lets targets pass by their kind and name, each counted once a kernel for all programs", () => {
    const lacks = [
      ["exec", "tp_btf", "btf_trace_x"],
      [".ksyms", "kfunc", "bpf_x"],
    ] as const;
    const key = "debian/12/x86_64/6.1.0-1-amd64";
    const lacking = sceneMatrix(["dir/a.o"], [[key, { lacks }]], { byProgram: true });
    const verdict = (list: string) => judgeStrict(lacking, parseKernelAllowList(list, "allow"));
    expect(verdict("")).toMatchObject({
      refused: 2,
      kernels: 1,
      first: { kernel: key, status: "no-target", place: { program: "exec", path: "btf_trace_x", instruction: null } },
    });
    expect(verdict("a.o:exec:*:tp_btf")).toMatchObject({ refused: 1, allowed: 1 });
    expect(verdict("[debian/*] a.o:.ksyms:bpf_x:kfunc\na.o:exec:btf_trace_*")).toMatchObject({
      refused: 0,
      allowed: 2,
    });
    expect(verdict("[ubuntu/*] a.o:*:*")).toMatchObject({ refused: 2, allowed: 0 });
  });

  it.each([["ambiguous"], ["error"]] as const)(
    "lets no relocation pass that is %s, for it is always a finding",
    (status) => {
      const key = "debian/12/x86_64/6.1.0-1-amd64";
      const refusing = sceneMatrix(["dir/a.o"], [[key, { 2: [status, "two"], 3: ["poisoned", "no member b"] }]]);
      expect(judgeStrict(refusing, parseKernelAllowList("a.o:*:*", "allow"))).toMatchObject({
        refused: 1,
        allowed: 1,
        first: { kernel: key, status },
        unusedRules: [],
      });
      const one = sceneMatrix(["dir/a.o"], [[key, { 2: [status, "two"] }]]);
      const verdict = judgeStrict(one, parseKernelAllowList("a.o:*:*", "allow"));
      expect(verdict.unusedRules).toEqual([{ line: 1, rule: "a.o:*:*" }]);
    },
  );

  it("names rules that let nothing pass, as they were written", () => {
    expect(judge("a.o:*:*\n\n[fedora/*] a.o:*:*\n").unusedRules).toEqual([{ line: 3, rule: "[fedora/*] a.o:*:*" }]);
  });

  it.each([
    ["[] a.o:*:*", "allow:1"],
    ["a.o:*:*\n[debian/*]", "allow:2"],
    ["[debian/*] # nothing", "allow:1"],
    ["[debian/*] a.o", "allow:1"],
    ["a.o:*:*\n\n[debian/* a.o:*:*:*:*", "allow:3"],
  ])("refuses %j and says where", (list, where) => {
    expect(() => parseKernelAllowList(list, "allow")).toThrow(InputError);
    expect(() => parseKernelAllowList(list, "allow")).toThrow(where);
  });
});
