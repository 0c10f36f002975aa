/** Cases of type relocations: existence and size, whole types that match. */
import {
  RELO_TYPE_EXISTS as EXISTS,
  RELO_TYPE_ID_LOCAL as ID_LOCAL,
  RELO_TYPE_ID_TARGET as ID_TARGET,
  RELO_TYPE_MATCHES as MATCHES,
  RELO_TYPE_SIZE as SIZE,
} from "../../lib/core/relo-kind.ts";
import type { Row } from "../btf/records.ts";
import * as c from "./case.ts";
import {
  array,
  type Case,
  enum64,
  enumOf,
  FIRST,
  fwd,
  nth,
  proto,
  ptr,
  type RowsOf,
  struct,
  typedef,
  union,
} from "./case.ts";

type Answer = "1" | "absent" | "error";
const ANSWERS: Readonly<Record<Answer, string>> = { "1": "yes", absent: "no", error: "error" };

/** A typedef `t` of something here and of something there; `kernel` where the kernel says otherwise. */
const pair = (kind: number, name: string, local: RowsOf, target: RowsOf, expect: Answer, kernel?: Answer): Case => ({
  name: `${name}: ${ANSWERS[expect]}`,
  kind,
  local: typedefOf(local),
  target: typedefOf(target),
  expect,
  ...(kernel === undefined ? {} : { kernel }),
});

function typedefOf(rows: RowsOf): Row[] {
  return typeof rows === "number" ? [typedef("t", rows)] : [typedef("t", nth(1)), ...rows];
}

/** A named type as the root itself. */
const root = (
  kind: number,
  name: string,
  local: readonly Row[],
  target: readonly Row[],
  expect: Answer,
  kernel?: Answer,
): Case => ({
  name: `${name}: ${ANSWERS[expect]}`,
  kind,
  local,
  target,
  expect,
  ...(kernel === undefined ? {} : { kernel }),
});

/** Prototypes that take one another: `depth` of them, each behind a pointer, the last of an int. */
const nested = (depth: number): Row[] =>
  Array.from({ length: depth }, (_, i) => [proto(0, i === depth - 1 ? c.INT : nth(2 * i + 2)), ptr(nth(2 * i + 3))])
    .flat()
    .slice(0, 2 * depth - 1);

const COMPATIBLE: Case[] = [
  root(EXISTS, "struct", [struct("s", [])], [struct("s", [["x", c.INT, 0]])], "1"),
  root(EXISTS, "struct and union", [struct("s", [])], [union("s", [])], "absent"),
  root(EXISTS, "struct and its forward declaration", [struct("s", [])], [fwd("s")], "absent"),
  root(EXISTS, "forward declarations of struct and union", [fwd("s")], [fwd("s", true)], "1"),
  root(EXISTS, "flavours on both sides", [struct("s___a", [])], [struct("s___b", [])], "1"),
  root(EXISTS, "only underscores behind the flavour's mark", [struct("s____", [])], [struct("s", [])], "absent"),
  root(EXISTS, "the last mark counts", [struct("s___a___b", [])], [struct("s___a", [])], "absent"),
  root(EXISTS, "enum and enum64", [enumOf("e", [])], [enum64("e", [])], "1", "absent"),
  root(EXISTS, "enum64 and enum", [enum64("e", [])], [enumOf("e", [])], "1", "absent"),
  root(EXISTS, "enum64 on both sides", [enum64("e", [])], [enum64("e", [])], "1"),
  root(EXISTS, "ints of two sizes", [["n", 1 << 24, 4, 32]], [["n", 1 << 24, 8, 64]], "1"),
  root(EXISTS, "old bitfields", [["n", 1 << 24, 4, (3 << 16) | 5]], [["n", 1 << 24, 4, (3 << 16) | 5]], "absent"),
  root(EXISTS, "float never", [["f", 16 << 24, 8]], [["f", 16 << 24, 8]], "absent"),
  pair(EXISTS, "typedef of struct, whatever its name", [struct("a", [])], [struct("b", [])], "1"),
  pair(EXISTS, "typedef of struct and of union", [struct("a", [])], [union("a", [])], "absent"),
  pair(EXISTS, "typedef of void", 0, 0, "1"),
  pair(EXISTS, "typedef of void and of int", 0, c.INT, "absent"),
  pair(EXISTS, "pointers to one kind", [ptr(c.INT)], [ptr(c.LONG)], "1"),
  pair(EXISTS, "pointers to two kinds", [ptr(c.INT)], [ptr(nth(2)), struct("s", [])], "absent"),
  pair(
    EXISTS,
    "pointers through const and typedef",
    [ptr(nth(2)), c.constOf(c.INT)],
    [ptr(nth(2)), typedef("u", c.UINT)],
    "1",
  ),
  pair(EXISTS, "a restrict pointer and a plain one", [c.restrictOf(nth(2)), ptr(c.INT)], [ptr(c.INT)], "1"),
  pair(EXISTS, "arrays of two lengths", [array(c.INT, 2)], [array(c.INT, 3)], "1"),
  pair(EXISTS, "arrays of two kinds", [array(c.INT, 2)], [array(c.PTR, 2)], "absent"),
  pair(EXISTS, "prototypes", [proto(c.INT, c.INT, c.PTR)], [proto(c.LONG, c.UINT, c.PTR)], "1"),
  pair(EXISTS, "prototypes of two lengths", [proto(c.INT, c.INT)], [proto(c.INT)], "absent"),
  pair(EXISTS, "prototypes with another parameter", [proto(c.INT, c.INT)], [proto(c.INT, c.PTR)], "absent"),
  pair(EXISTS, "prototypes that return something else", [proto(c.INT, c.INT)], [proto(c.PTR, c.INT)], "absent"),
  pair(EXISTS, "prototypes 2 deep", nested(2), nested(2), "1"),
  pair(EXISTS, "prototypes 3 deep", nested(3), nested(3), "1", "error"),
  pair(EXISTS, "prototypes 32 deep", nested(32), nested(32), "1", "error"),
  pair(EXISTS, "prototypes 33 deep", nested(33), nested(33), "error"),
  pair(EXISTS, "31 pointers", pointers(31), pointers(31), "1"),
  pair(EXISTS, "32 pointers", pointers(32), pointers(32), "error"),
  { name: "size", kind: SIZE, local: [struct("s", [], 8)], target: [struct("s", [], 24)], expect: "24" },
  { name: "size of nothing", kind: SIZE, local: [struct("s", [], 8)], target: [], expect: "absent" },
  { name: "size of a forward declaration", kind: SIZE, local: [fwd("s")], target: [fwd("s")], expect: "error" },
  {
    name: "size of a typedef of an array",
    kind: SIZE,
    local: [typedef("t", nth(1)), array(c.INT, 2)],
    target: [typedef("t", nth(1)), array(c.LONG, 5)],
    expect: "40",
  },
  {
    name: "id in the target",
    kind: ID_TARGET,
    local: [struct("s", [])],
    target: [struct("z", []), struct("s", [])],
    expect: String(nth(1)),
  },
  { name: "id in the target of nothing", kind: ID_TARGET, local: [struct("s", [])], target: [], expect: "absent" },
  { name: "id here needs no target", kind: ID_LOCAL, local: [struct("s", [])], target: [], expect: String(FIRST) },
  { name: "id here needs no name", kind: ID_LOCAL, local: [struct("", [])], target: [], expect: String(FIRST) },
  { name: "an anonymous root", kind: EXISTS, local: [struct("", [])], target: [struct("", [])], expect: "error" },
  {
    name: "two types of one name and size",
    kind: SIZE,
    local: [struct("s", [])],
    target: [struct("s", [], 8), struct("s", [], 8)],
    expect: "8",
  },
  {
    name: "two types of one name and two sizes",
    kind: SIZE,
    local: [struct("s", [])],
    target: [struct("s", [], 8), struct("s___2", [], 16)],
    expect: "ambiguous",
  },
  {
    name: "an access string that is not 0",
    kind: EXISTS,
    access: "0:0",
    local: [struct("s", [])],
    target: [struct("s", [])],
    expect: "error",
  },
];

function pointers(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ptr(i === count - 1 ? c.INT : nth(i + 2)));
}

const X_INT = [["x", c.INT, 0]] as const;
const member = (name: string, local: RowsOf, target: RowsOf, expect: Answer, kernel?: Answer): Case => ({
  name: `members: ${name}: ${ANSWERS[expect]}`,
  kind: MATCHES,
  local: structOf(local),
  target: structOf(target),
  expect,
  ...(kernel === undefined ? {} : { kernel }),
});

function structOf(rows: RowsOf): Row[] {
  return [struct("s", [["x", typeof rows === "number" ? rows : nth(1), 0]]), ...(typeof rows === "number" ? [] : rows)];
}

const MATCHING: Case[] = [
  root(MATCHES, "the same", [struct("s", X_INT)], [struct("s", X_INT)], "1"),
  root(
    MATCHES,
    "more members there, in another order",
    [
      struct("s", [
        ["x", c.INT, 0],
        ["y", c.PTR, 64],
      ]),
    ],
    [
      struct("s", [
        ["y", c.PTR, 0],
        ["z", c.INT, 64],
        ["x", c.INT, 96],
      ]),
    ],
    "1",
  ),
  root(
    MATCHES,
    "a member less there",
    [
      struct("s", [
        ["x", c.INT, 0],
        ["y", c.INT, 32],
      ]),
    ],
    [struct("s", X_INT)],
    "absent",
  ),
  root(
    MATCHES,
    "as many members, one of another name",
    [struct("s", X_INT)],
    [struct("s", [["y", c.INT, 0]])],
    "absent",
  ),
  root(
    MATCHES,
    "members with flavours",
    [struct("s", [["x___a", c.INT, 0]])],
    [struct("s", [["x___b", c.INT, 0]])],
    "1",
  ),
  root(
    MATCHES,
    "the second member of the name fits",
    [struct("s", X_INT)],
    [
      struct("s", [
        ["x", c.PTR, 0],
        ["x", c.INT, 64],
      ]),
    ],
    "1",
  ),
  root(MATCHES, "struct and union", [struct("s", X_INT)], [union("s", X_INT)], "absent"),
  root(MATCHES, "no members", [struct("s", [])], [struct("s", X_INT)], "1"),
  root(MATCHES, "forward declarations", [fwd("s")], [fwd("s")], "1"),
  root(MATCHES, "forward declarations of struct and union", [fwd("s")], [fwd("s", true)], "absent"),
  root(MATCHES, "float", [["f", 16 << 24, 8]], [["f", 16 << 24, 8]], "absent"),
  pair(MATCHES, "typedefs of one type", [struct("a", X_INT)], [struct("a", X_INT)], "1"),
  pair(MATCHES, "typedefs of types of two names", [struct("a", X_INT)], [struct("b", X_INT)], "absent"),
  pair(MATCHES, "typedefs of nameless types", [struct("", X_INT)], [struct("", X_INT)], "1"),
  pair(MATCHES, "a name here only", [struct("a", X_INT)], [struct("", X_INT)], "absent"),
  pair(MATCHES, "a name there only", [struct("", X_INT)], [struct("a", X_INT)], "absent"),
  pair(MATCHES, "typedefs of void", 0, 0, "1"),
  member("int", c.INT, c.INT, "1"),
  member("int of another sign, one name", [["n", 1 << 24, 4, (1 << 24) | 32]], [["n", 1 << 24, 4, 32]], "absent"),
  member("int of another size, one name", [["n", 1 << 24, 4, 32]], [["n", 1 << 24, 8, 64]], "absent"),
  member("char-ness does not count", [["n", 1 << 24, 1, (3 << 24) | 8]], [["n", 1 << 24, 1, (1 << 24) | 8]], "1"),
  member("int of another name", c.INT, c.UINT, "absent"),
  member("through typedef and modifiers", [typedef("u", c.INT)], [c.constOf(nth(2)), c.volatileOf(c.INT)], "1"),
  member("array", [array(c.INT, 2)], [array(c.INT, 2)], "1"),
  member("array of another length", [array(c.INT, 2)], [array(c.INT, 3)], "absent"),
  member("array of another type", [array(c.INT, 2)], [array(c.UINT, 2)], "absent"),
  member("array and pointer", [array(c.INT, 2)], [ptr(c.INT)], "absent"),
  member("a struct inside", [struct("a", X_INT)], [struct("a", X_INT)], "1", "error"),
  member("a struct inside that lacks a member", [struct("a", X_INT)], [struct("a", [["y", c.INT, 0]])], "absent"),
  member("a struct inside, a forward declaration there", [struct("a", X_INT)], [fwd("a")], "absent"),
  member("pointer to struct: only its name", [ptr(nth(2)), struct("a", X_INT)], [ptr(nth(2)), struct("a", [])], "1"),
  member("pointer to struct of another name", [ptr(nth(2)), struct("a", [])], [ptr(nth(2)), struct("b", [])], "absent"),
  member("pointer to struct and to union", [ptr(nth(2)), struct("a", [])], [ptr(nth(2)), union("a", [])], "absent"),
  member("pointer to struct, declared there", [ptr(nth(2)), struct("a", [])], [ptr(nth(2)), fwd("a")], "1"),
  member(
    "pointer to struct, declared there as union",
    [ptr(nth(2)), struct("a", [])],
    [ptr(nth(2)), fwd("a", true)],
    "absent",
  ),
  member("pointer to union, declared there", [ptr(nth(2)), union("a", [])], [ptr(nth(2)), fwd("a", true)], "1"),
  member(
    "pointer to union, declared there as struct",
    [ptr(nth(2)), union("a", [])],
    [ptr(nth(2)), fwd("a")],
    "absent",
  ),
  member(
    "pointer to what is declared here, a struct there",
    [ptr(nth(2)), fwd("a")],
    [ptr(nth(2)), struct("a", [])],
    "1",
  ),
  member(
    "pointer to what is declared here, a union there",
    [ptr(nth(2)), fwd("a")],
    [ptr(nth(2)), union("a", [])],
    "absent",
  ),
  member(
    "pointer to what is declared a union here and is one",
    [ptr(nth(2)), fwd("a", true)],
    [ptr(nth(2)), union("a", [])],
    "1",
  ),
  member("pointer to what is declared on both sides", [ptr(nth(2)), fwd("a")], [ptr(nth(2)), fwd("a")], "1"),
  member(
    "pointer to what is declared, an enum there",
    [ptr(nth(2)), fwd("a")],
    [ptr(nth(2)), enumOf("a", [])],
    "absent",
  ),
  member("pointer to int: in full", [ptr(c.INT)], [ptr(c.UINT)], "absent"),
  member("declared here, a struct there, no pointer", [fwd("a")], [struct("a", [])], "absent"),
  member("prototype", [proto(c.INT, c.INT)], [proto(c.INT, c.INT)], "1", "error"),
  member("prototype of another length", [proto(c.INT, c.INT)], [proto(c.INT)], "absent"),
  member("prototype with another parameter", [proto(c.INT, c.INT)], [proto(c.INT, c.UINT)], "absent", "error"),
  member("prototype that returns something else", [proto(c.INT)], [proto(c.UINT)], "absent"),
  member(
    "pointer to a prototype: structs of parameters by name only",
    [ptr(nth(2)), proto(0, nth(3)), struct("a", X_INT)],
    [ptr(nth(2)), proto(0, nth(3)), struct("a", [])],
    "1",
    "error",
  ),
  member(
    "prototype: structs of parameters in full",
    [proto(0, nth(2)), struct("a", X_INT)],
    [proto(0, nth(2)), struct("a", [])],
    "absent",
    "error",
  ),
  member(
    "enum with more enumerators there, of other values",
    [enumOf("e", [["A", 1]])],
    [
      enumOf("e", [
        ["B", 1],
        ["A", 2],
      ]),
    ],
    "1",
  ),
  member("enum with a flavour on an enumerator", [enumOf("e", [["A___x", 1]])], [enumOf("e", [["A", 2]])], "1"),
  member("enum that lacks an enumerator", [enumOf("e", [["A", 1]])], [enumOf("e", [["B", 1]])], "absent"),
  member(
    "enum with fewer enumerators",
    [
      enumOf("e", [
        ["A", 1],
        ["A", 2],
      ]),
    ],
    [enumOf("e", [["A", 1]])],
    "absent",
  ),
  member("enum of another size", [enumOf("e", [["A", 1]], 4)], [enumOf("e", [["A", 1]], 8)], "absent"),
  member("enum and enum64 of one size", [enumOf("e", [["A", 1]], 8)], [enum64("e", [["A", 1]], 8)], "1"),
  member("enum and int", [enumOf("int", [])], c.INT, "absent"),
  member("float", c.DOUBLE, c.DOUBLE, "absent"),
  member("structs 31 deep", structs(31), structs(31), "1", "error"),
  member("structs 32 deep", structs(32), structs(32), "error"),
];

/** A struct in a struct in a struct ..., the last with an int. */
function structs(count: number): Row[] {
  return Array.from({ length: count - 1 }, (_, i) => struct(`n${i}`, [["x", i === count - 2 ? c.INT : nth(i + 2), 0]]));
}

/** All of them. */
export const TYPE_CASES: readonly Case[] = [...COMPATIBLE, ...MATCHING];
