/**
 * Maps of global data as libbpf makes them, at level `kernel`: what the verifier knows of them shows that they are there,
 * filled and frozen. A program reads memory through a null pointer where a setting says so: with a constant that says no,
 * the verifier never looks there.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { compileBpf } from "./clang.ts";
import { describeOracle } from "./requirements.ts";

const RUNNING = "/sys/kernel/btf/vmlinux";
const INCLUDE = fileURLToPath(new URL("../fixtures/bpf", import.meta.url));

const guarded = (declaration: string, condition: string) => `
${declaration}
SEC("tc")
int program(struct __sk_buff *ctx)
{
	if (${condition})
		return *(volatile int *)0;
	return 0;
}`;

/** What a program is made of, and whether the kernel takes it. */
const CASES: readonly [name: string, accepted: boolean, source: string][] = [
  ["rodata-says-no", true, guarded("const volatile int danger = 0;", "danger")],
  ["rodata-says-yes", false, guarded("const volatile int danger = 1;", "danger")],
  ["named-rodata", true, guarded('const volatile int danger SEC(".rodata.own") = 2;', "danger != 2")],
  // What a program, or a process, may change is no constant.
  ["data", false, guarded("int danger = 2;", "danger != 2")],
  ["named-data", false, guarded('int danger SEC(".data.own") = 2;', "danger != 2")],
  ["bss", false, guarded("int danger;", "danger")],
  ["kconfig", true, guarded("extern int LINUX_KERNEL_VERSION __kconfig;", "LINUX_KERNEL_VERSION < 0x50000")],
  ["kconfig-weak", true, guarded("extern int CONFIG_NO_SUCH_SETTING __kconfig __weak;", "CONFIG_NO_SUCH_SETTING")],
  [
    "all",
    true,
    `
u64 counted, last = 5;
u32 own SEC(".data.own") = 7;
const volatile u32 step = 3;
extern int LINUX_KERNEL_VERSION __kconfig;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__uint(map_flags, 1 << 10);
	__type(key, u32);
	__type(value, u64);
} mapped SEC(".maps");
SEC("tc")
int program(struct __sk_buff *ctx)
{
	u32 key = ctx->len & 511;
	u64 *value = bpf_map_lookup_elem(&mapped, &key);

	counted += step;
	last = own + LINUX_KERNEL_VERSION;
	if (value)
		*value += counted;
	return 0;
}`,
  ],
];

describeOracle("global data on the running kernel", ["clang", "libbpf", "bpf"], () => {
  const { directory, put } = workspace();
  let report: VerifyReport;
  let words: string;

  beforeAll(async () => {
    const flags = ["-D__TARGET_ARCH_x86", `-I${INCLUDE}`, "-Wno-everything"];
    const head = '#include "core.h"\nstruct __sk_buff { u32 len; };\n';
    const objects = CASES.map(([name, , source]) =>
      put(`${name}.o`, compileBpf(`${head}${source}\nLICENSE;\n`, "bpfel", flags)),
    );
    const small = join(directory, "vmlinux.btf");
    copyFileSync(RUNNING, small);
    const args = ["verify", small, "--full", RUNNING, ...objects, "--kernel", "host"];
    const { stdout, stderr } = await runText([...args, "--json"]);
    if (stdout === "") throw new Error(stderr);
    report = JSON.parse(stdout) as VerifyReport;
    words = (await runText([...args, "--verbose"])).stdout;
  });

  const of = (name: string) => report.kernel?.programs.find(({ object }) => object.endsWith(`/${name}.o`));

  it.each(CASES)("of %s: accepted: %s", (name, accepted) => {
    const found = of(name);
    expect(found?.verdict).toBe(accepted ? "accepted" : "not-tested");
    if (!accepted) expect(found?.reason?.kind).toBe("verifier");
    const changes = report.kernel?.mapChanges.filter(({ object }) => object.endsWith(`/${name}.o`));
    expect(changes).toEqual([]);
  });

  it("names each load as audit records do", () => {
    const loaded = of("all")?.loaded;
    expect(loaded?.full).toMatchObject({ tag: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(loaded?.full?.verifiedInstructions).toBeGreaterThan(10);
    expect(loaded?.small?.verifiedInstructions).toBe(loaded?.full?.verifiedInstructions);
    const lines = words.split("\n").filter((line) => /\/all\.o: program: loaded with (full|small) BTF: /.test(line));
    expect(lines).toHaveLength(2);
    const [, ids = "", tag, verified] =
      /prog-id ([\d, ]+); tag (\w+), (\d+) instructions verified$/.exec(lines[0] ?? "") ?? [];
    expect({ tag, verified: Number(verified) }).toEqual({
      tag: loaded?.full?.tag,
      verified: loaded?.full?.verifiedInstructions,
    });
    expect(ids.split(", ").every((id) => Number(id) > Math.max(...(loaded?.full?.ids ?? [])))).toBe(true);
    expect(words).not.toContain("rodata-says-yes.o: program: loaded");
  });
});
