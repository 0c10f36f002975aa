/** What assembly/ makes of two BTFs, held against the same said plainly. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { ELEMENT_NAME_WORDS, ELEMENT_WORDS, FIXED_WORDS } from "../../lib/btf/kind-table.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type Btf, kindOf, recordOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { numberTypes } from "../../lib/diff/numbering.ts";
import {
  array,
  btf,
  declTag,
  enum64,
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
} from "../btf/builder.ts";
import { property } from "../property/property.ts";

const INT = int("int", 4);
const MEMBERS = 40;

/** A struct whose members' names begin anywhere in the strings, also inside each other. */
function withNamesAt(text: string, places: readonly number[]): Btf {
  const names = text.split("\0").filter((name) => name !== "");
  const view = parseBtf(
    btf([
      INT,
      struct(
        "s",
        4,
        [...names.keys()].map((i) => m(names[i] ?? "", 1, 0)),
      ),
    ]),
  );
  const first = recordOf(view, 2) + 3;
  places.forEach((place, i) => {
    if (i < vlenOf(view, 2)) view.words[first + i * 3] = place % view.strings.length;
  });
  return view;
}

/** Word indexes of all names of a side. */
function namePlaces(view: Btf): number[] {
  const places: number[] = [];
  for (let id = 1; id < typeCount(view); id++) {
    const at = recordOf(view, id);
    const kind = kindOf(view, id);
    places.push(at);
    if (ELEMENT_NAME_WORDS[kind] === 0) continue;
    for (let i = 0; i < vlenOf(view, id); i++) {
      places.push(at + (FIXED_WORDS[kind] as number) + i * (ELEMENT_WORDS[kind] as number));
    }
  }
  return places;
}

describe("names", () => {
  const text = fc
    .array(fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 30 }), {
      minLength: 1,
      maxLength: MEMBERS,
    })
    .map((names) => names.join("\0"));
  const side = fc.tuple(text, fc.array(fc.nat(), { maxLength: MEMBERS }));

  property("have the same number exactly where they are the same", [side, side], { seed: 47, numRuns: 300 }, (a, b) => {
    const views = [withNamesAt(...a), withNamesAt(...b)] as const;
    const before = views.map(({ words }) => words.slice());
    const { sides } = numberTypes(...views);
    const numberOf = new Map<string, number>();
    const textOf = new Map<number, string>([[0, ""]]);
    views.forEach((view, i) => {
      for (const place of namePlaces(view)) {
        const name = [...view.strings.subarray(view.words[place], view.strings.indexOf(0, view.words[place]))].join();
        const number = sides[i]?.records[place] as number;
        expect(numberOf.get(name) ?? number).toBe(number);
        expect(textOf.get(number) ?? name).toBe(name);
        numberOf.set(name, number);
        textOf.set(number, name);
      }
    });
    expect(views.map(({ words }) => words)).toEqual(before);
  });
});

/** Of 2 ** PAIRS of them, each is another choice of which pairs of words, or of chunks of eight bytes, are changed. */
const PAIRS = 13;
/** A bit that is the highest of what is multiplied changes that of the product only, whatever is multiplied. */
const HIGHEST = 0x80;

/** Names each of whose pairs of chunks is one of two. In `made` ones, a chunk makes up for what the other one changes. */
function chosenNames(made: boolean): Btf {
  const length = PAIRS * 16;
  const names = Array.from({ length: 2 ** PAIRS }, (_, i) => i.toString().padEnd(length, "x"));
  const view = parseBtf(btf([INT, ...names.map((name) => struct(name, 0, []))]));
  for (const [i] of names.entries()) {
    const at = view.words[recordOf(view, i + 2)] as number;
    view.strings.fill(0x41, at, at + length);
    for (let pair = 0; pair < PAIRS; pair++) {
      if ((i & (1 << pair)) === 0) continue;
      for (const byte of made ? [15, 7, 3] : [15]) view.strings[at + pair * 16 + byte] = 0x41 ^ HIGHEST;
    }
  }
  return view;
}

/** The same of values of enums, a word that follows another. */
function chosenValues(made: boolean): Btf {
  const change = (1n << 31n) | (made ? (1n << 63n) | (1n << 48n) : 0n);
  const values = (i: number) =>
    Array.from({ length: PAIRS }, (_, pair) => [`v${pair}`, (i & (1 << pair)) === 0 ? 0n : change] as const);
  return parseBtf(btf(Array.from({ length: 2 ** PAIRS }, (_, i) => enum64("", 8, Object.fromEntries(values(i))))));
}

describe("hashes", () => {
  it.each([
    ["names", chosenNames],
    ["sequences", chosenValues],
  ] as const)("cannot be made to be the same: of %s", (_, chosen) => {
    const none = parseBtf(btf([INT]));
    const milliseconds = (view: Btf) => {
      const start = performance.now();
      numberTypes(view, none);
      return performance.now() - start;
    };
    const [any, made] = [chosen(false), chosen(true)];
    milliseconds(any);
    // Hundreds of times as long, if each is compared with all.
    expect(milliseconds(made)).toBeLessThan(20 * milliseconds(any) + 50);
  });
});

describe("reference classes", () => {
  const rows: readonly Row[] = [
    INT,
    ptr(1),
    ptr(2),
    array(1, 1, 4),
    struct("s", 4, [m("a", 1, 0)]),
    ptr(5),
    proto(1, [param("x", 6)]),
    func("f", 7),
    struct("", 4, [m("a", 1, 0)]),
    typedef("t", 9),
    enumOf("", 4, { A: 1 }),
    declTag("note", 5),
  ];
  const old = parseBtf(btf(rows));

  it("are the same for what says the same, wherever it stands", () => {
    const swapped = parseBtf(
      btf([
        struct("s", 8, [m("a", 2, 0), m("b", 2, 32)]),
        INT,
        ptr(1),
        array(2, 2, 4),
        enumOf("", 4, { A: 1 }),
        proto(2, [param("x", 3)]),
      ]),
    );
    const [a, b] = numberTypes(old, swapped).sides;
    const same = [
      [1, 2],
      [4, 4],
      [5, 1],
      [6, 3],
      [7, 6],
      [11, 5],
    ] as const;
    for (const [x, y] of same) expect(a.references[x], `${x} and ${y}`).toBe(b.references[y]);
    const classes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((id) => a.references[id]);
    expect(new Set(classes).size).toBe(classes.length);
    expect(a.references[12]).toBe(0);
  });

  it("leave what differs to the body: its class is unequal", () => {
    const grown = parseBtf(btf(rows.map((row, i) => (i === 4 ? struct("s", 8, [m("a", 1, 0), m("b", 1, 32)]) : row))));
    const { sides, unequal } = numberTypes(old, grown);
    expect([...unequal]).toEqual([sides[0].references[5]]);
    expect(sides[0].references[5]).toBe(sides[1].references[5]);
    expect(sides[0].references[5]).toBeLessThan(sides[0].last.length);
    expect(sides[0].bodies[5]).not.toBe(sides[1].bodies[5]);
  });

  it("say which types nothing refers to", () => {
    const [side] = numberTypes(old, old).sides;
    const alone = [...side.referenced.keys()].filter((id) => id > 0 && side.referenced[id] === 0);
    expect(alone).toEqual([3, 4, 8, 10, 11, 12]);
  });
});

describe("memory", () => {
  const empty = parseBtf(btf([INT]));

  // Nothing is written to any of it, so that no machine has to have it.
  it.each<[string, () => Partial<Btf>, () => Partial<Btf>]>([
    ["records", () => ({ words: new Uint32Array(2 ** 28) }), () => ({})],
    ["strings of both", () => ({ strings: new Uint8Array(2 ** 29) }), () => ({ strings: new Uint8Array(2 ** 29) })],
    ["what is made of very many types", () => ({ offsets: new Uint32Array(2 ** 28) }), () => ({})],
  ])("that does not suffice is said: %s", (_, old, next) => {
    const seen = thrown(() => numberTypes({ ...empty, ...old(), source: "huge.btf" }, { ...empty, ...next() }));
    expect(seen).toBeInstanceOf(FormatError);
    expect(seen).toMatchObject({ code: "too-large" });
    expect(String(seen)).toMatch(
      /huge\.btf: BTF types: too large to be compared: \d+ and \d+ bytes .* 4 GiB of memory$/,
    );
  });
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
