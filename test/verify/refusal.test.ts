import { describe, expect, it } from "vitest";
import type { LoadRun } from "../../lib/verify/loader-run.ts";
import { type RefusalKind, refusalOf } from "../../lib/verify/refusal.ts";

const run = (part: Partial<LoadRun>): LoadRun => ({
  object: 0,
  side: "full",
  pass: "alone",
  program: "p",
  ok: false,
  errno: 22,
  weakened: false,
  warnings: [],
  verifierLog: "",
  programs: [],
  mapChanges: [],
  ...part,
});
const LOAD_FAILED = "prog 'p': BPF program load failed: Invalid argument";
const TAIL = ["prog 'p': failed to load: -22", "failed to load object 'object0'"];

describe("refusalOf", () => {
  it.each<[RefusalKind, Partial<LoadRun>, string]>([
    [
      "extern",
      { errno: 3, warnings: ["extern 'bpf_link_fops' (strong): not resolved"] },
      "extern 'bpf_link_fops' (strong): not resolved",
    ],
    [
      "extern",
      { warnings: ["extern (func ksym) 'f': not found in kernel or module BTFs"] },
      "extern (func ksym) 'f': not found in kernel or module BTFs",
    ],
    [
      "map",
      { warnings: ["map 'm': failed to create: Invalid argument(-22)"] },
      "map 'm': failed to create: Invalid argument(-22)",
    ],
    [
      "attach-target",
      {
        errno: 3,
        warnings: [
          "prog 'p': failed to find kernel BTF type ID of 'dummy': -3",
          "prog 'p': failed to prepare load attributes: -3",
        ],
      },
      "failed to find kernel BTF type ID of 'dummy': -3",
    ],
    ["attach-target", { warnings: ["prog 'p': attach program FD is not set"] }, "attach program FD is not set"],
    [
      "relocation",
      { warnings: ["failed to perform CO-RE relocations: -22"] },
      "failed to perform CO-RE relocations: -22",
    ],
    [
      "relocation",
      {
        warnings: [
          "Error loading .BTF into kernel: -22. BTF is optional, ignoring.",
          "prog 'p': relo #0: failed to patch insn #6: -22",
          "failed to perform CO-RE relocations: -22",
        ],
      },
      "relo #0: failed to patch insn #6: -22",
    ],
    [
      "relocation",
      { warnings: ["prog 'p': relo #1: relocation decision ambiguity: success 88472 != success 17956"] },
      "relo #1: relocation decision ambiguity",
    ],
    [
      "relocation",
      { warnings: ["prog 'p': relo #1: field offset ambiguity: 64 != 128"] },
      "relo #1: field offset ambiguity: 64 != 128",
    ],
    [
      "program-type",
      { warnings: ["prog 'p': missing BPF prog type, check ELF section name 'x'"] },
      "missing BPF prog type, check ELF section name 'x'",
    ],
    [
      "program-type",
      { errno: 22, warnings: [LOAD_FAILED] },
      "the kernel has no such kind of program, or not with this attach target (EINVAL, without a log)",
    ],
    [
      "program-type",
      { errno: 524, warnings: [LOAD_FAILED] },
      "the kernel has no such kind of program, or not with this attach target (ENOTSUPP, without a log)",
    ],
    [
      "privilege",
      { errno: 1, warnings: [LOAD_FAILED] },
      "the kernel does not let such a program be loaded here (EPERM, without a log)",
    ],
    [
      "object",
      { errno: 22, warnings: ["elf: 'object0' is not a proper ELF object"] },
      "elf: 'object0' is not a proper ELF object",
    ],
    ["object", { errno: 22 }, "refused with EINVAL"],
    ["verifier", { errno: 28, warnings: [LOAD_FAILED] }, "refused with ENOSPC, without a log"],
  ])("calls it %s: %j", (kind, part, text) => {
    const warnings = [...(part.warnings ?? []), ...TAIL];
    expect(refusalOf(run({ ...part, warnings }))).toEqual({ kind, text, instruction: null });
  });

  it.each<[RefusalKind, string, string, number | null]>([
    [
      "verifier",
      "0: R1=ctx() R10=fp0\n; return ctx[0]->b; @ x.bpf.c:3\n0: (79) r1 = *(u64 *)(r1 +0)\n13: (61) r1 = *(u32 *)(r1 +4)\nR1 invalid mem access 'scalar'\nprocessed 14 insns (limit 1000000) max_states_per_insn 0",
      "R1 invalid mem access 'scalar'",
      13,
    ],
    [
      "poisoned",
      "0: R1=ctx()\n3: <invalid CO-RE relocation>\nfailed to resolve CO-RE relocation <byte_off> [12] struct s.a (0:3 @ offset 24)\nprocessed 4 insns (limit 1000000)",
      "failed to resolve CO-RE relocation <byte_off> [12] struct s.a (0:3 @ offset 24)",
      3,
    ],
    ["poisoned", "3: (85) call unknown#195896080\ninvalid func unknown#195896080", "invalid func unknown#195896080", 3],
    [
      "helper",
      "5: (85) call bpf_x#99\nprogram of this type cannot use helper bpf_x#99",
      "program of this type cannot use helper bpf_x#99",
      5,
    ],
    [
      "attach-target",
      "attach_btf_id 4711 is not a function\nprocessed 0 insns",
      "attach_btf_id 4711 is not a function",
      null,
    ],
    ["verifier", "cannot call GPL-restricted function", "cannot call GPL-restricted function", null],
  ])("calls what the verifier says %s: %j", (kind, verifierLog, text, instruction) => {
    expect(refusalOf(run({ warnings: [LOAD_FAILED, ...TAIL], verifierLog }))).toEqual({ kind, text, instruction });
  });

  it("names the program that was refused in the place of another", () => {
    const warnings = ["prog 'q': BPF program load failed: Invalid argument"];
    const verifierLog = "1: (95) exit\nR0 !read_ok";
    expect(refusalOf(run({ warnings, verifierLog })).text).toBe("q, which is loaded with it: R0 !read_ok");
    expect(refusalOf(run({ warnings, verifierLog, program: null })).text).toBe("R0 !read_ok");
  });

  it("gives equal texts for equal reasons only, whatever the counts are", () => {
    const log = (insns: number, what: string) => `1: (95) exit\n${what}\nprocessed ${insns} insns (limit 1000000)`;
    const text = (insns: number, what: string) => refusalOf(run({ verifierLog: log(insns, what) })).text;
    expect(text(5, "R0 !read_ok")).toBe(text(6, "R0 !read_ok"));
    expect(text(5, "R0 !read_ok")).not.toBe(text(5, "R1 !read_ok"));
  });
});
