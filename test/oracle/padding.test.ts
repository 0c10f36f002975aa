/** Explicit padding: the small BTF printed as C by bpftool and compiled by clang has the same sizes and offsets. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { memberName } from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, kindOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { type JobOptions, runJob } from "../../lib/job/job.ts";
import { minimize } from "../../lib/minimize/minimize.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_NAMES, KERNELS_TO_ASK, kernelSample } from "../samples.ts";
import { dumpC, withFile } from "./bpftool.ts";
import { assertions, namedComposites, placesOf, spelled } from "./c-layout.ts";
import { compileC } from "./clang.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { describeOracle } from "./requirements.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
// Structs inside structs without a name of their own are Microsoft's C; recent kernels are compiled so.
const FLAGS = ["-DBPF_NO_PRESERVE_ACCESS_INDEX", "-fms-extensions", "-Wno-everything", "-O0"];

const fixtures = (): BpfObject[] =>
  readdirSync(FIXTURES)
    .filter((name) => name.endsWith(".o"))
    .map((name) => parseBpfObject(readFileSync(join(FIXTURES, name)), name));
const tools = (): BpfObject[] =>
  libbpfToolsExecutables()
    .flatMap((path) => findBpfObjects(readFileSync(path), path))
    .map(({ bytes, name }) => parseBpfObject(bytes, name));

async function minimized(kernel: string, objects: BpfObject[], options: JobOptions): Promise<Uint8Array> {
  const { bytes } = kernelSample(kernel);
  const result = runJob({ base: { bytes, source: kernel } }, objects, { ...options, padding: "explicit" });
  expect(result.proof.differences.map(({ full, small }) => [full, small])).toEqual([]);
  expect(result.proof.malformed).toEqual([]);
  return result.blobs[0].bytes;
}

/** The printed types and assertions about them, as clang has them: the object, or an Error with what clang says. */
function compiled(bytes: Uint8Array, small: Btf, target: string): Uint8Array {
  const printed = withFile(bytes, (path) => dumpC(path));
  if (!printed.ok) throw new Error(printed.error);
  const result = compileC(`${printed.value}\n${assertions(small)}\n`, { target, flags: FLAGS });
  if (!result.ok) throw new Error(result.error.slice(0, 4000));
  return result.object;
}

/** All members, bitfields too, as the compiler's BTF has them against ours. */
function expectSamePlaces(small: Btf, object: Uint8Array): number {
  const section = btfSectionsOf(openElf(object, "compiled")).btf;
  if (section === undefined) throw new Error("clang made no BTF");
  const theirs = parseBtf(section, { source: "compiled", pointerSize: 8 });
  const idByName = new Map<string, number>();
  for (let id = 1; id < typeCount(theirs); id++) {
    if (isComposite(kindOf(theirs, id))) idByName.set(nameOf(theirs, id), id);
  }
  let bitfields = 0;
  for (const [name, id] of namedComposites(small)) {
    const other = idByName.get(name);
    expect(other, spelled(small, id)).toBeDefined();
    const ours = placesOf(small, id);
    expect(placesOf(theirs, other as number), spelled(small, id)).toEqual(ours);
    bitfields += ours.filter(({ width }) => width > 0).length;
  }
  return bitfields;
}

describeOracle("explicit padding in C", ["bpftool", "clang"], () => {
  it.each(KERNELS_TO_ASK)("of the fixtures' types of %s", async (kernel) => {
    const bytes = await minimized(kernel, fixtures(), {});
    const small = parseBtf(bytes);
    if (kernel !== KERNEL_BIG_ENDIAN) compiled(bytes, small, "x86_64");
    const object = compiled(bytes, small, kernel === KERNEL_BIG_ENDIAN ? "bpfeb" : "bpfel");
    expect(namedComposites(small).size).toBeGreaterThan(20);
    expect(expectSamePlaces(small, object)).toBeGreaterThan(5);
  });

  it.each([
    ["names and attach targets", { keepNames: true, keepAttachTargets: true }],
    ["whole structs for user space", { keep: ["task_struct.*", "sk_buff.*", "sock.*", "rq.*", "net_device.*"] }],
    [
      "nested members, unions and flexible arrays",
      {
        keep: [
          "page.*",
          "kmem_cache.*",
          "tcphdr.*",
          "iphdr.*",
          "struct bpf_insn.*",
          "bpf_array.*",
          "perf_event_attr.*",
        ],
      },
    ],
  ] as [string, JobOptions][])("with %s", async (_, options) => {
    const bytes = await minimized(KERNEL_6_1, fixtures(), options);
    const small = parseBtf(bytes);
    compiled(bytes, small, "x86_64");
    expectSamePlaces(small, compiled(bytes, small, "bpfel"));
  });
});

/** Members of every struct and union of a kernel at random: all of a fifth, some of half, nothing of the rest. */
function randomKeeps(kernel: Btf, seed: number): string[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  return [...namedComposites(kernel).values()].flatMap((id) => {
    const share = random();
    const type = spelled(kernel, id);
    // A packed union, on which bpftool writes no `packed`: see padding.ts.
    if (type.includes(" acpi_resource")) return [];
    if (share < 0.2) return [`${type}.*`];
    if (share > 0.7) return [];
    const names = Array.from({ length: vlenOf(kernel, id) }, (_, i) =>
      stringAt(kernel.strings, memberName(kernel, id, i)),
    );
    return names.filter((name) => name !== "" && random() < 0.3).map((name) => `${type}.${name}`);
  });
}

describeOracle("explicit padding in C, all structs of a kernel", ["bpftool", "clang"], () => {
  // A kernel without enums of one byte, whose size bpftool 7.1 does not write.
  it.each([1, 2])(
    "members at random, seed %i",
    async (seed) => {
      const kernel = parseBtf(kernelSample(KERNEL_6_1).bytes);
      const keep = randomKeeps(kernel, seed);
      const { blobs, keepProblems } = minimize(kernel, [], { keep, padding: "explicit" });
      expect(keepProblems).toEqual([]);
      const small = parseBtf(blobs[0].bytes);
      expect(namedComposites(small).size).toBeGreaterThan(3000);
      expect(expectSamePlaces(small, compiled(blobs[0].bytes, small, "bpfel"))).toBeGreaterThan(400);
    },
    60_000,
  );
});

describeOracle("explicit padding in C, libbpf-tools", ["bpftool", "clang", "libbpf-tools"], () => {
  it.each([KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_NAMES.at(-1) as string])("on %s", async (kernel) => {
    const bytes = await minimized(kernel, tools(), {});
    const small = parseBtf(bytes);
    const object = compiled(bytes, small, kernel === KERNEL_BIG_ENDIAN ? "bpfeb" : "bpfel");
    expect(namedComposites(small).size).toBeGreaterThan(20);
    expectSamePlaces(small, object);
  });
});
