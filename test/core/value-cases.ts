/** Cases of enumerators, and of candidates that agree or do not. */
import {
  RELO_ENUMVAL_EXISTS as EXISTS,
  RELO_FIELD_EXISTS as FIELD_EXISTS,
  RELO_FIELD_BYTE_OFFSET as OFFSET,
  RELO_FIELD_BYTE_SIZE as SIZE,
  RELO_ENUMVAL_VALUE as VALUE,
} from "../../lib/core/relo-kind.ts";
import * as c from "./case.ts";
import { type Case, enum64, enumOf, fwd, nth, struct, typedef } from "./case.ts";

const A_ONE = [enumOf("e", [["A", 1]])];

const ENUMERATORS: Case[] = [
  {
    name: "value",
    kind: VALUE,
    local: A_ONE,
    target: [
      enumOf("e", [
        ["B", 1],
        ["A", 7],
      ]),
    ],
    expect: "7",
    path: "1",
  },
  { name: "exists", kind: EXISTS, local: A_ONE, target: [enumOf("e", [["A", 7]])], expect: "1" },
  { name: "does not exist", kind: EXISTS, local: A_ONE, target: [enumOf("e", [["B", 1]])], expect: "absent" },
  {
    name: "value of what does not exist",
    kind: VALUE,
    local: A_ONE,
    target: [enumOf("e", [["B", 1]])],
    expect: "poisoned",
  },
  { name: "the enum does not exist", kind: EXISTS, local: A_ONE, target: [enumOf("f", [["A", 1]])], expect: "absent" },
  {
    name: "the second enumerator",
    kind: VALUE,
    access: "1",
    local: [
      enumOf("e", [
        ["B", 0],
        ["A", 1],
      ]),
    ],
    target: A_ONE,
    expect: "1",
    path: "0",
  },
  {
    name: "flavour of an enumerator here",
    kind: VALUE,
    local: [enumOf("e", [["A___old", 1]])],
    target: [enumOf("e", [["A", 5]])],
    expect: "5",
  },
  {
    name: "flavour of an enumerator there",
    kind: VALUE,
    local: A_ONE,
    target: [enumOf("e", [["A___new", 5]])],
    expect: "5",
  },
  {
    name: "flavour of the enum",
    kind: VALUE,
    local: [enumOf("e___x", [["A", 1]])],
    target: [enumOf("e", [["A", 5]])],
    expect: "5",
  },
  {
    name: "32 bits extend with their sign",
    kind: VALUE,
    local: A_ONE,
    target: [enumOf("e", [["A", -2]], 4, 1)],
    expect: "-2",
  },
  {
    name: "also in an unsigned enum",
    kind: VALUE,
    local: A_ONE,
    target: [enumOf("e", [["A", 0xfffffffe]], 4, 0)],
    expect: "-2",
  },
  {
    name: "64 bits",
    kind: VALUE,
    local: A_ONE,
    target: [enum64("e", [["A", 1, 2]])],
    expect: String(2n ** 33n + 1n),
    kernel: "poisoned",
  },
  {
    name: "64 bits exist",
    kind: EXISTS,
    local: A_ONE,
    target: [enum64("e", [["A", 7]])],
    expect: "1",
    kernel: "absent",
  },
  {
    name: "64 bits on both sides",
    kind: VALUE,
    local: [enum64("e", [["A", 1]])],
    target: [enum64("e", [["A", 1, 2]])],
    expect: String(2n ** 33n + 1n),
  },
  {
    name: "an enum and an enum64 that differ",
    kind: VALUE,
    local: A_ONE,
    target: [enumOf("e", [["A", 2]]), enum64("e", [["A", 3]])],
    expect: "ambiguous",
    kernel: "2",
  },
  {
    name: "an enum and an enum64 behind typedefs of one name",
    kind: VALUE,
    local: [typedef("t", nth(1)), enumOf("e", [["A", 1]])],
    target: [typedef("t", nth(1)), enum64("e", [["A", 5]])],
    expect: "5",
  },
  {
    name: "the size of an enum and an enum64",
    kind: SIZE,
    local: A_ONE,
    target: [enum64("e", [["A", 1]])],
    expect: "8",
    kernel: "poisoned",
  },
  {
    name: "64 bits with the upper bit set",
    kind: VALUE,
    local: A_ONE,
    target: [enum64("e", [["A", -1, -1]])],
    expect: "-1",
    kernel: "poisoned",
  },
  {
    name: "the low 32 bits of 64 do not extend",
    kind: VALUE,
    local: A_ONE,
    target: [enum64("e", [["A", -1, 0]])],
    expect: String(2 ** 32 - 1),
    kernel: "poisoned",
  },
  {
    name: "enum64 here, enum there",
    kind: VALUE,
    local: [enum64("e", [["A", 1, 0]])],
    target: [enumOf("e", [["A", 3]])],
    expect: "3",
    kernel: "poisoned",
  },
  {
    name: "through typedefs",
    kind: VALUE,
    local: [typedef("t", nth(1)), enumOf("", [["A", 1]])],
    target: [typedef("t", nth(1)), enumOf("", [["A", 9]])],
    expect: "9",
  },
  {
    name: "a typedef of no enum there",
    kind: EXISTS,
    local: [typedef("t", nth(1)), enumOf("", [["A", 1]])],
    target: [typedef("t", c.INT)],
    expect: "absent",
  },
  { name: "no such enumerator here", kind: EXISTS, access: "1", local: A_ONE, target: A_ONE, expect: "error" },
  { name: "no enum here", kind: EXISTS, local: [struct("s", [])], target: [struct("s", [])], expect: "error" },
  { name: "a path of two elements", kind: EXISTS, access: "0:0", local: A_ONE, target: A_ONE, expect: "error" },
  { name: "an enum that is only declared", kind: EXISTS, local: [fwd("e")], target: [fwd("e")], expect: "error" },
];

const S_X = struct("s", [["x", c.INT, 0]]);
const READ = { kind: OFFSET, access: "0:0", local: [S_X] };
const CANDIDATES: Case[] = [
  {
    name: "two that agree",
    ...READ,
    target: [
      S_X,
      struct("s___2", [
        ["x", c.INT, 0],
        ["y", c.INT, 32],
      ]),
    ],
    expect: "0",
  },
  {
    name: "two that have it elsewhere",
    ...READ,
    target: [
      S_X,
      struct("s", [
        ["y", c.INT, 0],
        ["x", c.INT, 32],
      ]),
    ],
    expect: "ambiguous",
  },
  { name: "only the second has it", ...READ, target: [struct("s", []), struct("s", [["x", c.INT, 96]])], expect: "12" },
  { name: "the second gives an error", ...READ, access: "0", target: [S_X, typedef("s", c.INT)], expect: "0" },
  {
    name: "two that both exist, elsewhere",
    kind: FIELD_EXISTS,
    access: "0:0",
    local: [S_X],
    target: [S_X, struct("s", [["x", c.INT, 32]])],
    expect: "ambiguous",
  },
  {
    name: "two enums with one value",
    kind: VALUE,
    local: A_ONE,
    target: [
      enumOf("e", [["A", 4]]),
      enumOf("e", [
        ["B", 1],
        ["A", 4],
      ]),
    ],
    expect: "4",
  },
  {
    name: "two enums with two values",
    kind: VALUE,
    local: A_ONE,
    target: [enumOf("e", [["A", 4]]), enumOf("e", [["A", 5]])],
    expect: "ambiguous",
  },
  {
    name: "a mark without a name before it is no flavour",
    kind: FIELD_EXISTS,
    access: "0:0",
    local: [struct("___s", [["x", c.INT, 0]])],
    target: [struct("___s", [["x", c.INT, 0]])],
    expect: "1",
  },
];

const badAccess = (access: string): Case => ({
  name: `access string "${access}"`,
  ...READ,
  access,
  target: [S_X],
  expect: "error",
});
/** Access strings that are none. */
const ACCESS: Case[] = [
  ...["", ":0", "0:", "0::0", "a", "0:a", "0:1", "0x0", "0:0:0"].map(badAccess),
  ...["-1", "0:-1", "9999999999"].map((access): Case => ({ ...badAccess(access), unchecked: true })),
];

const deep = (count: number): Case => ({
  name: `a path of ${count} elements`,
  kind: OFFSET,
  access: Array.from({ length: count }, () => "0").join(":"),
  local: Array.from({ length: count }, (_, i) => struct(`s${i}`, [["x", i === count - 1 ? c.INT : nth(i + 1), 0]])),
  target: Array.from({ length: count }, (_, i) => struct(`s${i}`, [["x", i === count - 1 ? c.INT : nth(i + 1), 8]])),
  expect: count > 64 ? "error" : String(count - 1),
});

/** One anonymous struct more there: 64 elements here are 65 there. */
const TOO_DEEP_THERE: Case = {
  ...deep(64),
  name: "a path that has more elements there",
  target: [
    struct("s0", [["", nth(1), 0]]),
    struct("", [["x", nth(2), 0]]),
    ...Array.from({ length: 63 }, (_, i) => struct(`s${i + 1}`, [["x", i === 62 ? c.INT : nth(i + 3), 8]])),
  ],
  expect: "error",
};

/** All of them. */
export const VALUE_CASES: readonly Case[] = [
  ...ENUMERATORS,
  ...CANDIDATES,
  ...ACCESS,
  deep(64),
  deep(65),
  TOO_DEEP_THERE,
];
