/** Cases of field relocations: the search for members, arrays, compatibility of types, bitfields. */
import {
  RELO_FIELD_EXISTS as EXISTS,
  RELO_FIELD_LSHIFT_U64 as LSHIFT,
  RELO_FIELD_BYTE_OFFSET as OFFSET,
  RELO_FIELD_RSHIFT_U64 as RSHIFT,
  RELO_FIELD_SIGNED as SIGNED,
  RELO_FIELD_BYTE_SIZE as SIZE,
} from "../../lib/core/relo-kind.ts";
import * as c from "./case.ts";
import { array, type Case, enum64, enumOf, fwd, nth, proto, ptr, type RowsOf, struct, union } from "./case.ts";

const MEMBER_ONE = "0:0";
const S_X = [struct("s", [["x", c.INT, 0]])];

/** Which member is found. */
const SEARCH: Case[] = [
  {
    name: "moved",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [
        ["a", c.INT, 0],
        ["x", c.INT, 96],
      ]),
    ],
    expect: "12",
    path: "0:1",
  },
  {
    name: "not there",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [struct("s", [["y", c.INT, 0]])],
    expect: "poisoned",
  },
  {
    name: "not there, asked whether it is",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: S_X,
    target: [struct("s", [["y", c.INT, 0]])],
    expect: "absent",
  },
  {
    name: "no type of that name",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [struct("t", [["x", c.INT, 0]])],
    expect: "poisoned",
  },
  {
    name: "a union of that name is no candidate",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [union("s", [["x", c.INT, 0]])],
    expect: "poisoned",
  },
  {
    name: "names of members have no flavours",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: [struct("s", [["x___old", c.INT, 0]])],
    target: [struct("s", [["x", c.INT, 0]])],
    expect: "absent",
  },
  {
    name: "nor on the other side",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: S_X,
    target: [struct("s", [["x___new", c.INT, 0]])],
    expect: "absent",
  },
  {
    name: "a name that only begins the same",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: S_X,
    target: [struct("s", [["xy", c.INT, 0]])],
    expect: "absent",
  },
  {
    name: "in an anonymous struct in an anonymous union",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [["", nth(1), 64]]),
      union("", [
        ["a", c.INT, 0],
        ["", nth(2), 32],
      ]),
      struct("", [["x", c.INT, 16]]),
    ],
    expect: "14",
    path: "0:0:1:0",
  },
  {
    name: "anonymous here, plain there",
    kind: OFFSET,
    access: "0:0:0",
    local: [struct("s", [["", nth(1), 0]]), struct("", [["x", c.INT, 0]])],
    target: [struct("s", [["x", c.INT, 32]])],
    expect: "4",
    path: "0:0",
  },
  {
    name: "behind an anonymous member that has it not",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [
        ["", nth(1), 0],
        ["x", c.INT, 64],
      ]),
      struct("", [["y", c.INT, 0]]),
    ],
    expect: "8",
    path: "0:1",
  },
  {
    name: "a named struct is not gone into",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: S_X,
    target: [struct("s", [["in", nth(1), 0]]), struct("inner", [["x", c.INT, 0]])],
    expect: "absent",
  },
  {
    name: "an anonymous member that is no struct",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [
        ["", c.INT, 0],
        ["x", c.INT, 32],
      ]),
    ],
    expect: "4",
    path: "0:1",
  },
  {
    name: "the right name and the wrong type end the search",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [
        ["x", c.PTR, 0],
        ["x", c.INT, 64],
      ]),
    ],
    expect: "absent",
  },
  {
    name: "but of their level only: it goes on behind, with the offset and the index of the inner one",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [
        ["", nth(1), 0],
        ["x", c.INT, 64],
      ]),
      struct("", [
        ["a", c.INT, 0],
        ["x", c.PTR, 32],
      ]),
    ],
    expect: "12",
    path: "0:0:1",
  },
  {
    name: "two levels deep",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: S_X,
    target: [
      struct("s", [
        ["", nth(1), 0],
        ["x", c.INT, 512],
      ]),
      struct("", [["", nth(2), 128]]),
      struct("", [["x", c.PTR, 256]]),
    ],
    expect: "96",
  },
  {
    name: "through a typedef and modifiers",
    kind: OFFSET,
    access: "0:0:0",
    local: [struct("s", [["in", nth(1), 0]]), struct("i", [["x", c.INT, 0]])],
    target: [
      struct("s", [["in", nth(1), 64]]),
      c.typedef("i_t", nth(2)),
      c.constOf(nth(3)),
      c.volatileOf(nth(4)),
      c.typeTag("tag", nth(5)),
      struct("other", [["x", c.INT, 32]]),
    ],
    expect: "12",
    path: "0:0:0",
  },
  {
    name: "structs and unions mix inside",
    kind: OFFSET,
    access: "0:0:0",
    local: [struct("s", [["in", nth(1), 0]]), struct("i", [["x", c.INT, 0]])],
    target: [struct("s", [["in", nth(1), 64]]), union("j", [["x", c.INT, 0]])],
    expect: "8",
  },
  {
    name: "a step into what is no struct there",
    kind: EXISTS,
    access: "0:0:0",
    local: [struct("s", [["in", nth(1), 0]]), struct("i", [["x", c.INT, 0]])],
    target: [struct("s", [["in", c.INT, 64]])],
    expect: "absent",
  },
  {
    name: "element of the root",
    kind: OFFSET,
    access: "2:0",
    local: S_X,
    target: [struct("s", [["x", c.INT, 32]], 24)],
    expect: "52",
    path: "2:0",
  },
  {
    name: "a typedef as root",
    kind: OFFSET,
    access: MEMBER_ONE,
    local: [c.typedef("s_t", nth(1)), struct("", [["x", c.INT, 0]])],
    target: [struct("", [["x", c.INT, 64]]), c.typedef("s_t", nth(0))],
    expect: "8",
  },
];

/** The element of an int array at index 1, then of arrays there. */
const arrays = (
  local: number,
  target: number,
  last: boolean,
  access = "0:0:1",
): Pick<Case, "access" | "local" | "target"> => ({
  access,
  local: [struct("s", [["a", nth(1), 0]]), array(c.INT, local)],
  target: [
    struct(
      "s",
      last
        ? [["a", nth(1), 64]]
        : [
            ["a", nth(1), 64],
            ["b", c.INT, 128],
          ],
    ),
    array(c.INT, target),
  ],
});
const ARRAYS: Case[] = [
  { name: "an element", kind: OFFSET, ...arrays(4, 4, false), expect: "12", path: "0:0:1" },
  { name: "of a longer array", kind: OFFSET, ...arrays(2, 8, false), expect: "12" },
  { name: "of an array that is too short there", kind: OFFSET, ...arrays(4, 1, false), expect: "poisoned" },
  { name: "also as the last member", kind: OFFSET, ...arrays(4, 1, true), expect: "poisoned" },
  { name: "of a flexible array", kind: OFFSET, ...arrays(4, 0, true), expect: "12" },
  {
    name: "of one of no elements that is not the last member",
    kind: OFFSET,
    ...arrays(4, 0, false),
    expect: "poisoned",
  },
  { name: "of one that is flexible here", kind: OFFSET, ...arrays(0, 4, false, "0:0:3"), expect: "20" },
  { name: "out of bounds here", kind: OFFSET, ...arrays(1, 4, false), expect: "error" },
  {
    name: "of no elements and not last here",
    kind: OFFSET,
    access: "0:0:0",
    local: [
      struct("s", [
        ["a", nth(1), 0],
        ["b", c.INT, 0],
      ]),
      array(c.INT, 0),
    ],
    target: [struct("s", [["a", nth(1), 0]]), array(c.INT, 4)],
    expect: "error",
  },
  {
    name: "flexible inside a union",
    kind: OFFSET,
    access: "0:0:1",
    local: [union("u", [["a", nth(1), 0]]), array(c.INT, 0)],
    target: [
      union("u", [
        ["b", c.INT, 0],
        ["a", nth(1), 0],
      ]),
      array(c.INT, 0),
    ],
    expect: "4",
  },
  {
    name: "of an array of arrays",
    kind: OFFSET,
    access: "0:0:1:1",
    local: [struct("s", [["a", nth(1), 0]]), array(nth(2), 2), array(c.INT, 2)],
    target: [struct("s", [["a", nth(1), 32]]), array(nth(2), 2), array(c.INT, 4)],
    expect: "24",
    path: "0:0:1:1",
  },
  {
    name: "no array there",
    kind: EXISTS,
    access: "0:0:0",
    local: [struct("s", [["a", nth(1), 0]]), array(c.INT, 2)],
    target: [struct("s", [["a", c.INT, 0]])],
    expect: "absent",
  },
  {
    name: "size of an element",
    kind: SIZE,
    access: "0:0:1",
    local: [struct("s", [["a", nth(1), 0]]), array(c.INT, 2)],
    target: [struct("s", [["a", nth(1), 0]]), array(c.LONG, 2)],
    expect: "8",
  },
  {
    name: "sign of an element is not to be had",
    kind: SIGNED,
    access: "0:0:1",
    local: [struct("s", [["a", nth(1), 0]]), array(c.INT, 2)],
    target: [struct("s", [["a", nth(1), 0]]), array(c.INT, 2)],
    expect: "error",
  },
  {
    name: "size of a whole array",
    kind: SIZE,
    access: "0:0",
    local: [struct("s", [["a", nth(1), 0]]), array(c.INT, 2)],
    target: [struct("s", [["a", nth(1), 0]]), array(c.INT, 5)],
    expect: "20",
  },
];

/** A member's type here and there, and whether they go together. */
const compatible = (name: string, local: RowsOf, target: RowsOf, expect: "1" | "absent"): Case => ({
  name: `${name}: ${expect === "1" ? "yes" : "no"}`,
  kind: EXISTS,
  access: MEMBER_ONE,
  local: [
    struct("s", [["x", typeof local === "number" ? local : nth(1), 0]]),
    ...(typeof local === "number" ? [] : local),
  ],
  target: [
    struct("s", [["x", typeof target === "number" ? target : nth(1), 0]]),
    ...(typeof target === "number" ? [] : target),
  ],
  expect,
});
const A_ONE = [["A", 1]] as const;
const COMPATIBLE: Case[] = [
  compatible("int and unsigned long", c.INT, c.ULONG, "1"),
  compatible("int and an old bitfield", c.INT, c.OLD_BITFIELD, "absent"),
  compatible("an old bitfield and int", c.OLD_BITFIELD, c.INT, "absent"),
  compatible("int and pointer", c.INT, c.PTR, "absent"),
  compatible("pointers to whatever", [ptr(c.INT)], [ptr(nth(2)), struct("z", [])], "1"),
  compatible("double and double", c.DOUBLE, c.DOUBLE, "1"),
  compatible("double and int", c.DOUBLE, c.INT, "absent"),
  compatible("struct and union", [struct("a", [])], [union("b", [])], "1"),
  compatible("struct and int", [struct("a", [])], c.INT, "absent"),
  compatible("enums of one name", [enumOf("e", A_ONE)], [enumOf("e", [])], "1"),
  compatible("enums of two names", [enumOf("e", A_ONE)], [enumOf("f", A_ONE)], "absent"),
  compatible("enums but for the flavour", [enumOf("e___1", A_ONE)], [enumOf("e___2", A_ONE)], "1"),
  compatible("an anonymous enum here", [enumOf("", A_ONE)], [enumOf("f", A_ONE)], "1"),
  compatible("an anonymous enum there", [enumOf("e", A_ONE)], [enumOf("", A_ONE)], "1"),
  compatible("enum and enum64", [enumOf("e", A_ONE)], [enum64("e", A_ONE)], "1"),
  compatible("enum64 and enum", [enum64("e", A_ONE)], [enumOf("e", A_ONE)], "1"),
  compatible("enum and int", [enumOf("e", A_ONE)], c.INT, "absent"),
  compatible("fwds of one name", [fwd("f")], [fwd("f", true)], "1"),
  compatible("fwds of two names", [fwd("f")], [fwd("g")], "absent"),
  compatible("fwd and its struct", [fwd("f")], [struct("f", [])], "absent"),
  compatible("arrays of int and long", [array(c.INT, 2)], [array(c.LONG, 3)], "1"),
  compatible("arrays of int and pointer", [array(c.INT, 2)], [array(c.PTR, 2)], "absent"),
  compatible("array and int", [array(c.INT, 2)], c.INT, "absent"),
  compatible("function prototypes", [proto(c.INT)], [proto(c.INT)], "absent"),
  compatible("through typedef and const", [c.typedef("t", nth(2)), c.constOf(c.INT)], c.UINT, "1"),
  compatible("void", 0, 0, "absent"),
];

/** A bitfield here at bit 0 of 3 bits, and another there. */
const bitfield = (name: string, kind: number, target: Case["target"], expect: string): Case => ({
  name,
  kind,
  access: MEMBER_ONE,
  local: [struct("s", [["x", c.UINT, 0, 3]])],
  target,
  expect,
});
const BITFIELDS: Case[] = [
  bitfield("aligned down to its type", OFFSET, [struct("s", [["x", c.UINT, 37, 5]])], "4"),
  bitfield("of a byte", OFFSET, [struct("s", [["x", c.CHAR, 37, 3]])], "4"),
  bitfield("widened when it crosses", OFFSET, [struct("s", [["x", c.UINT, 92, 8]])], "8"),
  bitfield("widened twice", SIZE, [struct("s", [["x", c.CHAR, 14, 5]])], "4"),
  bitfield("of more than 64 bits cannot be loaded", OFFSET, [struct("s", [["x", c.ULONG, 60, 8]])], "error"),
  bitfield("size of its load", SIZE, [struct("s", [["x", c.USHORT, 3, 5]])], "2"),
  bitfield("left shift", LSHIFT, [struct("s", [["x", c.UINT, 37, 5]])], "54"),
  bitfield("right shift", RSHIFT, [struct("s", [["x", c.UINT, 37, 5]])], "59"),
  bitfield("sign: unsigned", SIGNED, [struct("s", [["x", c.UINT, 37, 5]])], "0"),
  bitfield("sign: signed", SIGNED, [struct("s", [["x", c.INT, 37, 5]])], "1"),
  bitfield(
    "sign of a signed enum",
    SIGNED,
    [
      struct("s", [
        ["x", c.INT, 0],
        ["y", nth(1), 0, 2],
      ]),
      enumOf("e", A_ONE, 4, 1),
    ],
    "1",
  ),
  bitfield("no bitfield there: left shift", LSHIFT, [struct("s", [["x", c.USHORT, 48]])], "48"),
  bitfield("no bitfield there: right shift", RSHIFT, [struct("s", [["x", c.USHORT, 48]])], "48"),
  bitfield("no bitfield there: offset", OFFSET, [struct("s", [["x", c.USHORT, 48]])], "6"),
];
const ENUM_MEMBER = (signed: number): Case["local"] => [struct("s", [["x", nth(1), 0]]), enumOf("e", A_ONE, 4, signed)];
const OTHERS: Case[] = [
  {
    name: "sign of a plain enum",
    kind: SIGNED,
    access: MEMBER_ONE,
    local: ENUM_MEMBER(0),
    target: ENUM_MEMBER(0),
    expect: "0",
  },
  {
    name: "sign of an enum with kind_flag",
    kind: SIGNED,
    access: MEMBER_ONE,
    local: ENUM_MEMBER(0),
    target: ENUM_MEMBER(1),
    expect: "1",
  },
  {
    name: "sign of a pointer",
    kind: SIGNED,
    access: MEMBER_ONE,
    local: [struct("s", [["x", c.PTR, 0]])],
    target: [struct("s", [["x", c.PTR, 0]])],
    expect: "0",
  },
  {
    name: "shift of a struct of 12 bytes is negative, in 32 bits",
    kind: LSHIFT,
    access: MEMBER_ONE,
    local: [struct("s", [["x", nth(1), 0]]), struct("i", [], 8)],
    target: [struct("s", [["x", nth(1), 0]]), struct("i", [], 12)],
    expect: String(2 ** 32 - 32),
  },
  {
    name: "a member without a size",
    kind: SIZE,
    access: MEMBER_ONE,
    local: [struct("s", [["x", nth(1), 0]]), fwd("f")],
    target: [struct("s", [["x", nth(1), 0]]), fwd("f")],
    expect: "error",
  },
  { name: "a root without a size", kind: OFFSET, access: "0", local: [fwd("f")], target: [fwd("f")], expect: "error" },
  {
    name: "a member here whose name is empty, but not the empty one",
    kind: EXISTS,
    access: MEMBER_ONE,
    local: [struct("s", [[c.EMPTY_NAME, c.INT, 0]])],
    target: [struct("s", [["x", c.INT, 0]])],
    expect: "error",
  },
  {
    name: "an element of 2 GiB there",
    kind: EXISTS,
    access: "1:0",
    local: S_X,
    target: [struct("s", [["x", c.INT, 0]], 2 ** 31)],
    expect: "error",
  },
  {
    name: "an element of nearly 2 GiB there",
    kind: EXISTS,
    access: "1:0",
    local: S_X,
    target: [struct("s", [["x", c.INT, 0]], 2 ** 31 - 8)],
    expect: "1",
  },
  {
    name: "a root without a size there",
    kind: OFFSET,
    access: "0",
    local: [c.typedef("t", c.INT)],
    target: [c.typedef("t", 0)],
    expect: "error",
  },
];

/** All of them. */
export const FIELD_CASES: readonly Case[] = [...SEARCH, ...ARRAYS, ...COMPATIBLE, ...BITFIELDS, ...OTHERS];
