/** Input made to take for ever, or for another's memory: everything ends in seconds, and says something true. */
import { beforeAll, describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import {
  array,
  btf,
  enumOf,
  func,
  int,
  m,
  param,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  typeTag,
  union,
} from "../btf/builder.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { type BtfSeed, breakBtf } from "../fuzz/btf-mutator.ts";
import { caseCount, randomOfCase } from "../fuzz/random.ts";
import { kernelSeeds } from "../fuzz/seeds.ts";
import { eachCase } from "../fuzz/subject.ts";
import { THOROUGH } from "../samples.ts";

const MANY = 50_000;
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const INT = int("int", 4);

interface Case {
  readonly name: string;
  readonly old: () => readonly Row[];
  readonly new: () => readonly Row[];
  /** Types that differ. */
  readonly differ: number;
}

/** Pointers to one another in a circle, with something else at the end of a tail that leads into it. */
const circle = (length: number, tail: string): Row[] => [
  ...many(length, (i) => ptr(((i + 1) % length) + 1)),
  typedef("into", 1),
  typedef(tail, 1),
];

const CASES: readonly Case[] = [
  {
    name: "a chain of 50,000 pointers",
    old: () => [...many(MANY, (i) => ptr(i)), typedef("end", MANY)],
    new: () => [...many(MANY, (i) => ptr(i)), typedef("end", MANY - 1)],
    differ: 1,
  },
  {
    name: "the same chain, written from its other end",
    old: () => [...many(MANY, (i) => ptr(i)), typedef("end", MANY)],
    new: () => [...many(MANY, (i) => ptr(i === MANY - 1 ? 0 : i + 2)), typedef("end", 1)],
    differ: 0,
  },
  { name: "circles of pointers", old: () => circle(MANY, "t"), new: () => circle(3, "t"), differ: 0 },
  {
    name: "a circle with a type tag in it",
    old: () => [ptr(2), typeTag("a", 1), typedef("t", 1)],
    new: () => [ptr(2), typeTag("b", 1), typedef("t", 1)],
    differ: 1,
  },
  {
    name: "a struct without a name that has itself as a member",
    old: () => [struct("", 8, [m("x", 1, 0)]), typedef("t", 1)],
    new: () => [struct("", 8, [m("y", 1, 0)]), typedef("t", 1)],
    differ: 1,
  },
  {
    name: "anonymous structs of anonymous structs, each twice, forty deep",
    old: () => [
      INT,
      ...many(40, (i) => union("", 4, [m("", i + 1, 0), m("", i + 1, 0)])),
      struct("s", 4, [m("", 41, 0)]),
    ],
    new: () => [
      INT,
      ...many(40, (i) => union("", 4, [m("", i + 1, 0), m("", i + 1, 0)])),
      struct("s", 8, [m("", 41, 0)]),
    ],
    differ: 1,
  },
  {
    name: "50,000 different structs of one name on each side",
    old: () => [INT, ...many(MANY, (i) => struct("s", 4, [m(`a${i}`, 1, 0)]))],
    new: () => [INT, ...many(MANY, (i) => struct("s", 4, [m(`b${i}`, 1, 0)]))],
    differ: 2 * MANY,
  },
  {
    name: "50,000 members of one name",
    old: () => [
      INT,
      struct(
        "s",
        4,
        many(MANY, () => m("a", 1, 0)),
      ),
    ],
    new: () => [
      INT,
      struct(
        "s",
        4,
        many(MANY, () => m("a", 1, 32)),
      ),
    ],
    differ: 1,
  },
  {
    name: "50,000 members that went and came at one place",
    old: () => [
      INT,
      union(
        "u",
        4,
        many(MANY, (i) => m(`a${i}`, 1, 0)),
      ),
    ],
    new: () => [
      INT,
      union(
        "u",
        4,
        many(MANY, (i) => m(`b${i}`, 1, 0)),
      ),
    ],
    differ: 1,
  },
  {
    name: "50,000 enumerators, all of another value",
    old: () => [enumOf("e", 4, Object.fromEntries(many(MANY, (i) => [`a${i}`, i])))],
    new: () => [enumOf("e", 4, Object.fromEntries(many(MANY, (i) => [`a${i}`, i + 1])))],
    differ: 1,
  },
  {
    name: "10,000 functions that share a prototype of a thousand parameters",
    old: () => [INT],
    new: () => [
      INT,
      proto(
        1,
        many(1000, (i) => param(`parameter${i}`, 1)),
      ),
      ...many(10_000, (i) => func(`f${i}`, 2)),
    ],
    differ: 10_000,
  },
  {
    name: "arrays of arrays of arrays",
    old: () => [INT, ...many(MANY, (i) => array(i + 1, 1, 2)), typedef("t", MANY + 1)],
    new: () => [INT, ...many(MANY, (i) => array(i + 1, 1, 3)), typedef("t", MANY + 1)],
    differ: 1,
  },
  { name: "nothing and nothing", old: () => [], new: () => [], differ: 0 },
  {
    name: "nothing in common",
    old: () => many(MANY, (i) => struct(`a${i}`, 4)),
    new: () => many(MANY, (i) => struct(`b${i}`, 4)),
    differ: 2 * MANY,
  },
];

/** Generous: other work may have the processor. */
const LIMIT_MS = 20_000;

describe("a diff of hostile BTF", () => {
  it.each(CASES)("ends: $name", { timeout: 4 * LIMIT_MS }, ({ old, new: next, differ }) => {
    const [a, b] = [parseBtf(btf(old())), parseBtf(btf(next()))];
    const start = cpuMilliseconds();
    expect(diffTypes(a, b, { reached: true }).types.length).toBe(differ);
    expect(diffTypes(b, a).types.length).toBe(differ);
    expect(diffTypes(a, a).types.length).toBe(0);
    expect(cpuMilliseconds() - start).toBeLessThan(3 * LIMIT_MS);
  });

  it("ends: names that begin inside one another", { timeout: 4 * LIMIT_MS }, () => {
    // As many names as a string of a megabyte has characters, all compared with those of the other side.
    const strings = Buffer.from(`\0${"n".repeat(1 << 20)}\0`);
    const rows = many(MANY, (i): Row => [i + 1, 4 << 24, 0]);
    const [a, b] = [parseBtf(btf(rows, { strings })), parseBtf(btf([...rows].reverse(), { strings }))];
    // What a diff says has the names in full, so nothing may differ here.
    expect(diffTypes(a, b).types).toEqual([]);
  });

  it("ends: a million types, many of which changed", { timeout: 10 * LIMIT_MS }, () => {
    const share = THOROUGH ? 1 : 10;
    const million = (bytes: number) =>
      parseBtf(
        btf([
          INT,
          ...many(1_000_000, (i) => struct(`s${i}`, i % share === 0 ? bytes : 4, i % 2 === 0 ? [m("x", 1, 0)] : [])),
        ]),
      );
    const [a, b] = [million(4), million(8)];
    const start = cpuMilliseconds();
    expect(diffTypes(a, b).types.length).toBe(1_000_000 / share);
    expect(cpuMilliseconds() - start).toBeLessThan(6 * LIMIT_MS);
  });
});

describe("a diff of broken BTF", () => {
  let kernel: BtfSeed;
  let small: BtfSeed;
  beforeAll(async () => {
    ({ kernel, small } = await kernelSeeds());
  });

  it("of small blobs is made or refused", { timeout: 3_600_000 }, () => {
    const tally = eachCase(caseCount(1_500), 500, (index) => {
      const { bytes, done } = breakBtf(small, randomOfCase(index));
      return [
        done,
        () => {
          const broken = parseBtf(bytes, { source: "broken" });
          const { types } = diffTypes(small.btf, broken, { reached: true, bodies: true });
          expect(diffTypes(broken, small.btf).types.length).toBe(types.length);
          expect(diffTypes(broken, broken).types).toEqual([]);
        },
      ];
    });
    expect(tally.done).toBeGreaterThan(tally.refused / 4);
    expect(tally.refused).toBeGreaterThan(0);
  });

  it("of a whole kernel is made or refused", { timeout: 3_600_000 }, () => {
    const tally = eachCase(caseCount(10, 0.1), 10_000, (index) => {
      const { bytes, done } = breakBtf(kernel, randomOfCase(index));
      return [done, () => void diffTypes(kernel.btf, parseBtf(bytes), { reached: true })];
    });
    expect(tally.done).toBeGreaterThan(0);
  });
});
