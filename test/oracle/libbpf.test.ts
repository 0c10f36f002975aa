import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KERNEL_OF_MODULES, kernelPath, moduleSamples } from "../samples.ts";
import { compileBpf } from "./clang.ts";
import { type LibbpfRun, libbpfRelocate, libbpfRelocateMany } from "./libbpf.ts";
import { readSpec } from "./libbpf-log.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const PRELUDE = `
#define CORE __attribute__((preserve_access_index))
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
char _license[] SEC("license") = "GPL";
`;

/** A target: types that a function keeps in BTF, compiled; libbpf takes an ELF file's .BTF. */
const target = (types: string, uses: string): string => `${types}\n int keep(${uses}) { return 0; }`;

const POISON_IMM = 195896080; // 0xbad2310

describeOracle("libbpf as an oracle", ["libbpf", "clang"], () => {
  const directory = temporaryDirectory();
  const file = (name: string, source: string): string => {
    const path = join(directory(), name);
    writeFileSync(path, compileBpf(source));
    return path;
  };
  const relocate = (program: string, types: string, uses: string): LibbpfRun =>
    libbpfRelocate(file("program.o", `${PRELUDE}${program}`), file("target.o", target(types, uses)));

  const readB = `struct s { int a; int b; } CORE;
    SEC("fentry/whatever") int prog(struct s **ctx) { return ctx[0]->b; }`;
  const slot = (bytes: Uint8Array | undefined, index: number): DataView => {
    if (bytes === undefined || bytes.length < 8 * index + 8) throw new Error("no such instruction");
    return new DataView(bytes.buffer, bytes.byteOffset + 8 * index, 8);
  };

  it("moves a field that lies elsewhere", () => {
    const run = relocate(readB, "struct s { long x[4]; int b; };", "struct s *s");
    expect(run).toMatchObject({ ok: true, failed: undefined, errno: 0 });
    const [entry] = run.log;
    expect(run.log).toHaveLength(1);
    expect(entry?.local).toMatchObject({ kind: "byte_off", path: "s.b", access: "0:1", bitOffset: 32 });
    expect(entry?.candidates).toMatchObject([{ matching: true, spec: { access: "0:1", bitOffset: 256 } }]);
    expect(entry?.patches).toMatchObject([{ form: "LDX/ST/STX", what: "off", from: 4n, to: 32n }]);
    expect(entry?.poisoned).toEqual([]);
    const program = run.programs.get("prog");
    const insn = entry?.patches[0]?.insn ?? 0;
    expect(slot(program?.before, insn).getInt16(2, true)).toBe(4);
    expect(slot(program?.after, insn).getInt16(2, true)).toBe(32);
  });

  it("poisons a field that is not there", () => {
    const run = relocate(readB, "struct s { int a; };", "struct s *s");
    expect(run.ok).toBe(true);
    expect(run.log).toMatchObject([{ noTargets: true, candidates: [{ matching: false }], patches: [] }]);
    const insn = run.log[0]?.poisoned[0] ?? 0;
    expect(run.log[0]?.poisoned).toHaveLength(1);
    expect(slot(run.programs.get("prog")?.after, insn).getInt32(4, true)).toBe(POISON_IMM);
  });

  it("refuses two candidates that disagree", () => {
    const run = relocate(
      readB,
      "struct s { int a, b; }; struct s___other { int b; };",
      "struct s *s, struct s___other *o",
    );
    expect(run).toMatchObject({ ok: false, failed: "relocate" });
    expect(run.log[0]?.ambiguity).toMatch(/^field offset ambiguity: (0 != 32|32 != 0)$/);
    expect(run.log[0]?.candidates.map((candidate) => candidate.matching)).toEqual([true, true]);
    expect(run.error).toContain("failed to perform CO-RE relocations");
  });

  it("tells the failing program from the good one when each is loaded alone", () => {
    const source = `${PRELUDE} struct s { int a; int b; } CORE; struct t { int a; } CORE;
      SEC("socket") int bad(struct s **ctx) { return ctx[0]->b; }
      SEC("socket") int good(struct t **ctx) { return ctx[0]->a; }`;
    const types = "struct s { int a, b; }; struct s___other { int b; }; struct t { int x, a; };";
    const targetPath = file("target.o", target(types, "struct s *s, struct s___other *o, struct t *t"));
    const runs = libbpfRelocateMany([file("program.o", source)], targetPath, { alone: true });
    const said = runs.map((run) => [run.only, run.ok, run.log.map((entry) => entry.program)]);
    expect(said).toEqual([
      [undefined, false, ["bad"]],
      ["bad", false, ["bad"]],
      ["good", true, ["good"]],
    ]);
  });

  it("says where the code of subprograms went", () => {
    const run = relocate(
      `struct s { int a; int b; } CORE;
       static NOINLINE int inner(struct s *s) { return s->b; }
       SEC("socket") int prog(struct s **ctx) { return inner(ctx[0]); }`,
      "struct s { long x; int b; };",
      "struct s *s",
    );
    const program = run.programs.get("prog");
    const start = (program?.before.length ?? 0) / 8;
    const count = (program?.after.length ?? 0) / 8 - start;
    expect(run.log).toMatchObject([{ program: "inner", patches: [{ from: 4n, to: 8n }] }]);
    expect(program?.appended).toEqual([{ subprogram: "inner", start, count }]);
    expect(count).toBeGreaterThan(0);
    const insn = start + (run.log[0]?.patches[0]?.insn ?? 0);
    expect(slot(program?.after, insn).getInt16(2, true)).toBe(8);
  });

  it("reads values of enumerators", () => {
    const run = relocate(
      `enum e { ONE = 1, TWO = 2 };
       SEC("socket") int prog(void *ctx) { return __builtin_preserve_enum_value(*(enum e *)TWO, 1); }`,
      "enum e { ZERO, TWO = 7 };",
      "enum e e",
    );
    expect(run.log).toMatchObject([
      {
        local: { kind: "enumval_value", path: "e::TWO", enumValue: 2n },
        candidates: [{ matching: true, spec: { enumValue: 7n } }],
        patches: [{ form: "LDIMM64", what: "imm64", from: 2n, to: 7n }],
      },
    ]);
  });

  it("relocates whatever externs, maps and attach targets the target lacks", () => {
    const run = relocate(
      `struct s { int a; int b; } CORE; struct task;
       extern int CONFIG_NEVER SEC(".kconfig"); extern int no_such_kfunc(struct s *s) SEC(".ksyms");
       SEC("lsm/no_such_hook") int prog(struct s **ctx) { return ctx[0]->b + CONFIG_NEVER + no_such_kfunc(ctx[0]); }`,
      "struct s { long x; int b; };",
      "struct s *s",
    );
    expect(run).toMatchObject({ ok: true, error: "" });
    expect(run.log).toMatchObject([{ patches: [{ from: 4n, to: 8n }] }]);
  });

  it("fails to open what is no object", () => {
    const path = join(directory(), "junk.o");
    writeFileSync(path, "not an object");
    const [junk, good] = libbpfRelocateMany(
      [path, file("program.o", `${PRELUDE}${readB}`)],
      file("target.o", target("struct s { int b; };", "struct s *s")),
    );
    expect(junk).toMatchObject({ ok: false, failed: "open" });
    expect(good?.ok).toBe(true);
  });

  it("takes candidates from modules only when the kernel proper has none, and only as the running kernel", () => {
    const program = file(
      "program.o",
      `${PRELUDE} struct veth_priv { int requested_headroom; } CORE; struct net_device { int ifindex; } CORE;
       SEC("socket") int prog(struct veth_priv **p, struct net_device *d) { return p[0]->requested_headroom + d->ifindex; }`,
    );
    const kernel = kernelPath(KERNEL_OF_MODULES);
    const modules = new Map(moduleSamples().map(({ name, path }) => [name, path]));
    const running = libbpfRelocate(program, kernel, { as: "running", modules });
    expect(running.found.map((candidate) => [candidate.targetName, candidate.btfName])).toEqual([
      ["veth_priv", "veth"],
      ["net_device", "vmlinux"],
    ]);
    expect(running.log.map((entry) => entry.poisoned.length)).toEqual([0, 0]);
    const custom = libbpfRelocate(program, kernel);
    expect(custom.log.map((entry) => entry.poisoned.length)).toEqual([1, 0]);
  });
});

describe("a crash of the libbpf oracle", () => {
  it("is an outcome of the object it was at, and the next ones are asked anew", () => {
    // Stands for the oracle: reports each object, and dies on one named bad.o.
    const script = `for o; do case $o in *.o) echo '{"begin":"'$o'","only":-1}'
      case $o in bad.o) kill -SEGV $$;; esac; echo '{"end":"'$o'"}';; esac; done`;
    const runs = libbpfRelocateMany(["one.o", "bad.o", "two.o"], "t.btf", { command: ["sh", "-c", script, "sh"] });
    expect(runs.map((run) => [run.object, run.failed, run.error])).toEqual([
      ["one.o", undefined, ""],
      ["bad.o", "crash", "killed by SIGSEGV"],
      ["two.o", undefined, ""],
    ]);
  });
});

describe("specs in libbpf's log", () => {
  const rows: [text: string, expected: Record<string, unknown> | undefined][] = [
    ["<byte_off> [7] struct a.b[2].c (0:1:2:0 @ offset 24)", { path: "a.b[2].c", access: "0:1:2:0", bitOffset: 192 }],
    ["<lshift_u64> [7] union a.b (0:1 @ offset 4.3)", { kind: "lshift_u64", typeKind: "union", bitOffset: 35 }],
    ["<enumval_exists> [2] enum64 e::A = -5", { path: "e::A", enumValue: -5n, access: undefined }],
    ["<type_size> [31] typedef size_t", { typeId: 31, typeKind: "typedef", path: "size_t", bitOffset: undefined }],
    ["insn #3 against 'map'", undefined],
  ];
  it.each(rows)("%s", (text, expected) => {
    const spec = readSpec(text);
    if (expected === undefined) expect(spec).toBeUndefined();
    else expect(spec).toMatchObject(expected);
  });
});
