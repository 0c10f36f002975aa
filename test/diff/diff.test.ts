import { describe, expect, it } from "vitest";
import { INT_BOOL, INT_SIGNED } from "../../lib/btf/format.ts";
import {
  array,
  bitStruct,
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
  struct,
  typedef,
  typeTag,
  union,
  variable,
  volatileOf,
} from "../btf/builder.ts";
import { diffRows, mirrored, outline, sortedByText } from "./outline.ts";

const INT = int("int", 4, 32, INT_SIGNED);
const U64 = int("u64", 8);

interface Case {
  readonly name: string;
  readonly old: readonly Row[];
  readonly new: readonly Row[];
  /** Old to new. */
  readonly there: readonly string[];
  /** New to old. */
  readonly back: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "a struct that came",
    old: [INT],
    new: [INT, struct("s", 4, [m("x", 1, 0)])],
    there: ["+struct s"],
    back: ["-struct s"],
  },
  {
    name: "a member at the end",
    old: [INT, struct("s", 4, [m("x", 1, 0)])],
    new: [INT, struct("s", 8, [m("x", 1, 0), m("y", 1, 32)])],
    there: ["struct s: size 4 -> 8, +int y@32"],
    back: ["struct s: size 8 -> 4, -int y@32"],
  },
  {
    name: "a member in the middle, which moves the rest",
    old: [INT, struct("s", 8, [m("x", 1, 0), m("z", 1, 32)])],
    new: [INT, struct("s", 12, [m("x", 1, 0), m("y", 1, 32), m("z", 1, 64)])],
    there: ["struct s: size 8 -> 12, +int y@32, int z@32 moved int z@64"],
    back: ["struct s: size 12 -> 8, -int y@32, int z@64 moved int z@32"],
  },
  {
    name: "a member of another type",
    old: [INT, U64, struct("s", 8, [m("x", 1, 0)])],
    new: [INT, U64, struct("s", 8, [m("x", 2, 0)])],
    there: ["struct s: int x@0 retyped u64 x@0"],
    back: ["struct s: u64 x@0 retyped int x@0"],
  },
  {
    name: "a member of another name at its place",
    old: [INT, struct("s", 12, [m("a", 1, 0), m("x", 1, 32), m("b", 1, 64)])],
    new: [INT, struct("s", 12, [m("a", 1, 0), m("y", 1, 32), m("b", 1, 64)])],
    there: ["struct s: int x@32 renamed int y@32"],
    back: ["struct s: int y@32 renamed int x@32"],
  },
  {
    name: "a member that went while the next ones moved up, which is no new name",
    old: [INT, struct("s", 12, [m("a", 1, 0), m("gone", 1, 32), m("b", 1, 64)])],
    new: [INT, struct("s", 12, [m("came", 1, 0), m("a", 1, 32), m("new", 1, 64)])],
    there: ["struct s: +int came@0, int a@0 moved int a@32, -int gone@32, -int b@64, +int new@64"],
    back: ["struct s: -int came@0, int a@32 moved int a@0, -int new@64, +int gone@32, +int b@64"],
  },
  {
    name: "two members at one place of one type, of which nobody knows which is which",
    old: [INT, union("u", 4, [m("a", 1, 0), m("b", 1, 0)])],
    new: [INT, union("u", 4, [m("c", 1, 0), m("d", 1, 0)])],
    there: ["union u: -int a@0, -int b@0, +int c@0, +int d@0"],
    back: ["union u: -int c@0, -int d@0, +int a@0, +int b@0"],
  },
  {
    name: "a bitfield's width, and a member that becomes one",
    old: [INT, bitStruct("s", 8, [m("x", 1, 0, 3), m("y", 1, 32)])],
    new: [INT, bitStruct("s", 8, [m("x", 1, 0, 5), m("y", 1, 32, 7)])],
    there: ["struct s: int x:3@0 bitfield int x:5@0, int y@32 bitfield int y:7@32"],
    back: ["struct s: int x:5@0 bitfield int x:3@0, int y:7@32 bitfield int y@32"],
  },
  {
    name: "a member that is now in a union without a name",
    old: [INT, U64, struct("s", 8, [m("x", 1, 0)])],
    new: [INT, U64, struct("s", 8, [m("", 4, 0)]), union("", 8, [m("x", 1, 0), m("y", 2, 0)])],
    there: ["struct s: int x@0 regrouped int x@0 in union, +u64 y@0 in union"],
    back: ["struct s: int x@0 in union regrouped int x@0, -u64 y@0 in union"],
  },
  {
    name: "a member of a member of an anonymous type, in an array of these",
    old: [INT, struct("s", 8, [m("in", 3, 0)]), array(4, 1, 2), struct("", 4, [m("x", 1, 0)])],
    new: [INT, struct("s", 16, [m("in", 3, 0)]), array(4, 1, 2), struct("", 8, [m("x", 1, 0), m("y", 1, 32)])],
    there: ["struct s: size 8 -> 16, struct {...}[2] in@0 resized struct {...}[2] in@0, +int in[].y@32"],
    back: ["struct s: size 16 -> 8, struct {...}[2] in@0 resized struct {...}[2] in@0, -int in[].y@32"],
  },
  {
    name: "a named struct as a member without a name, which is where its own members are",
    old: [INT, struct("in", 4, [m("x", 1, 0)]), struct("s", 8, [m("x", 1, 0), m("z", 1, 32)])],
    new: [INT, struct("in", 4, [m("x", 1, 0)]), struct("s", 8, [m("", 2, 0), m("z", 1, 32)])],
    there: ["struct s: int x@0 regrouped int x@0 in struct"],
    back: ["struct s: int x@0 in struct regrouped int x@0"],
  },
  {
    name: "a struct without a name that gets one, and stays a member without a name",
    old: [INT, struct("", 4, [m("x", 1, 0)]), struct("s", 8, [m("", 2, 0), m("z", 1, 32)])],
    new: [INT, struct("in", 4, [m("x", 1, 0)]), struct("s", 8, [m("", 2, 0), m("z", 1, 32)])],
    there: ["+struct in", "struct s: order"],
    back: ["-struct in", "struct s: order"],
  },
  {
    name: "a named struct that both have as a member without a name, and which grows",
    old: [INT, struct("in", 4, [m("x", 1, 0)]), struct("s", 8, [m("", 2, 0), m("z", 1, 32)])],
    new: [INT, struct("in", 8, [m("x", 1, 0), m("y", 1, 32)]), struct("s", 12, [m("", 2, 0), m("z", 1, 64)])],
    there: [
      "struct in: size 4 -> 8, +int y@32",
      "struct s (consequence): size 8 -> 12, struct in struct in@0 resized struct in struct in@0, int z@32 moved int z@64",
    ],
    back: [
      "struct in: size 8 -> 4, -int y@32",
      "struct s (consequence): size 12 -> 8, struct in struct in@0 resized struct in struct in@0, int z@64 moved int z@32",
    ],
  },
  {
    name: "what grows because of what is in it",
    old: [INT, struct("a", 4, [m("x", 1, 0)]), struct("b", 8, [m("a", 2, 0), m("z", 1, 32)])],
    new: [INT, struct("a", 8, [m("x", 1, 0), m("y", 1, 32)]), struct("b", 12, [m("a", 2, 0), m("z", 1, 64)])],
    there: [
      "struct a: size 4 -> 8, +int y@32",
      "struct b (consequence): size 8 -> 12, struct a a@0 resized struct a a@0, int z@32 moved int z@64",
    ],
    back: [
      "struct a: size 8 -> 4, -int y@32",
      "struct b (consequence): size 12 -> 8, struct a a@0 resized struct a a@0, int z@64 moved int z@32",
    ],
  },
  {
    name: "what only points to something that changed",
    old: [INT, struct("a", 4, [m("x", 1, 0)]), ptr(2), struct("b", 8, [m("a", 3, 0)])],
    new: [INT, struct("a", 8, [m("x", 1, 0), m("y", 1, 32)]), ptr(2), struct("b", 8, [m("a", 3, 0)])],
    there: ["struct a: size 4 -> 8, +int y@32"],
    back: ["struct a: size 8 -> 4, -int y@32"],
  },
  {
    name: "a forward declaration that got its struct, and a pointer to it that stays as it is",
    old: [fwd("s"), ptr(1), typedef("t", 2)],
    new: [struct("s", 0, []), ptr(1), typedef("t", 2)],
    there: ["struct s: definition declared -> defined"],
    back: ["struct s: definition defined -> declared"],
  },
  {
    name: "a forward declaration of a union",
    old: [fwd("u", 1)],
    new: [fwd("u", 0)],
    there: ["+struct u", "-union u"],
    back: ["-struct u", "+union u"],
  },
  {
    name: "a forward declaration beside its struct",
    old: [fwd("s"), struct("s", 0, [])],
    new: [struct("s", 0, [])],
    there: [],
    back: [],
  },
  {
    name: "enumerators",
    old: [enumOf("e", 4, { A: 0, B: 1, C: 2, OLD: 9 })],
    new: [enumOf("e", 4, { A: 0, B: 2, D: 3, NEW: 9 })],
    there: ["enum e: B=1 revalued B=2, C=2 removed, added D=3, OLD=9 renamed NEW=9"],
    back: ["enum e: B=2 revalued B=1, D=3 removed, added C=2, NEW=9 renamed OLD=9"],
  },
  {
    name: "an enum that gets 64 bits and a sign",
    old: [enumOf("e", 4, { A: 1 })],
    new: [enum64("e", 8, { A: 1n, B: -1n }, 1)],
    there: ["enum e: size 4 -> 8, signedness unsigned -> signed, added B=-1"],
    back: ["enum e: size 8 -> 4, signedness signed -> unsigned, B=-1 removed"],
  },
  {
    name: "a sign alone, where the bits stay",
    old: [enumOf("e", 4, { A: -1 }, 0)],
    new: [enumOf("e", 4, { A: -1 }, 1)],
    there: ["enum e: signedness unsigned -> signed"],
    back: ["enum e: signedness signed -> unsigned"],
  },
  {
    name: "an enum of 32 and one of 64 bits that say the same",
    old: [enumOf("e", 8, { A: 1 })],
    new: [enum64("e", 8, { A: 1n })],
    there: [],
    back: [],
  },
  {
    name: "an anonymous enum that nothing refers to, by what it names",
    old: [enumOf("", 4, { A: 0, B: 1 }), enumOf("", 4, { X: 0 })],
    new: [enumOf("", 4, { Y: 0 }), enumOf("", 4, { A: 0, B: 1, C: 2 })],
    there: ["+enum ", "enum : added C=2", "-enum "],
    back: ["+enum ", "enum : C=2 removed", "-enum "],
  },
  {
    name: "what a typedef stands for",
    old: [INT, U64, typedef("t", 1)],
    new: [INT, U64, typedef("t", 2)],
    there: ["typedef t: target int -> u64"],
    back: ["typedef t: target u64 -> int"],
  },
  {
    name: "a typedef of an anonymous struct",
    old: [INT, typedef("t", 3), struct("", 4, [m("x", 1, 0)])],
    new: [INT, typedef("t", 3), struct("", 8, [m("x", 1, 0), m("y", 1, 32)])],
    there: ["typedef t: size 4 -> 8, +int y@32"],
    back: ["typedef t: size 8 -> 4, -int y@32"],
  },
  {
    name: "a typedef of an anonymous enum",
    old: [typedef("t", 2), enumOf("", 4, { A: 0 })],
    new: [typedef("t", 2), enumOf("", 4, { A: 1 })],
    there: ["typedef t: A=0 revalued A=1"],
    back: ["typedef t: A=1 revalued A=0"],
  },
  {
    name: "a function's parameters",
    old: [INT, U64, proto(1, [param("a", 1), param("b", 1), param("c", 1)]), func("f", 3)],
    new: [INT, U64, proto(2, [param("a", 2), param("c", 1), param("d", 2)]), func("f", 3)],
    there: ["func f: returns int -> u64, int a retyped u64 a, int b removed, added u64 d"],
    back: ["func f: returns u64 -> int, u64 a retyped int a, u64 d removed, added int b"],
  },
  {
    name: "a parameter's name, and two that changed places",
    old: [INT, U64, proto(0, [param("a", 1), param("b", 2), param("c", 1)]), func("f", 3)],
    new: [INT, U64, proto(0, [param("b", 2), param("a", 1), param("d", 1)]), func("f", 3)],
    there: ["func f: int a moved int a, u64 b moved u64 b, int c renamed int d"],
    back: ["func f: u64 b moved u64 b, int a moved int a, int d renamed int c"],
  },
  {
    name: "a variable number of arguments",
    old: [INT, proto(1, [param("a", 1)]), func("f", 2)],
    new: [INT, proto(1, [param("a", 1), param("", 0)]), func("f", 2)],
    there: ["func f: added ... "],
    back: ["func f: ...  removed"],
  },
  {
    name: "a function's linkage",
    old: [proto(0), func("f", 1, 0)],
    new: [proto(0), func("f", 1, 1)],
    there: ["func f: linkage static -> global"],
    back: ["func f: linkage global -> static"],
  },
  {
    name: "a callback's parameters, in the member that has it",
    old: [INT, proto(1, [param("", 1)]), ptr(2), struct("ops", 8, [m("call", 3, 0)])],
    new: [INT, proto(1, [param("", 1), param("", 1)]), ptr(2), struct("ops", 8, [m("call", 3, 0)])],
    there: ["struct ops: int (*)(int) call@0 retyped int (*)(int, int) call@0"],
    back: ["struct ops: int (*)(int, int) call@0 retyped int (*)(int) call@0"],
  },
  {
    name: "an anonymous struct behind a pointer, written out",
    old: [INT, struct("", 4, [m("x", 1, 0)]), ptr(2), struct("s", 8, [m("p", 3, 0)])],
    new: [INT, struct("", 4, [m("y", 1, 0)]), ptr(2), struct("s", 8, [m("p", 3, 0)])],
    there: ["struct s: struct { int x; } * p@0 retyped struct { int y; } * p@0"],
    back: ["struct s: struct { int y; } * p@0 retyped struct { int x; } * p@0"],
  },
  {
    name: "a variable's type and place",
    old: [INT, U64, variable("v", 1), datasec(".data", 8, [place(3, 0, 4)])],
    new: [INT, U64, variable("v", 2), datasec(".data", 16, [place(3, 8, 8)])],
    there: [
      'var v: type int -> u64, place {"section":".data","offset":0,"size":4} -> {"section":".data","offset":8,"size":8}',
      "datasec .data: size 8 -> 16",
    ],
    back: [
      'var v: type u64 -> int, place {"section":".data","offset":8,"size":8} -> {"section":".data","offset":0,"size":4}',
      "datasec .data: size 16 -> 8",
    ],
  },
  {
    name: "an integer's size and sign, which is no change of what has it",
    old: [int("n", 4, 32, INT_SIGNED), typedef("t", 1)],
    new: [int("n", 8, 64), typedef("t", 1)],
    there: ["int n: size 4 -> 8, encoding signed -> unsigned"],
    back: ["int n: size 8 -> 4, encoding unsigned -> signed"],
  },
  {
    name: "a boolean, and a float",
    old: [int("b", 1, 8), float("f", 4)],
    new: [int("b", 1, 8, INT_BOOL), float("f", 8)],
    there: ["int b: encoding unsigned -> unsigned bool", "float f: size 4 -> 8"],
    back: ["int b: encoding unsigned bool -> unsigned", "float f: size 8 -> 4"],
  },
  {
    name: "qualifiers and type tags",
    old: [INT, ptr(1), struct("s", 16, [m("p", 2, 0), m("q", 2, 64)])],
    new: [INT, constOf(1), ptr(2), typeTag("user", 1), ptr(4), struct("s", 16, [m("p", 3, 0), m("q", 5, 64)])],
    there: ["struct s: int * p@0 retyped const int * p@0, int * q@64 retyped int __user * q@64"],
    back: ["struct s: const int * p@0 retyped int * p@0, int __user * q@64 retyped int * q@64"],
  },
  {
    name: "the same qualifiers nested in another order, as gcc and clang have them",
    old: [INT, constOf(1), volatileOf(2), struct("s", 4, [m("x", 3, 0)])],
    new: [INT, volatileOf(1), constOf(2), struct("s", 4, [m("x", 3, 0)])],
    there: [],
    back: [],
  },
  {
    name: "one qualifier more, and another one",
    old: [INT, constOf(1), volatileOf(2), struct("s", 8, [m("x", 3, 0), m("y", 2, 32)])],
    new: [INT, constOf(1), volatileOf(1), struct("s", 8, [m("x", 2, 0), m("y", 3, 32)])],
    there: ["struct s: volatile const int x@0 retyped const int x@0, const int y@32 retyped volatile int y@32"],
    back: ["struct s: const int x@0 retyped volatile const int x@0, volatile int y@32 retyped const int y@32"],
  },
  {
    name: "declaration tags, on a function, a parameter and a member that moved in the order",
    old: [INT, proto(1, [param("a", 1)]), func("f", 2), struct("s", 4, [m("x", 1, 0)]), declTag("t", 4, 0)],
    new: [
      INT,
      proto(1, [param("a", 1)]),
      func("f", 2),
      struct("s", 8, [m("w", 1, 32), m("x", 1, 0)]),
      declTag("t", 4, 1),
      declTag("kfunc", 3),
      declTag("arg", 3, 0),
    ],
    there: ["struct s: size 4 -> 8, +int w@32", "func f: tag kfunc added, tag arg on a added"],
    back: ["struct s: size 8 -> 4, -int w@32", "func f: tag kfunc removed, tag arg on a removed"],
  },
  {
    name: "an array's length",
    old: [INT, array(1, 1, 4), struct("s", 32, [m("a", 2, 0)])],
    new: [INT, array(1, 1, 8), struct("s", 32, [m("a", 2, 0)])],
    there: ["struct s: int[4] a@0 retyped int[8] a@0"],
    back: ["struct s: int[8] a@0 retyped int[4] a@0"],
  },
  {
    name: "an array's index type, which C does not have",
    old: [INT, U64, array(1, 1, 4), struct("s", 32, [m("a", 3, 0)])],
    new: [INT, U64, array(1, 2, 4), struct("s", 32, [m("a", 3, 0)])],
    there: [],
    back: [],
  },
  {
    name: "a union's members in another order",
    old: [INT, U64, union("u", 8, [m("a", 1, 0), m("b", 2, 0)])],
    new: [INT, U64, union("u", 8, [m("b", 2, 0), m("a", 1, 0)])],
    there: ["union u: order"],
    back: ["union u: order"],
  },
  {
    name: "a struct that became a union",
    old: [INT, struct("x", 4, [m("a", 1, 0)])],
    new: [INT, union("x", 4, [m("a", 1, 0)])],
    there: ["-struct x", "+union x"],
    back: ["+struct x", "-union x"],
  },
  {
    name: "several of one name, each with the one that is most like it",
    old: [INT, U64, struct("s", 8, [m("a", 1, 0), m("b", 1, 32)]), struct("s", 8, [m("x", 2, 0)])],
    new: [
      INT,
      U64,
      struct("s", 16, [m("x", 2, 0), m("y", 2, 64)]),
      struct("s", 12, [m("a", 1, 0), m("b", 1, 32), m("c", 1, 64)]),
    ],
    there: ["struct s: size 8 -> 16, +u64 y@64", "struct s: size 8 -> 12, +int c@64"],
    back: ["struct s: size 12 -> 8, -int c@64", "struct s: size 16 -> 8, -u64 y@64"],
  },
  {
    name: "one of several of one name that went",
    old: [INT, U64, struct("s", 4, [m("a", 1, 0)]), struct("s", 8, [m("x", 2, 0)])],
    new: [INT, U64, struct("s", 8, [m("x", 2, 0)])],
    there: ["-struct s"],
    back: ["+struct s"],
  },
  {
    name: "the same definition twice",
    old: [INT, struct("s", 4, [m("a", 1, 0)]), struct("s", 4, [m("a", 1, 0)])],
    new: [INT, struct("s", 4, [m("a", 1, 0)])],
    there: [],
    back: [],
  },
  {
    name: "an empty kernel",
    old: [],
    new: [INT, proto(1), func("f", 2)],
    there: ["+func f", "+int int"],
    back: ["-func f", "-int int"],
  },
  {
    name: "an enum of 64 bits that was written in 32",
    old: [enumOf("e", 8, { MAX: -1 })],
    new: [enum64("e", 8, { MAX: -1n })],
    there: ["enum e: MAX=4294967295 revalued MAX=18446744073709551615"],
    back: ["enum e: MAX=18446744073709551615 revalued MAX=4294967295"],
  },
  {
    name: "an enum without enumerators",
    old: [enumOf("sized", 0, {}), enumOf("signed", 4, {})],
    new: [enumOf("sized", 4, {}), enumOf("signed", 4, {}, 1)],
    there: ["enum signed: signedness unsigned -> signed", "enum sized: size 0 -> 4"],
    back: ["enum signed: signedness signed -> unsigned", "enum sized: size 4 -> 0"],
  },
  {
    name: "a qualifier of a member without a name, which Clang does not write",
    old: [INT, struct("", 4, [m("x", 1, 0)]), constOf(2), struct("s", 4, [m("", 3, 0)])],
    new: [INT, struct("", 4, [m("x", 1, 0)]), volatileOf(2), struct("s", 4, [m("", 3, 0)])],
    there: [],
    back: [],
  },
  {
    name: "a qualifier of a function type, which is no difference",
    old: [INT, proto(1), ptr(2), struct("s", 8, [m("f", 3, 0)])],
    new: [INT, proto(1), volatileOf(2), ptr(3), struct("s", 8, [m("f", 4, 0)])],
    there: [],
    back: [],
  },
  {
    name: "a body without a name behind a pointer, of the same words",
    old: [INT, struct("in", 4, [m("x", 1, 0)]), struct("", 8, [m("in", 2, 0), m("y", 1, 32)]), ptr(3), typedef("t", 4)],
    new: [
      INT,
      struct("in", 8, [m("x", 1, 0)]),
      struct("", 12, [m("in", 2, 0), m("y", 1, 64)]),
      ptr(3),
      typedef("t", 4),
    ],
    there: [
      "struct in: size 4 -> 8",
      "typedef t: target struct { struct in in at 0; int y at 4; } of 8 bytes * -> struct { struct in in at 0; int y at 8; } of 12 bytes *",
    ],
    back: [
      "struct in: size 8 -> 4",
      "typedef t: target struct { struct in in at 0; int y at 8; } of 12 bytes * -> struct { struct in in at 0; int y at 4; } of 8 bytes *",
    ],
  },
  {
    name: "bitfields without a name around them behind a pointer",
    old: [INT, bitStruct("", 4, [m("a", 1, 0, 3)]), ptr(2), struct("s", 8, [m("p", 3, 0)])],
    new: [INT, bitStruct("", 4, [m("a", 1, 0, 4)]), ptr(2), struct("s", 8, [m("p", 3, 0)])],
    there: ["struct s: struct { int a: 3; } * p@0 retyped struct { int a: 4; } * p@0"],
    back: ["struct s: struct { int a: 4; } * p@0 retyped struct { int a: 3; } * p@0"],
  },
];

describe("diffTypes", () => {
  it.each(CASES)("shows $name", ({ old, new: next, there, back }) => {
    const forth = diffRows(old, next);
    expect(outline(forth)).toEqual(there);
    expect(outline(diffRows(next, old))).toEqual(back);
    expect(mirrored(diffRows(next, old))).toEqual(sortedByText(forth));
  });

  it.each(CASES)("finds nothing different in $name itself", ({ old, new: next }) => {
    expect(diffRows(old, old)).toEqual([]);
    expect(diffRows(next, next)).toEqual([]);
  });

  it("counts by whom a type is held", () => {
    const rows = (size: number): Row[] => [
      INT,
      struct("leaf", size, [m("x", 1, 0)]),
      array(2, 1, 3),
      struct("", 24, [m("leaves", 3, 0)]),
      struct("a", 24, [m("", 4, 0)]),
      typedef("a_t", 5),
      struct("b", 24, [m("a", 6, 0)]),
      ptr(2),
      struct("points", 8, [m("p", 8, 0)]),
    ];
    const [leaf] = diffRows(rows(4), rows(8), { reached: true }).filter(({ name }) => name === "leaf");
    expect(leaf?.reachedFrom).toBe(2);
    expect(diffRows(rows(4), rows(8))[0]?.reachedFrom).toBeNull();
  });

  it("lists the bodies of what came and went where they are asked for", () => {
    const rows = [INT, struct("s", 4, [m("x", 1, 0)]), enumOf("e", 4, { A: 1 })];
    const [s, e] = diffRows([INT], rows, { bodies: true });
    expect(s?.changes).toMatchObject([{ what: "member", status: "added", old: null, new: { path: "x" } }]);
    expect(e?.changes).toEqual([{ what: "enumerator", status: "added", old: null, new: { name: "A", value: 1n } }]);
    expect(diffRows(rows, [INT], { bodies: true })[0]?.changes).toMatchObject([{ status: "removed", new: null }]);
  });

  it("pairs enums without a name, however many, with the one that has most names in common", () => {
    const enums = (first: string, value: number) =>
      Array.from({ length: 100 }, (_, i) => {
        return enumOf("", 4, { [`${first}${i}`]: 0, [`A${i}`]: value, [`B${i}`]: value + 1, SHARED: 3, [`C${i}`]: 7 });
      });
    const types = diffRows([...enums("OLD", 1), enumOf("", 4, { GONE: 1 })], enums("NEW", 2).reverse());
    expect(types).toHaveLength(101);
    expect(types.slice(-1)).toMatchObject([{ status: "removed", definitions: { old: 1, new: 0 } }]);
    expect(outline(types.slice(0, 1))).toEqual([
      "enum : OLD0=0 renamed NEW0=0, A0=1 revalued A0=2, B0=2 revalued B0=3",
    ]);
    for (const { status, definitions } of types.slice(0, -1)) {
      expect({ status, definitions }).toEqual({ status: "changed", definitions: { old: 1, new: 1 } });
    }
  });

  it("looks only into what is accepted", () => {
    const rows = [INT, struct("s", 4, [m("x", 1, 0)]), struct("t", 4, [m("x", 1, 0)])];
    expect(outline(diffRows([INT], rows, { accepts: (kind, name) => kind === "struct" && name === "t" }))).toEqual([
      "+struct t",
    ]);
  });
});
