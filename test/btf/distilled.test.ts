import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { relocateDistilled } from "../../lib/btf/distilled.ts";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { FormatError } from "../../lib/btf/error.ts";
import * as format from "../../lib/btf/format.ts";
import { layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { memberName, memberType } from "../../lib/btf/members.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, kindOf, targetOf, typeCount } from "../../lib/btf/view.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { KERNEL_OF_MODULES, kernelSample, moduleSamples, THOROUGH } from "../samples.ts";
import { distill, isDistilled, recordWords, referencesOf } from "./distill.ts";
import { type BlobOptions, blob, formatErrorOf, info, int, type Row } from "./records.ts";

const { KIND_ARRAY, KIND_CONST, KIND_ENUM, KIND_ENUM64, KIND_FLOAT, KIND_FWD } = format;
const { KIND_PTR, KIND_STRUCT, KIND_TYPEDEF, KIND_UNION } = format;

const struct = (name: string, size: number, kindFlag = 0): Row => [name, info(KIND_STRUCT, 0, kindFlag), size];
const union = (name: string, size: number, kindFlag = 0): Row => [name, info(KIND_UNION, 0, kindFlag), size];
const enumeration = (name: string, size: number): Row => [name, info(KIND_ENUM), size];
const enum64 = (name: string, size: number): Row => [name, info(KIND_ENUM64), size];
const fwd = (name: string, isUnion = 0): Row => [name, info(KIND_FWD, 0, isUnion), 0];
const float = (name: string, size: number): Row => [name, info(KIND_FLOAT), size];
const pointerTo = (id: number): Row => ["", info(KIND_PTR), id];

/** Puts `module` from a distilled base on a base. */
function relocate(base: readonly Row[], distilled: readonly Row[], module: readonly Row[], options: BlobOptions = {}) {
  const distilledBytes = blob(distilled, options);
  const split = blob(module, { ...options, base: parseBtf(distilledBytes) });
  const target = parseBtf(blob(base, options), { source: "kernel" });
  const bytes = relocateDistilled(split, distilledBytes, target, "m.ko");
  return { target, view: parseModules(target, [{ bytes, source: "m.ko" }]), bytes };
}

/** The base's id for the one type of a distilled base, or the reason why there is none. */
function counterpart(base: readonly Row[], wanted: Row, module: Row = pointerTo(1)): number | string {
  try {
    const { target, view } = relocate(base, [wanted], [module]);
    const own = typeCount(target);
    return kindOf(view, own) === KIND_PTR ? targetOf(view, own) : memberType(view, own, 0);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    return /has no counterpart|fits two types/.exec(message)?.[0] ?? message;
  }
}

const NONE = "has no counterpart";
const TWO = "fits two types";
const PAD = int("pad", 1);

describe("a distilled type's counterpart", () => {
  const rows: readonly (readonly [what: string, base: Row[], wanted: Row, expected: number | string])[] = [
    ["an int of its name, size and encoding", [PAD, int("x", 4)], int("x", 4), 2],
    ["an int of another size", [int("x", 8)], int("x", 4), NONE],
    ["an int of another encoding", [int("x", 4, format.INT_SIGNED)], int("x", 4), NONE],
    ["an int of another name", [int("xx", 4)], int("x", 4), NONE],
    ["two ints, one of which fits", [int("x", 8), int("x", 4)], int("x", 4), 2],
    ["two ints that fit", [int("x", 4), int("x", 4)], int("x", 4), TWO],
    ["an int for a float", [int("x", 4)], float("x", 4), NONE],
    ["a float", [PAD, float("x", 8)], float("x", 8), 2],
    ["a float of another size", [float("x", 4)], float("x", 8), NONE],
    ["an enum", [PAD, enumeration("x", 4)], enumeration("x", 4), 2],
    ["an enum of another size", [enumeration("x", 1)], enumeration("x", 4), NONE],
    ["an enum64 for an enum of its size", [PAD, enum64("x", 8)], enumeration("x", 8), 2],
    ["an int for an enum", [int("x", 4)], enumeration("x", 4), NONE],
    ["a struct", [PAD, struct("x", 8)], struct("x", 8), 2],
    ["a struct of another size, the only one of its name", [PAD, struct("x", 16)], struct("x", 8), 2],
    ["two structs, one of which has the size", [struct("x", 16), struct("x", 8)], struct("x", 8), 2],
    ["a struct and a union, one of which has the size", [union("x", 8), struct("x", 16)], struct("x", 16), 2],
    ["two structs of another size", [struct("x", 16), struct("x", 24)], struct("x", 8), NONE],
    ["two structs that fit", [struct("x", 8), struct("x", 8)], struct("x", 8), TWO],
    ["a union", [PAD, union("x", 8)], union("x", 4), 2],
    ["a forward declaration for a struct", [PAD, fwd("x")], struct("x", 8), 2],
    ["a struct and a forward declaration", [struct("x", 8), fwd("x")], struct("x", 8), TWO],
    ["a forward declaration", [PAD, fwd("x")], fwd("x"), 2],
    ["a forward declaration of a union", [PAD, fwd("x", 1)], fwd("x", 1), 2],
    ["a forward declaration of the other", [fwd("x", 1)], fwd("x"), NONE],
    ["a struct for a forward declaration", [PAD, struct("x", 8)], fwd("x"), 2],
    ["a struct with bitfields for a forward declaration", [struct("x", 8, 1)], fwd("x"), NONE],
    ["a union without bitfields for a forward declaration", [union("x", 8)], fwd("x"), NONE],
    ["a union with bitfields for a forward declaration", [PAD, union("x", 8, 1)], fwd("x"), 2],
    ["one of two structs for a forward declaration", [struct("x", 8), struct("x", 4)], fwd("x"), NONE],
    ["a typedef", [int("y", 4), ["x", info(KIND_TYPEDEF), 1]], struct("x", 8), NONE],
  ];
  it.each(rows)("%s", (_what, base, wanted, expected) => {
    expect(counterpart(base, wanted)).toBe(expected);
  });

  const embedding = (type: number): Row => ["own", info(KIND_STRUCT, 1), 8, "m", type, 0];
  it.each([
    ["of the same size", 8, 2],
    ["of another size", 16, NONE],
  ])("a struct %s that the module has by value", (_what, size, expected) => {
    expect(counterpart([PAD, struct("x", size)], struct("x", 8), embedding(1))).toBe(expected);
  });

  it.each<[string, Row[]]>([
    ["an array and a modifier", [embedding(3), ["", info(KIND_ARRAY), 0, 4, 4, 2], ["", info(KIND_CONST), 1]]],
    ["a typedef", [embedding(3), ["t", info(KIND_TYPEDEF), 1]]],
  ])("is by value through %s", (_what, rows) => {
    const attempt = (size: number) => relocate([PAD, struct("x", size)], [struct("x", 8)], rows);
    expect(typeCount(attempt(8).view)).toBe(3 + rows.length);
    expect(formatErrorOf(() => attempt(16))).toMatchObject({
      code: "missing-base",
      typeId: 1,
      source: "m.ko .BTF.base",
    });
  });

  it("is found soon behind a long chain that many members have", () => {
    const length = 50_000;
    const chain = Array.from({ length }, (_, i): Row => ["", info(KIND_CONST), i === length - 1 ? 1 : i + 4]);
    const members = Array.from({ length }, () => ["", 3, 0]).flat();
    const rows: Row[] = [["own", info(KIND_STRUCT, length), 8, ...members], ...chain];
    const start = cpuMilliseconds();
    expect(formatErrorOf(() => relocate([struct("x", 16)], [struct("x", 8)], rows)).code).toBe("missing-base");
    expect(cpuMilliseconds() - start).toBeLessThan(2_000);
  });

  it("is not by value behind a pointer", () => {
    expect(typeCount(relocate([PAD, struct("x", 16)], [struct("x", 8)], [embedding(3), pointerTo(1)]).view)).toBe(5);
  });
});

describe("the module on the base", () => {
  const BASE = [PAD, int("int", 4), struct("task", 64), int("char", 1)];
  const DISTILLED = [struct("task", 64), int("int", 4)];
  const own = (shared: number): Row => ["own", info(KIND_STRUCT, 2), 16, "next", 4, 0, shared, 2, 64];

  it.each([true, false])("has ids, names and byte order of the base (little endian: %s)", (littleEndian) => {
    // The second member's name is that of a distilled type, at offset 1.
    const { target, view, bytes } = relocate(BASE, DISTILLED, [own(1), pointerTo(1), pointerTo(3)], { littleEndian });
    expect(typeCount(view)).toBe(8);
    expect([nameOf(view, 5), targetOf(view, 6), targetOf(view, 7)]).toEqual(["own", 3, 5]);
    expect([memberType(view, 5, 0), memberType(view, 5, 1)]).toEqual([6, 2]);
    expect([0, 1].map((i) => stringAt(view.strings, memberName(view, 5, i)))).toEqual(["next", "task"]);
    expect(memberName(view, 5, 1)).toBeLessThan(target.strings.length);
    expect(encodeBtf(view, { segment: 1 })).toEqual(bytes);
    expect(view.segments[1]?.header.littleEndian).toBe(littleEndian);
  });

  it("keeps its layout section", () => {
    const { view } = relocate(BASE, DISTILLED, [own(1), pointerTo(1)], { layout: layoutOfKnownKinds() });
    expect(view.segments[1]?.layout).toEqual(layoutOfKnownKinds());
  });

  it("does not mind other modules behind the base", () => {
    const target = parseBtf(blob(BASE), { source: "kernel" });
    const other = blob([struct("task", 64), struct("more", 1)], { base: target });
    const both = parseModules(target, [{ bytes: other, source: "other" }]);
    const distilled = blob(DISTILLED);
    const split = blob([pointerTo(1)], { base: parseBtf(distilled) });
    expect(relocateDistilled(split, distilled, both)).toEqual(relocateDistilled(split, distilled, target));
  });

  it("is refused when something is broken", () => {
    const rows: readonly (readonly [string, string, Row[], Row[], BlobOptions])[] = [
      ["bad-record", "STRUCT in a distilled base has no name", [struct("", 8)], [], {}],
      ["bad-record", "PTR in a distilled base does not belong there", [pointerTo(0)], [], {}],
      ["bad-record", "ENUM64 in a distilled base does not belong there", [enum64("x", 8)], [], {}],
      ["bad-name-offset", "no type there has it", DISTILLED, [[2, info(KIND_TYPEDEF), 1]], {}],
      ["bad-type-id", "refers to type id 9", DISTILLED, [pointerTo(9)], {}],
      ["missing-base", "STRUCT gone of 8 bytes has no counterpart in kernel", [struct("gone", 8)], [], {}],
      [
        "type-loop",
        "lead back",
        DISTILLED,
        [
          ["s", info(KIND_STRUCT, 1), 8, "m", 4, 0],
          ["", info(KIND_CONST), 4],
        ],
        {},
      ],
    ];
    for (const [code, message, distilled, module, options] of rows) {
      const error = formatErrorOf(() => relocate(BASE, distilled, module, options));
      expect(error).toMatchObject({ code, source: expect.stringMatching(/^m\.ko/) });
      expect(error.message).toContain(message);
    }
    const target = parseBtf(blob(BASE, { littleEndian: false }));
    const distilled = blob(DISTILLED);
    const split = blob([pointerTo(1)], { base: parseBtf(distilled) });
    expect(formatErrorOf(() => relocateDistilled(split, distilled, target)).code).toBe("bad-magic");
    expect(formatErrorOf(() => relocateDistilled(split.subarray(0, 30), distilled, target)).code).toBe("bad-magic");
    const little = parseBtf(blob(BASE));
    expect(formatErrorOf(() => relocateDistilled(split.subarray(0, 30), distilled, little)).code).toBe("truncated");
  });

  it("is refused with a kind nobody knows, whose references cannot be moved", () => {
    const layout = new Uint8Array((format.KIND_MAX + 2) * 4);
    layout.set(layoutOfKnownKinds());
    const unknown: Row = ["x", info(format.KIND_MAX + 1), 0];
    const error = formatErrorOf(() => relocate(BASE, DISTILLED, [unknown], { layout }));
    expect(error).toMatchObject({ code: "unknown-kind", typeId: 3, source: "m.ko" });
  });
});

/**
 * What a type is, without the ids of types that a distilled split has copies of: own types by number, distilled kinds
 * by the base's id, others by their contents.
 */
function shaper(view: Btf, ownCount: number): (id: number) => string {
  const start = view.segments[1]?.startId ?? 0;
  const done = new Map<number, string>();
  const reference = (id: number): string => {
    if (id >= start && id < start + ownCount) return `own${id - start}`;
    if (id < start && (id === 0 || isDistilled(view, id))) return `base${id}`;
    return done.get(id) ?? contents(id);
  };
  const contents = (id: number): string => {
    done.set(id, "again");
    const words: (number | string)[] = [...recordWords(view, id)];
    const { ids, names } = referencesOf(view, id);
    for (const at of names) words[at] = JSON.stringify(stringAt(view.strings, Number(words[at])));
    for (const at of ids) words[at] = reference(Number(words[at]));
    const text = `(${words.join(" ")})`;
    done.set(id, text);
    return text;
  };
  return contents;
}

describe("real modules", () => {
  it("are the same split on the kernel, and distilled and put back on it", { timeout: 60_000 }, async () => {
    const kernel = kernelSample(KERNEL_OF_MODULES);
    const base = parseBtf(kernel.bytes, { source: kernel.name });
    const modules = moduleSamples();
    expect(modules.length).toBeGreaterThan(5);
    for (const { name, bytes } of modules) {
      const direct = parseModules(base, [{ bytes, source: name }]);
      const distilled = distill(direct);
      expect(distilled.base.length).toBeLessThan(10_000);
      const relocated = relocateDistilled(distilled.split, distilled.base, base, name);
      const view = parseModules(base, [{ bytes: relocated, source: name }]);
      const own = typeCount(direct) - typeCount(base);
      expect(typeCount(view)).toBeGreaterThan(typeCount(base) + own);
      const [expected, actual] = [shaper(direct, own), shaper(view, own)];
      for (let id = typeCount(base); id < typeCount(direct); id++) {
        if (actual(id) !== expected(id)) expect.fail(`${name}: type ${id}: ${actual(id)}, expected ${expected(id)}`);
      }
    }
  });
});

describe("modules distilled by libbpf", () => {
  const golden = (name: string) => readFileSync(new URL(`../golden/distilled/${name}`, import.meta.url));
  const digests: Record<string, string> = JSON.parse(golden("relocated.json").toString());
  it.each(Object.entries(digests))("%s is put on the kernel byte for byte as libbpf does", async (name, digest) => {
    const base = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    const bytes = relocateDistilled(golden(`${name}.split.btf`), golden(`${name}.base.btf`), base, name);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(digest);
  });
});

describe("a broken module or distilled base", () => {
  const RUNS = THOROUGH ? 3000 : 1000;
  it("is put on the base or refused", () => {
    const base = [PAD, int("int", 4), struct("task", 64), enumeration("mode", 4)];
    const target = parseBtf(blob(base));
    const distilled = blob([struct("task", 64), int("int", 4), enumeration("mode", 4)]);
    const module: Row[] = [["own", info(KIND_STRUCT, 2), 72, "a", 1, 0, "b", 6, 512], pointerTo(4), pointerTo(3)];
    const split = blob(module, { base: parseBtf(distilled) });
    const tally = { done: 0, refused: 0 };
    const changes = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.integer({ min: 0, max: 8 }), fc.nat(255))), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, changes, (inSplit, inDistilled) => {
        const broken = [split.slice(), distilled.slice()] as const;
        for (const [at, value] of inSplit) broken[0][at % split.length] = value;
        for (const [at, value] of inDistilled) broken[1][at % distilled.length] = value;
        try {
          const bytes = relocateDistilled(broken[0], broken[1], target);
          // What is put on the base is whole.
          expect(parseModules(target, [{ bytes, source: "m" }]).segments).toHaveLength(2);
          tally.done++;
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          tally.refused++;
        }
      }),
      { numRuns: RUNS, seed: 611 },
    );
    expect(tally.done).toBeGreaterThan(RUNS / 30);
    expect(tally.refused).toBeGreaterThan(RUNS / 30);
  });
});
