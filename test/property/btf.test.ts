import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { dumpJson } from "../../lib/btf/dump-json.ts";
import { dumpRaw } from "../../lib/btf/dump-raw.ts";
import { assembleBtf, encodeBtf } from "../../lib/btf/encode.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { INFO_KIND_FLAG_SHIFT, INFO_KIND_SHIFT, INFO_WORD, KIND_MAX, NAME_WORD } from "../../lib/btf/format.ts";
import {
  ELEMENT_NAME_WORDS,
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  TYPE_ID_WORDS,
} from "../../lib/btf/kind-table.ts";
import { layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { mapReferences } from "../../lib/btf/shift.ts";
import { orderByName, permuteTypes } from "../../lib/btf/sort.ts";
import { type Btf, kindFlagOf, kindOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { KERNEL_OF_MODULES, kernelSample, moduleSamples, THOROUGH } from "../samples.ts";
import { property } from "./property.ts";

const SEED = 20_261;
const RUNS = THOROUGH ? 200 : 80;
/** Each reads a whole kernel's module anew. */
const MODULE_RUNS = THOROUGH ? 200 : 25;
const NAMES = ["", "a", "b", "a___b", "task_struct", "long", "long unsigned int", "_", "x".repeat(70)];
const STRINGS = Buffer.from(NAMES.map((name) => `${name}\0`).join(""), "latin1");

/** A type as the format's tables describe it, before its ids are cut to the number of types. */
interface RandomType {
  readonly kind: number;
  readonly kindFlag: number;
  readonly vlen: number;
  readonly seeds: readonly number[];
}

const randomType: fc.Arbitrary<RandomType> = fc.record({
  kind: fc.integer({ min: 1, max: KIND_MAX }),
  kindFlag: fc.integer({ min: 0, max: 1 }),
  vlen: fc.integer({ min: 0, max: 5 }),
  seeds: fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 24, maxLength: 24 }),
});

/** Words of random types; every type id and name is in range, everything else is any number. */
function wordsOf(types: readonly RandomType[]): number[] {
  return types.flatMap(({ kind, kindFlag, vlen, seeds }) => {
    const fixed = FIXED_WORDS[kind] as number;
    const perElement = ELEMENT_WORDS[kind] as number;
    const words = seeds.slice(0, fixed + (perElement === 0 ? 0 : vlen * perElement));
    return words.map((seed, i) => {
      if (i === INFO_WORD) return ((kindFlag << INFO_KIND_FLAG_SHIFT) | (kind << INFO_KIND_SHIFT) | vlen) >>> 0;
      const inFixed = i < fixed;
      const bit = inFixed ? i : (i - fixed) % perElement;
      const ids = (inFixed ? TYPE_ID_WORDS : ELEMENT_TYPE_ID_WORDS)[kind] as number;
      const names = inFixed ? 1 << NAME_WORD : (ELEMENT_NAME_WORDS[kind] as number);
      if ((ids >>> bit) & 1) return seed % (types.length + 1);
      return (names >>> bit) & 1 ? seed % STRINGS.length : seed;
    });
  });
}

const randomBtf = fc
  .record({ types: fc.array(randomType, { maxLength: 30 }), littleEndian: fc.boolean(), layout: fc.boolean() })
  .map(({ types, littleEndian, layout }) => ({
    types,
    bytes: assembleBtf({
      words: Uint32Array.from(wordsOf(types)),
      strings: STRINGS,
      littleEndian,
      ...(layout ? { layout: layoutOfKnownKinds() } : {}),
    }),
  }));

/** Reads all there is to read; every loop in it must end. */
function readAll(btf: Btf): void {
  const nothing = () => {};
  dumpRaw(btf, nothing);
  dumpJson(btf, nothing);
  for (let id = 0; id < typeCount(btf); id++) {
    resolveSize(btf, id);
    allowFormatError(() => skipModifiersAndTypedefs(btf, id));
  }
  encodeBtf(btf);
}

/** True when the call succeeded; any error but FormatError goes on. */
function allowFormatError(call: () => void): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

describe("random BTF", () => {
  property(
    "is parsed into what was written, and back",
    [randomBtf],
    { seed: SEED, numRuns: THOROUGH ? 500 : RUNS },
    ({ types, bytes }) => {
      const btf = parseBtf(bytes);
      expect(typeCount(btf)).toBe(types.length + 1);
      types.forEach(({ kind, kindFlag, vlen }, i) => {
        expect([kindOf(btf, i + 1), kindFlagOf(btf, i + 1), vlenOf(btf, i + 1)]).toEqual([kind, kindFlag, vlen]);
      });
      expect([...btf.words.subarray(3)]).toEqual(wordsOf(types));
      expect(encodeBtf(btf)).toEqual(bytes);
      readAll(btf);
    },
  );

  property("survives the other byte order", [randomBtf], { seed: SEED, numRuns: RUNS }, ({ bytes }) => {
    const btf = parseBtf(bytes);
    const littleEndian = btf.segments[0]?.header.littleEndian === true;
    const swapped = parseBtf(encodeBtf(btf, { littleEndian: !littleEndian }));
    expect(swapped.words).toEqual(btf.words);
    expect(encodeBtf(swapped, { littleEndian })).toEqual(bytes);
  });

  property(
    "comes back from any other order",
    [randomBtf, fc.array(fc.nat(), { minLength: 30, maxLength: 30 })],
    { seed: SEED, numRuns: RUNS },
    ({ bytes }, keys) => {
      const btf = parseBtf(bytes);
      const order = [...orderByName(btf)].sort((a, b) => (keys[a - 1] ?? 0) - (keys[b - 1] ?? 0) || a - b);
      const inverse = order.map((_, i) => order.indexOf(i + 1) + 1);
      const permuted = parseBtf(permuteTypes(btf, order));
      order.forEach((old, i) => {
        expect(resolveSize(permuted, i + 1)).toBe(resolveSize({ ...btf, pointerSize: permuted.pointerSize }, old));
      });
      expect(permuteTypes(permuted, inverse)).toEqual(bytes);
    },
  );

  property("as modules comes back too", [randomBtf, randomBtf], { seed: SEED, numRuns: RUNS }, (one, two) => {
    const base = parseBtf(assembleBtf({ words: new Uint32Array(0), strings: new Uint8Array(1), littleEndian: true }));
    const modules = [one, two].map(({ types }, i) => ({
      source: `module ${i}`,
      bytes: assembleBtf({ words: Uint32Array.from(wordsOf(types)), strings: STRINGS, littleEndian: true }),
    }));
    const btf = parseModules(base, modules);
    modules.forEach(({ bytes }, i) => {
      expect(encodeBtf(btf, { segment: i + 1 })).toEqual(bytes);
    });
  });
});

/** What to do to a blob: overwrite bytes, one time in twelve of the header, with values that hurt. */
const BAD_BYTES = [0, 1, 0x7f, 0x80, 0xff];
interface Change {
  readonly place: number;
  readonly value: number;
  readonly where: number;
}
// Without bias: fast-check's preference for small numbers would break the magic number nearly every time.
const mutation: fc.Arbitrary<Change[]> = fc.noBias(
  fc.array(
    fc.record({
      place: fc.nat({ max: 1 << 30 }),
      value: fc.constantFrom(...BAD_BYTES),
      where: fc.nat({ max: 11 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
);
const HEADER_BYTES = 32;

describe("mutated BTF", () => {
  let module: Uint8Array;
  let small: Uint8Array;
  let base: Btf;
  beforeAll(async () => {
    base = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    module = moduleSamples()
      .map(({ bytes }) => bytes)
      .sort((a, b) => a.length - b.length)[0] as Uint8Array;
    small = firstTypes(base, 300);
  });

  function mutated(bytes: Uint8Array, changes: readonly Change[]): Uint8Array {
    // Not bytes.slice(), which shares memory when the bytes are a Buffer.
    const copy = new Uint8Array(bytes);
    for (const { place, value, where } of changes) {
      copy[place % (where === 0 ? HEADER_BYTES : copy.length)] = value;
    }
    return copy;
  }

  let refused = 0;
  let taken = 0;
  let modulesTaken = 0;
  property(
    "is read, or refused with a FormatError",
    [mutation],
    { seed: SEED, numRuns: THOROUGH ? 3000 : 1000 },
    (changes) => {
      if (allowFormatError(() => readAll(parseBtf(mutated(small, changes))))) taken++;
      else refused++;
    },
  );

  property("is read, or refused, as a module too", [mutation], { seed: SEED, numRuns: MODULE_RUNS }, (changes) => {
    modulesTaken += Number(
      allowFormatError(() => {
        const btf = parseModules(base, [
          { source: "mutated", bytes: mutated(module, changes) },
          { source: "whole", bytes: module },
        ]);
        dumpRaw(btf, () => {}, { segment: 1 });
        encodeBtf(btf, { segment: 2 });
      }),
    );
  });

  it("was both, so that both were tried", () => {
    expect(Math.min(taken, refused)).toBeGreaterThan(300);
    expect(modulesTaken).toBeGreaterThan(MODULE_RUNS / 10);
    expect(modulesTaken).toBeLessThan(MODULE_RUNS * 0.9);
  });

  it("is refused, cut off at any length", () => {
    const layout = encodeBtf(parseBtf(small), { layout: true });
    for (const whole of [small, layout]) {
      for (let length = 0; length < whole.length; length++) {
        const error = (() => {
          try {
            parseBtf(whole.subarray(0, length));
          } catch (thrown) {
            return thrown;
          }
          return undefined;
        })();
        if (!(error instanceof FormatError)) throw new Error(`${length} bytes: ${String(error)}`);
      }
    }
    expect(() => parseBtf(small)).not.toThrow();
  });
});

/** A small blob of real types: the first of a kernel's, with references beyond them set to void. */
function firstTypes(btf: Btf, count: number): Uint8Array {
  const from = btf.offsets[1] as number;
  const words = btf.words.slice(from, btf.offsets[count + 1] as number);
  const offsets = btf.offsets.slice(0, count + 2).map((at) => at - from);
  const strings: number[] = [0];
  const copyName = (offset: number): number => {
    if (offset === 0) return 0;
    strings.push(...btf.strings.subarray(offset, btf.strings.indexOf(0, offset) + 1));
    return strings.lastIndexOf(0, -2) + 1;
  };
  mapReferences(words, offsets, 1, count + 1, (id) => (id > count ? 0 : id), copyName);
  return assembleBtf({ words, strings: Uint8Array.from(strings), littleEndian: true });
}
