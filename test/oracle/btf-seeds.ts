/** Small BTFs that the kernel takes, every kind and every rule's surroundings among them: what mutants are made of. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { INT_BOOL, INT_CHAR, INT_SIGNED, KIND_DATASEC, KIND_FUNC, KIND_VAR } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { kindOf, recordOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { readBtfSections } from "../../lib/elf/btf-section.ts";
import {
  array,
  bitStruct,
  bitUnion,
  btf,
  constOf,
  datasec,
  declTag,
  enum64,
  enumOf,
  float,
  func,
  fwd,
  int,
  m,
  param,
  place,
  proto,
  ptr,
  type Row,
  restrictOf,
  struct,
  typedef,
  typeTag,
  union,
  variable,
  volatileOf,
} from "../btf/builder.ts";

const INT = int("int", 4, 32, INT_SIGNED);

/** Every kind, all of it legal, with names of every form. */
const EVERY_KIND: readonly Row[] = [
  INT, // 1
  int("long unsigned int", 8), // 2
  int("char", 1, 8, INT_CHAR), // 3
  int("_Bool", 1, 8, INT_BOOL), // 4
  int("__int128", 16, 128, INT_SIGNED), // 5
  ptr(0), // 6
  array(1, 2, 10), // 7
  struct("plain", 72, [m("a", 1, 0), m("b", 6, 64), m("c", 7, 128), m("d", 5, 448)]), // 8
  union("either", 16, [m("i", 1, 0), m("s.x", 11, 0), m("", 12, 0)]), // 9
  bitStruct("bits", 16, [m("x", 1, 0, 3), m("y", 13, 3, 5), m("z", 2, 64, 0), m("", 1, 64, 0)]), // 10
  typedef("int_t", 1), // 11
  struct("", 8, [m("only", 2, 0)]), // 12
  enumOf("colour", 4, { RED: 0, GREEN: 1, BLUE: -1 }, 1), // 13
  enum64("wide", 8, { LOW: 1n, HIGH: 1n << 40n }), // 14
  fwd("opaque"), // 15
  fwd("opaque_union", 1), // 16
  ptr(15), // 17
  constOf(3), // 18
  ptr(18), // 19
  restrictOf(19), // 20
  volatileOf(21), // 21 -> 22 below
  typedef("flag_t", 4), // 22
  proto(1, [param("a", 1), param("b", 17), param("", 0)]), // 23
  func("call", 23, 1), // 24
  ptr(23), // 25
  variable("counter", 1, 1), // 26
  variable("table", 7, 0), // 27
  datasec(".data", 64, [place(26, 0, 4), place(27, 8, 40)]), // 28
  float("double", 8), // 29
  struct("floats", 24, [m("d", 29, 64), m("ld", 31, 128)]), // 30
  float("float", 4), // 31
  declTag("user", 8, 2), // 32
  declTag("arg", 24, 1), // 33
  declTag("whole", 9), // 34
  typeTag("rcu", 8), // 35
  ptr(35), // 36
  declTag("var", 26), // 37
  declTag("alias", 11), // 38
].map((row, i): Row => (i === 20 ? volatileOf(22) : row));

/** Pointers, arrays, structs and modifiers that lead to each other in every legal way. */
const GRAPH: readonly Row[] = [
  struct("node", 24, [m("next", 2, 0), m("self", 3, 64), m("n", 8, 128)]), // 1
  ptr(1), // 2
  typedef("node_p", 4), // 3
  ptr(5), // 4
  constOf(6), // 5
  typedef("node_t", 1), // 6
  struct("outer", 128, [m("nodes", 9, 0), m("one", 6, 768), m("p", 10, 960)]), // 7
  int("int", 4), // 8
  array(6, 8, 4), // 9
  ptr(11), // 10
  volatileOf(12), // 11
  ptr(13), // 12
  constOf(14), // 13
  ptr(7), // 14
  array(16, 8, 2), // 15
  constOf(9), // 16
  ptr(18), // 17
  typedef("fn", 19), // 18
  proto(2, [param("", 15), param("cb", 17)]), // 19
  proto(0), // 20
  func("empty", 20, 0), // 21
  ptr(22), // 22 -> 23 below
  constOf(15), // 23
  variable("grid", 23), // 24
  variable("head", 25, 0), // 25 -> 26 below
  typedef("head_t", 14), // 26
  datasec(".bss", 512, [place(25, 0, 8), place(24, 256, 192)]), // 27
  bitUnion("u", 16, [m("a", 8, 0, 7), m("p", 17, 0), m("n", 6, 0)].slice(0, 2)), // 28
].map((row, i): Row => (i === 21 ? ptr(23) : i === 24 ? variable("head", 26, 0) : row));

/** Bitfields as compilers wrote them before kind_flag: INTs of odd widths and bit offsets. */
const OLD_BITFIELDS: readonly Row[] = [
  int("int", 4),
  int("unsigned int", 4, 3),
  int("unsigned int", 4, 5, 0, 3),
  struct("old", 8, [m("a", 2, 0), m("b", 2, 3), m("c", 3, 8), m("d", 1, 32)]),
  enumOf("tiny", 1, { A: 0 }),
  bitStruct("new", 8, [m("a", 1, 0, 31), m("e", 5, 31, 1), m("f", 5, 32, 0)]),
];

/** A long chain: what a limit on depth is about. */
const CHAIN: readonly Row[] = [
  int("int", 4),
  ...Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? constOf(i + 3) : volatileOf(i + 3))),
  typedef("end", 1),
  struct("s0", 4, [m("a", 35, 0)]),
  struct("top", 4, [m("a", 36, 0)]),
  struct("s1", 4, [m("a", 36, 0)]),
  ...Array.from({ length: 26 }, (_, i) => struct(`n${i}`, 4, [m("a", i + 37, 0)])),
  typedef("leaf", 1),
];

/** The seeds by name. */
export function btfSeeds(): Map<string, Uint8Array> {
  const seeds = new Map<string, Uint8Array>([
    ["every kind", btf(EVERY_KIND)],
    ["graph", btf(GRAPH)],
    ["old bitfields", btf(OLD_BITFIELDS)],
    ["chain", btf(CHAIN)],
  ]);
  const directory = join(import.meta.dirname, "../fixtures/objects");
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith(".o"))
    .sort()) {
    const { btf: bytes } = readBtfSections(readFileSync(join(directory, file)), file);
    if (bytes !== undefined) seeds.set(basename(file, ".o"), asLoaded(bytes));
  }
  return seeds;
}

/** An object's BTF with what a loader fills in before the kernel sees it: section sizes, offsets and linkage. */
function asLoaded(bytes: Uint8Array): Uint8Array {
  const view = parseBtf(bytes);
  const { words } = view;
  for (let id = 1; id < typeCount(view); id++) {
    const record = recordOf(view, id);
    const kind = kindOf(view, id);
    if (kind === KIND_FUNC && vlenOf(view, id) > 1) words[record + 1] = (KIND_FUNC << 24) | 1;
    if (kind === KIND_VAR && (words[record + 3] ?? 0) > 1) words[record + 3] = 1;
    if (kind !== KIND_DATASEC) continue;
    let end = 0;
    for (let i = 0; i < vlenOf(view, id); i++) {
      words[record + 4 + i * 3] = end;
      end += Math.max(1, words[record + 5 + i * 3] ?? 0);
    }
    words[record + 2] = Math.max(1, end);
  }
  return encodeBtf(view);
}
