/** Headers of real BTF: clang compiles them, and its own BTF has the same sizes, places and values for every named type. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { DumpSelection } from "../../lib/btf/dump-select.ts";
import { INT_BOOL } from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { type Btf, segmentOf, sizeOf } from "../../lib/btf/view.ts";
import { dumpC } from "../../lib/c/header.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import type { Change, DiffKind } from "../../lib/diff/change.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { runJob } from "../../lib/job/job.ts";
import {
  array,
  bitStruct,
  btf as blobOf,
  enumOf,
  int,
  m,
  param,
  proto,
  ptr,
  struct,
  typedef,
  union,
} from "../btf/builder.ts";
import {
  KERNEL_6_1,
  KERNEL_BIG_ENDIAN,
  KERNEL_OF_MODULES,
  KERNELS_TO_ASK,
  kernelSample,
  moduleSamples,
  THOROUGH,
} from "../samples.ts";
import { type Comparison, compareTypes, compiledBtf, type NamedType, namedTypes, parts, uses } from "./c-header.ts";
import { assertions, namedComposites, spelled } from "./c-layout.ts";
import { compileC } from "./clang.ts";
import { describeOracle } from "./requirements.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
const FIXTURES_BIG_ENDIAN = join(import.meta.dirname, "../fixtures/objects-be");
/** All warnings of -Wall but none for GNU's zero-length arrays and the like, which the kernel has; values of 32 bits. */
const FLAGS = ["-O0", "-Wall", "-Werror"];
/** clang has a va_list of its own, so the kernel's bears another name. */
const VA_LIST = /^(__builtin_)?va_list/;

function headerOf(btf: Btf, selection: DumpSelection = {}): string {
  const chunks: Buffer[] = [];
  dumpC(btf, (chunk) => chunks.push(Buffer.from(chunk)), selection);
  return Buffer.concat(chunks).toString("latin1");
}

/** What btfgen's own diff says of sizes, places and values, as `struct NAME: what`. */
function ownDiff(btf: Btf, compiled: Btf): string[] {
  const isLayout = (change: Change): boolean => {
    // Names that clash get another, and clang before 16 knows 32 bits.
    if (change.what === "enumerator") return change.status === "revalued" && (change.old?.value ?? 0n) >> 32n === 0n;
    if (change.what !== "member") return change.what === "size";
    const isGap = change.status === "added" && change.new?.path.startsWith("__btfgen_gap") === true;
    return !isGap && (change.status !== "changed" || change.how.some((how) => how !== "retyped"));
  };
  // A header has no variables: the compiled sections are those of the code that makes clang keep the types.
  const accepts = (kind: DiffKind): boolean => kind !== "datasec";
  const changed = diffTypes(btf, compiled, { accepts }).types.filter(({ status }) => status === "changed");
  return changed.flatMap(({ kind, name, changes }) =>
    changes.filter(isLayout).map(({ what }) => `${kind} ${name}: ${what}`),
  );
}

interface Compared extends Comparison {
  readonly own: readonly string[];
}

/** Compiles a header with all types in use, in parts, and compares. */
function compared(btf: Btf, header: string, types: readonly NamedType[], target: string, count: number): Compared {
  const all = namedTypes(btf);
  const results = parts(types, count).map((part): Compared => {
    const result = compileC(`${header}\n${uses(part)}`, { target, flags: FLAGS });
    if (!result.ok) throw new Error(result.error.slice(0, 4000));
    const compiled = compiledBtf(result.object, 8);
    return { ...compareTypes(btf, part, compiled, { low32: true, all }), own: ownDiff(btf, compiled) };
  });
  const sum = (of: (result: Comparison) => number): number => results.reduce((total, result) => total + of(result), 0);
  const every = (of: (result: Compared) => readonly string[]): string[] =>
    results.flatMap(of).filter((text) => !VA_LIST.test(text));
  return {
    types: sum(({ types }) => types),
    members: sum(({ members }) => members),
    bitfields: sum(({ bitfields }) => bitfields),
    enumerators: sum(({ enumerators }) => enumerators),
    missing: every(({ missing }) => missing),
    differences: every(({ differences }) => differences),
    retyped: every(({ retyped }) => retyped),
    own: every(({ own }) => own),
  };
}

const SAME = { missing: [], differences: [], retyped: [], own: [] };
const targetOf = (kernel: string): string => (kernel === KERNEL_BIG_ENDIAN ? "bpfeb" : "bpfel");

describeOracle("a kernel's header", ["clang"], () => {
  // A tenth of the types unless thorough; the header that they are compiled with is whole.
  it.each(KERNELS_TO_ASK)(
    "of %s compiles to the same types",
    async (kernel) => {
      const btf = parseBtf(kernelSample(kernel).bytes);
      const types = namedTypes(btf).filter((_, i) => THOROUGH || i % 10 === 0);
      const result = compared(btf, headerOf(btf), types, targetOf(kernel), THOROUGH ? 12 : 2);
      expect(result).toMatchObject(SAME);
      expect(result.types).toBe(types.length);
      expect(result.members).toBeGreaterThan(THOROUGH ? 40_000 : 3000);
      expect(result.bitfields).toBeGreaterThan(THOROUGH ? 1000 : 100);
      expect(result.enumerators).toBeGreaterThan(THOROUGH ? 7000 : 500);
    },
    600_000,
  );

  it("of a few types has what lies in them, and tags for the rest", async () => {
    const btf = parseBtf(kernelSample(KERNEL_6_1).bytes);
    const names = ["task_struct", "sk_buff", "bpf_map", "net_device", "acpi_*"];
    const header = headerOf(btf, { names });
    const defined = new Set(
      header
        .split("\n")
        .filter((line) => line.endsWith(" {"))
        .map((line) => line.slice(0, -2)),
    );
    const there = namedTypes(btf).filter(({ name }) => defined.has(name));
    expect(there.length).toBeGreaterThan(300);
    expect(there.length).toBeLessThan(3000);
    expect(compared(btf, header, there, "bpf", 1)).toMatchObject(SAME);
  }, 120_000);
});

describeOracle("a module's header", ["clang"], () => {
  it("has the module's types and those of the base that they need", async () => {
    const base = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    const modules = moduleSamples();
    expect(modules.length).toBeGreaterThan(2);
    for (const { name, bytes } of THOROUGH ? modules : modules.slice(0, 3)) {
      const btf = parseModules(base, [{ source: name, bytes }]);
      const header = headerOf(btf);
      const inBase = new Set(namedTypes(base).map((type) => type.name));
      const own = namedTypes(btf).filter(
        ({ id, name: type }) => segmentOf(btf, id) === 1 && !inBase.has(type.replace(/___\d+$/, "")),
      );
      expect(own.length, name).toBeGreaterThan(5);
      const { missing, differences, retyped, own: diff } = compared(btf, header, own, "bpf", 1);
      // Only the header knows which of the base's namesakes it needs, so `___2` may be another's there.
      const others = retyped.filter((text) => !/___\d/.test(text));
      expect({ missing, differences, retyped: others, own: diff }, name).toEqual(SAME);
    }
  }, 300_000);
});

const objectsOf = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".o") && name !== "no_btf.o")
    .map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));

describeOracle("an object's header", ["clang"], () => {
  it.each(
    [
      ...objectsOf(FIXTURES).map((object) => ({ ...object, target: "bpfel" })),
      ...objectsOf(FIXTURES_BIG_ENDIAN).map((object) => ({ ...object, target: "bpfeb" })),
    ].filter((_, i) => THOROUGH || i % 4 === 0),
  )("$name, $target", ({ name, bytes, target }) => {
    const section = btfSectionsOf(openElf(bytes, name)).btf;
    if (section === undefined) throw new Error(`${name} has no BTF`);
    const btf = parseBtf(section, { source: name, pointerSize: 8 });
    const types = namedTypes(btf);
    expect(compared(btf, headerOf(btf), types, target, 1)).toMatchObject({ ...SAME, retyped: expect.anything() });
  });
});

describeOracle("a header with names that C23 has taken", ["clang"], () => {
  const btf = parseBtf(
    blobOf([
      int("_Bool", 1, 8, 4),
      typedef("bool", 1),
      enumOf("", 4, { false: 0, true: 1 }),
      struct("s", 3, [m("bool", 2, 0), m("true", 2, 8), m("nullptr", 2, 16)]),
      ptr(6),
      proto(0, [param("constexpr", 2)]),
      struct("t", 8, [m("alignas", 5, 0)]),
    ]),
    { pointerSize: 8 },
  );

  it.each(["gnu17", "gnu2x"])("compiles as %s", (standard) => {
    const types = namedTypes(btf);
    const result = compileC(`${headerOf(btf)}\n${uses(types)}`, {
      target: "bpf",
      flags: [`-std=${standard}`, ...FLAGS],
    });
    expect(result).toMatchObject({ ok: true });
    if (!result.ok || standard !== "gnu17") return;
    expect(compareTypes(btf, types, compiledBtf(result.object, 8))).toMatchObject({
      missing: [],
      differences: [],
      retyped: [],
    });
  });
});

describeOracle("a minimized BTF's header", ["clang"], () => {
  it.each(
    KERNELS_TO_ASK.flatMap((kernel) => (["offsets", "explicit"] as const).map((padding) => [kernel, padding] as const)),
  )(
    "of %s, padding %s",
    async (kernel, padding) => {
      const { bytes } = kernelSample(kernel);
      const objects = objectsOf(kernel === KERNEL_BIG_ENDIAN ? FIXTURES_BIG_ENDIAN : FIXTURES);
      const parsed = objects.map((object) => parseBpfObject(object.bytes, object.name));
      const small = parseBtf(runJob({ base: { bytes, source: kernel } }, parsed, { padding }).blobs[0].bytes, {
        pointerSize: 8,
      });
      const types = namedTypes(small);
      expect(types.length).toBeGreaterThan(20);
      expect(compared(small, headerOf(small), types, targetOf(kernel), 1)).toMatchObject({
        missing: [],
        differences: [],
      });
    },
    120_000,
  );
});

describeOracle("a made BTF's header", ["clang"], () => {
  it("keeps what lies behind a member without a name that begins at 16", () => {
    const btf = parseBtf(
      blobOf([
        int("long int", 8, 64, 1),
        struct("", 8, [m("x", 1, 0)]),
        struct("s", 32, [m("a", 1, 0), m("", 2, 128), m("c", 1, 192)]),
        struct("far", 80, [m("a", 1, 0), m("", 2, 512), m("c", 1, 576)]),
      ]),
    );
    expect(compared(btf, headerOf(btf), namedTypes(btf), "bpf", 1)).toMatchObject(SAME);
  });

  it("has a last array where no member before it has a name", () => {
    const btf = parseBtf(
      blobOf([
        int("char", 1, 8, 1),
        array(1, 1, 0),
        struct("", 0),
        union("", 4),
        struct("", 4, [m("", 4, 0)]),
        struct("", 4, [m("n", 1, 0)]),
        struct("", 4, [m("", 6, 0)]),
        struct("behind_struct", 4, [m("", 3, 0), m("d", 2, 32)]),
        struct("behind_union", 4, [m("", 4, 0), m("d", 2, 32)]),
        struct("behind_both", 4, [m("", 5, 0), m("d", 2, 32)]),
        struct("behind_name", 4, [m("", 7, 0), m("d", 2, 32)]),
      ]),
    );
    expect(compared(btf, headerOf(btf), namedTypes(btf), "bpf", 1)).toMatchObject(SAME);
  });

  it("keeps sizes where members are left out", () => {
    const btf = parseBtf(
      blobOf([
        int("char", 1, 8, 1),
        int("long int", 8, 64, 1),
        array(1, 2, 9),
        struct("overlapping", 16, [m("c", 3, 0), m("a", 2, 64)]),
        struct("overlapped", 24, [m("c", 3, 0), m("a", 2, 64), m("b", 2, 128)]),
        struct("late", 8, [m("c", 1, 0), m("a", 2, 64)]),
        struct("bare", 16, [m("c", 1, 0), m("", 2, 64)]),
        bitStruct("bits", 8, [m("c", 1, 0, 8), m("", 2, 8, 56)]),
        bitStruct("bits_behind", 8, [m("c", 1, 0), m("", 2, 8, 3)]),
        union("bare_union", 8, [m("c", 1, 0), m("", 2, 0)]),
        union("late_union", 16, [m("c", 1, 0), m("a", 2, 64)]),
        struct("around", 64, [m("c", 1, 0), m("o", 4, 64), m("b", 9, 192), m("u", 10, 256), m("l", 11, 320)]),
        struct("unaligned", 34, [m("c", 1, 0), m("o", 4, 8), m("b", 9, 136), m("u", 10, 200)]),
        int("u24", 3),
        bitStruct("odd_bits", 4, [m("a", 14, 0, 5), m("b", 14, 5, 3)]),
        int("_Bool", 1, 8, INT_BOOL),
        bitStruct("wide_bits", 4, [m("a", 16, 0, 2), m("b", 16, 2, 1)]),
      ]),
    );
    const sizes = [...namedComposites(btf)].map(
      ([name, id]) => `_Static_assert(sizeof(${spelled(btf, id)}) == ${sizeOf(btf, id)}, "${name}");`,
    );
    expect(compileC(`${headerOf(btf)}\n${sizes.join("\n")}\n`, { target: "bpf", flags: FLAGS })).toMatchObject({
      ok: true,
    });
    const whole = namedTypes(btf).filter(({ name }) => / (around|unaligned)$/.test(name));
    expect(compared(btf, headerOf(btf), whole, "bpf", 1)).toMatchObject({ missing: [], differences: [], retyped: [] });
  });
});

describeOracle("a 32-bit kernel's header", ["clang"], () => {
  it("has the same places where pointers and long have four bytes", () => {
    const bytes = blobOf([
      int("long unsigned int", 4),
      int("long long int", 8, 64, 1),
      int("char", 1, 8, 1),
      ptr(5),
      struct("s", 40, [m("p", 4, 0), m("l", 1, 32), m("c", 3, 64), m("q", 2, 128), m("u", 6, 192), m("z", 1, 288)]),
      union("", 8, [m("a", 2, 0), m("b", 3, 0)]),
      bitStruct("bits", 8, [m("a", 1, 0, 3), m("b", 1, 5, 27), m("c", 1, 40, 9)]),
      struct("odd", 9, [m("c", 3, 0), m("l", 1, 8), m("p", 4, 40)]),
    ]);
    const btf = parseBtf(bytes);
    expect(btf.pointerSize).toBe(4);
    const text = `${headerOf(btf)}\n${assertions(btf)}\n`;
    const flags = ["-DBPF_NO_PRESERVE_ACCESS_INDEX", ...FLAGS];
    expect(compileC(text, { target: "armv7-linux-gnueabi", flags })).toMatchObject({ ok: true });
    // On BPF itself pointers have eight bytes, which assertions must notice.
    expect(compileC(text, { target: "bpf", flags }).ok).toBe(false);
  });
});
