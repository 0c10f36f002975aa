/** Which functions of a program another may take the place of: what is said of it, and what a kernel does. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { resolveTargets } from "../../lib/core/target-models.ts";
import { askBooted, buildStatic } from "../oracle/booted.ts";
import { compileBpf } from "../oracle/clang.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const image = readdirSync(kernels).find((name) => /-6\.1\..*amd64\.deb$/.test(name)) ?? readdirSync(kernels)[0] ?? "";
const flags = [`-I${fileURLToPath(new URL("../fixtures/bpf", import.meta.url))}`, "-D__TARGET_ARCH_x86"];
const MINUTES = 400_000;
const HEAD = '#include "core.h"\nstruct __sk_buff { u32 len; };\nstruct xdp_md { u32 data; };\n';
const DECLARING = '#include "core.h"\nstruct __sk_buff;\n';
const DECLARED = "declared";
const TARGET = `${HEAD}
__noinline int work(struct __sk_buff *ctx, int value) { return value * 2 + ctx->len; }
static __noinline int hidden(struct __sk_buff *ctx, int value) { return value * 3 + ctx->len; }
SEC("tc") int classify(struct __sk_buff *ctx) { return work(ctx, 3) + hidden(ctx, 4); }
LICENSE;
`;

/** A replacing program's function, and what it is to take the place of. */
const CASES: readonly [name: string, section: string, declaration: string, taken: boolean][] = [
  ["same", "work", "int same(struct __sk_buff *ctx, int value) { return value; }", true],
  ["other_names", "work", "int other_names(struct __sk_buff *skb, int number) { return number; }", true],
  ["fewer", "work", "int fewer(struct __sk_buff *ctx) { return 0; }", false],
  ["more", "work", "int more(struct __sk_buff *ctx, int value, int other) { return value; }", false],
  ["wider", "work", "int wider(struct __sk_buff *ctx, u64 value) { return value; }", false],
  ["returning", "work", "u64 returning(struct __sk_buff *ctx, int value) { return value; }", true],
  ["giving_pointer", "work", "void *giving_pointer(struct __sk_buff *ctx, int value) { return ctx; }", false],
  ["unsigned_one", "work", "int unsigned_one(struct __sk_buff *ctx, u32 value) { return value; }", true],
  ["other_context", "work", "int other_context(struct xdp_md *ctx, int value) { return value; }", false],
  [DECLARED, "work", "int declared(struct __sk_buff *ctx, int value) { return value; }", false],
  ["of_static", "hidden", "int of_static(struct __sk_buff *ctx, int value) { return value; }", false],
];

it(
  "resolves freplace as a kernel does",
  async () => {
    const built = buildStatic("freplace", ["bpf", "elf", "z"]);
    if ("missing" in built) throw new Error(built.missing);
    const { image: kernel, btf } = await bootImageOf(readFileSync(join(kernels, image)), image);
    const target = compileBpf(TARGET, "bpfel", flags);
    const objects = CASES.map(([name, section, declaration]) => ({
      name,
      section,
      bytes: compileBpf(
        `${name === DECLARED ? DECLARING : HEAD}SEC("freplace/${section}") ${declaration}\nLICENSE;\n`,
        "bpfel",
        flags,
      ),
    }));
    const questions = objects.map(({ name, section }) => `/target.o classify /${name}.o ${name} ${section}`);
    const files = Object.fromEntries([
      ["/target.o", target],
      ...objects.map(({ name, bytes }) => [`/${name}.o`, bytes]),
    ]);
    const answers = askBooted(kernel, readFileSync(built.path), questions, files);
    const all = [parseBpfObject(target, "target.o"), ...objects.map(({ name, bytes }) => parseBpfObject(bytes, name))];
    const found = resolveTargets(all, parseBtf(btf));
    const rows = CASES.map(([name], i) => [
      name,
      found.find(({ target: { user } }) => user === name)?.status,
      answers[i],
    ]);
    expect(rows.map(([name, status]) => [name, status])).toEqual(
      CASES.map(([name, , , taken]) => [name, taken ? "found" : "impossible"]),
    );
    expect(rows.map(([name, , answer]) => [name, answer?.startsWith("0 ")])).toEqual(
      CASES.map(([name, , , taken]) => [name, taken]),
    );
    process.stdout.write(`${rows.map((row) => row.join(": ")).join("\n")}\n`);
  },
  MINUTES,
);
