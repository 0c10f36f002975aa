/** Maps, data sections, subprograms and settings of every sort: plans against libbpf's own calls. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KIND_FUNC } from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { kindOf, typeCount } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { btfFeatures } from "../../lib/prepare/sanitize-btf.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelPath, kernelSample, moduleSamples } from "../samples.ts";
import { compileBpf, compileC, taggingClang } from "./clang.ts";
import { recordLoads } from "./libbpf-recorder.ts";
import { LOADED, PREFIX, REFUSED, SETTINGS } from "./prepare-cases.ts";
import { plannedCalls, recordedCalls } from "./prepare-compare.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const directory = temporaryDirectory();
const compile = (source: string) => compileBpf(`${PREFIX}${source}`, "bpfel", ["-mcpu=v3", "-Wno-everything"]);

function load(name: string, bytes: Uint8Array, kconfig: string) {
  const path = join(directory(), `${name}.o`);
  writeFileSync(path, bytes);
  const kernel = kernelPath(KERNEL_6_1);
  const index = indexCandidates(parseBtf(readFileSync(kernel), { source: kernel }));
  const plan: Plan = prepare(parseBpfObject(bytes, path), index, { kconfig });
  const [run] = recordLoads([path], kernel, { kconfig });
  if (run === undefined) throw new Error("libbpf did nothing");
  return { plan, run };
}

describeOracle("what a loader does with", ["libbpf", "clang"], () => {
  it.each(Object.entries(LOADED))("%s", (name, source) => {
    const { plan, run } = load(name, compile(source), SETTINGS);
    expect({ errno: run.errno, refusals: plan.refusals }).toEqual({ errno: 0, refusals: [] });
    expect(plannedCalls(plan, run, availableParallelism(), [])).toEqual(recordedCalls(run));
    expect(run.maps.length + run.programs.length).toBeGreaterThan(1);
  });

  it("maps that are pinned, and programs to be put into maps", () => {
    const { plan } = load("maps", compile(LOADED.maps ?? ""), SETTINGS);
    expect(plan.maps.filter(({ pinned }) => pinned).map(({ name }) => name)).toEqual([
      "a_map_of_a_long_name_that_is_cut",
    ]);
    const jumps = plan.maps.find(({ name }) => name === "jumps");
    expect(jumps?.slots.map((slot) => (slot === null ? null : plan.programs[slot]?.name))).toEqual([null, "leaf"]);
    expect(plan.programs.find(({ name }) => name === "spare")).toMatchObject({ autoload: false, section: "tc" });
  });
});

describeOracle("what a loader refuses", ["libbpf", "clang"], () => {
  const rows = REFUSED.map(([what, source, words, kconfig = ""]) => ({ what, source, words, kconfig }));
  it.each(rows)("$what", ({ source, words, kconfig }) => {
    const { plan, run } = load("refused", compile(source), kconfig);
    expect(run.errno).not.toBe(0);
    expect(plan.refusals.join("; ")).toContain(words);
  });
});

/** Releases by the greatest kind their kernels know. */
const OLD: readonly (readonly [release: string, kind: number])[] = [
  ["6.0", 19],
  ["5.17", 18],
  ["5.16", 17],
  ["5.13", 16],
  ["5.2", 15],
  ["5.0", 13],
  ["4.18", 11],
];

describeOracle("BTF for older kernels", ["libbpf", "clang-tags"], () => {
  const source = `
#define __tag(x) __attribute__((btf_type_tag(x)))
#define __decl(x) __attribute__((btf_decl_tag(x)))
enum huge { HUGE = 0x100000000ULL } huge_global;
enum negative { NEGATIVE = -5 } negative_global;
float floating;
struct tagged { int __tag("user") *pointer; int field __decl("mark"); } tagged;
struct { __uint(type, HASH); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } map SEC(".maps");
__noinline int global_function(int x) { return x + huge_global; }
SEC("socket") int program(void *ctx)
{
	u32 zero = 0;
	return lookup(&map, &zero) ? global_function(negative_global) : tagged.field + (long)tagged.pointer;
}`;
  it.each(OLD)("of %s", (release, kinds) => {
    const [major = 0, minor = 0] = release.split(".").map(Number);
    const path = join(directory(), "old.o");
    const flags = ["-mcpu=v3", "-Wno-everything"];
    const compiled = compileC(`${PREFIX}${source}`, { target: "bpfel", flags, compiler: taggingClang()?.[0] ?? "" });
    if (!compiled.ok) throw new Error(compiled.error);
    writeFileSync(path, compiled.object);
    const object = parseBpfObject(compiled.object, path);
    // All that older kernels do not know is there.
    const own = new Set(object.btf === null ? [] : Array.from({ length: typeCount(object.btf) }, (_, id) => id));
    const found = new Set([...own].map((id) => (object.btf === null ? 0 : kindOf(object.btf, id))));
    for (const kind of [12, 13, 14, 15, 16, 17, 18, 19]) expect([...found]).toContain(kind);
    const plan = prepare(object, null, { features: btfFeatures(major, minor) });
    const [run] = recordLoads([path], kernelPath(KERNEL_6_1), { kinds });
    expect(run?.errno).toBe(0);
    expect(Buffer.from(plan.btf ?? []).toString("hex")).toBe(run?.btf);
  });
});

describeOracle("a weak function of a module", ["clang"], () => {
  it("is there where the module is, and left to the running kernel, which has its number", () => {
    const base = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    const modules = parseModules(
      base,
      moduleSamples().map(({ bytes, name }) => ({ bytes, source: name })),
    );
    const own = modules.segments[0]?.endId ?? 0;
    const ids = Array.from({ length: typeCount(modules) - own }, (_, i) => own + i);
    const name = nameOf(modules, ids.find((id) => kindOf(modules, id) === KIND_FUNC) ?? 0);
    const source = `extern void ${name}(void) __ksym __weak; SEC("tc") int f(void *ctx) { if (${name}) ${name}(); return 0; }`;
    const object = parseBpfObject(compile(source), "weak.o");
    const states = [base, modules].map((kernel) => prepare(object, indexCandidates(kernel)).externs[0]?.state);
    expect(states).toEqual(["absent", "needed"]);
  });
});

/** As libbpf 1.8 loads and refuses them, asked by hand; the one of Debian 12 knows no `?` in front of maps. */
describeOracle("programs of struct_ops", ["clang"], () => {
  const OPS = `struct tcp_congestion_ops { unsigned flags; void *init, *ssthresh, *not_in_this_kernel; int nor_this; };`;
  const plan = (source: string) => {
    const kernel = kernelPath(KERNEL_6_1);
    const index = indexCandidates(parseBtf(readFileSync(kernel), { source: kernel }));
    const { programs, refusals } = prepare(parseBpfObject(compile(`${OPS}${source}`), "ops.o"), index);
    const loaded = programs.filter(({ autoload }) => autoload).map(({ name, attachType }) => `${name} ${attachType}`);
    return { loaded, refusals };
  };
  const program = (name: string, section = "struct_ops") => `SEC("${section}") int ${name}(void *ctx) { return 0; }\n`;

  it.each<[string, string, string[], string[]]>([
    [
      "are loaded with their map",
      `SEC(".struct_ops.link") struct tcp_congestion_ops ops = { .init = a };`,
      ["a 16"],
      [],
    ],
    ["are not without it", `SEC("?.struct_ops") struct tcp_congestion_ops ops = { .init = a };`, [], []],
    [
      "are with one of two maps",
      `SEC("?.struct_ops.link") struct tcp_congestion_ops spare = { .init = a };
	SEC(".struct_ops") struct tcp_congestion_ops ops = { .init = a };`,
      ["a 16"],
      [],
    ],
    [
      "are refused where the kernel has no such member",
      `SEC(".struct_ops") struct tcp_congestion_ops ops = { .not_in_this_kernel = a };`,
      ["a 0"],
      ["map 'ops': the target's tcp_congestion_ops has no member 'not_in_this_kernel', which is set"],
    ],
    [
      "are refused with a value that the kernel has no member for",
      `SEC(".struct_ops") struct tcp_congestion_ops ops = { .init = a, .nor_this = 1 };`,
      ["a 16"],
      ["map 'ops': the target's tcp_congestion_ops has no member 'nor_this', which is set"],
    ],
    [
      "are refused where no map has them",
      "",
      ["a 0"],
      [`prog 'a': SEC("struct_ops") program isn't referenced anywhere`],
    ],
  ])("%s", (_, map, loaded, refusals) => {
    expect(plan(`${program("a")}${map}`)).toEqual({ loaded, refusals });
  });

  it("are loaded with their map though their section says otherwise", () => {
    const source = `${program("a", "?struct_ops")}SEC(".struct_ops") struct tcp_congestion_ops ops = { .init = a };`;
    expect(plan(source)).toEqual({ loaded: ["a 16"], refusals: [] });
    expect(plan(program("a", "?struct_ops"))).toEqual({ loaded: [], refusals: [] });
  });
});

describeOracle("an exception callback", ["clang-tags"], () => {
  it("stands behind all others of its program, with what it calls (as libbpf 1.3 and later put it)", () => {
    const source = `
__noinline int helper(int x) { return x * 5; }
__noinline int on_throw(u64 cookie) { return helper((int)cookie) + 1; }
__noinline int other(int x) { return x + 3; }
SEC("tc") __attribute__((btf_decl_tag("exception_callback:on_throw"))) int thrower(void *ctx) { return other((long)ctx); }
SEC("tc") int plain(void *ctx) { return other(2); }`;
    const compiled = compileC(`${PREFIX}${source}`, { target: "bpfel", compiler: taggingClang()?.[0] ?? "" });
    if (!compiled.ok) throw new Error(compiled.error);
    const plan = prepare(parseBpfObject(compiled.object, "exceptions.o"), null);
    const parts = plan.programs.map((program) => program.parts.map(({ name }) => name));
    expect(parts).toEqual([
      ["thrower", "other", "on_throw", "helper"],
      ["plain", "other"],
    ]);
    expect(plan.programs[0]?.functions?.words.length).toBe(8);
  });
});
