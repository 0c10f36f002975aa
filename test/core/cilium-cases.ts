/** What cilium/ebpf's rules answer where libbpf's answer otherwise; test/oracle/engine-cilium.test.ts asks the library. */
import { KIND_STRUCT } from "../../lib/btf/format.ts";
import {
  RELO_TYPE_MATCHES as MATCHES,
  RELO_FIELD_BYTE_OFFSET as OFFSET,
  RELO_FIELD_RSHIFT_U64 as RSHIFT,
} from "../../lib/core/relo-kind.ts";
import type { Row } from "../btf/records.ts";
import { info } from "../btf/records.ts";
import * as c from "./case.ts";
import { type Case, FIRST, fwd, nth, ptr, struct, typedef } from "./case.ts";
import { EXIT, type Insn, LDX_W, MOV_K, type Program, type Relo } from "./object-builder.ts";

/** Answers to the cases of libbpf's rules, by name, where they are not the same. */
export const CILIUM_ANSWERS: ReadonlyMap<string, string> = new Map([
  // Candidates are of every kind.
  ["a union of that name is no candidate", "0"],
  ["two that both exist, elsewhere", "1"],
  // Members are searched level by level, and without libbpf's leftovers.
  ["an anonymous member that is no struct", "error"],
  ["but of their level only: it goes on behind, with the offset and the index of the inner one", "8"],
  ["two levels deep", "64"],
  ["a path that has more elements there", "62"],
  // Arrays.
  ["of one of no elements that is not the last member", "error"],
  ["sign of an element is not to be had", "1"],
  ["an element of 2 GiB there", "1"],
  // What fields are compatible.
  ["int and an old bitfield: no", "1"],
  ["an old bitfield and int: no", "1"],
  ["arrays of int and pointer: no", "1"],
  ["function prototypes: no", "error"],
  ["void: no", "error"],
  ["a root without a size there", "poisoned"],
  // Numbers.
  ["widened twice", "1"],
  ["of more than 64 bits cannot be loaded", "0"],
  ["sign of a pointer", "error"],
  ["also in an unsigned enum", "4294967294"],
  // What types are of one make.
  ["old bitfields: no", "1"],
  ["float never: no", "error"],
  ["prototypes 33 deep: error", "1"],
  ["32 pointers: error", "1"],
  ["size of nothing", "poisoned"],
  ["id in the target of nothing", "poisoned"],
  // What types match.
  ["members with flavours: yes", "absent"],
  ["float: no", "error"],
  ["a name here only: no", "1"],
  ["a name there only: no", "1"],
  ["members: char-ness does not count: yes", "absent"],
  ["members: pointer to struct: only its name: yes", "absent"],
  ["members: pointer to a prototype: structs of parameters by name only: yes", "absent"],
  ["members: float: no", "error"],
  ["members: structs 32 deep: error", "1"],
]);

/** A case with both answers: `expect` is libbpf's. */
export interface CiliumCase extends Case {
  readonly cilium: string;
}

const X = "0:0";
const x = (offset: number) => ["x", c.INT, offset] as const;
const y = (offset: number) => ["y", c.INT, offset] as const;

export const CILIUM_CASES: readonly CiliumCase[] = [
  {
    name: "the outermost level comes first, what is inside anonymous members after it",
    kind: OFFSET,
    access: X,
    local: [struct("s", [x(0)])],
    target: [struct("s", [["", nth(1), 0], x(64)]), struct("", [x(0)])],
    expect: "0",
    cilium: "8",
  },
  {
    name: "of four underscores the last three begin the flavour",
    kind: OFFSET,
    access: X,
    local: [struct("s____f", [x(0)])],
    target: [struct("s_", [x(32)])],
    expect: "poisoned",
    cilium: "4",
  },
  {
    name: "three underscores at the end are a flavour",
    kind: OFFSET,
    access: X,
    local: [struct("s", [x(0)])],
    target: [struct("s___", [x(32)])],
    expect: "poisoned",
    cilium: "4",
  },
  {
    name: "a typedef is a candidate for a struct",
    kind: OFFSET,
    access: X,
    local: [struct("s", [x(0)])],
    target: [typedef("s", nth(1)), struct("", [x(32)])],
    expect: "poisoned",
    cilium: "4",
  },
  {
    name: "a declaration is no help",
    kind: OFFSET,
    access: X,
    local: [struct("s", [x(0)])],
    target: [fwd("s"), struct("s", [x(32)])],
    expect: "4",
    cilium: "4",
  },
  {
    name: "of nameless members the last one counts",
    kind: MATCHES,
    local: [struct("s", [["", nth(1), 0]]), struct("", [x(0)])],
    target: [
      struct("s", [
        ["", nth(1), 0],
        ["", nth(2), 0],
      ]),
      struct("", [x(0)]),
      struct("", [y(0)]),
    ],
    expect: "1",
    cilium: "absent",
  },
  {
    name: "a pointer to a declaration matches one to any struct",
    kind: MATCHES,
    local: [typedef("t", nth(1)), ptr(nth(2)), fwd("a")],
    target: [typedef("t", nth(1)), ptr(nth(2)), struct("b", [x(0)])],
    expect: "absent",
    cilium: "1",
  },
  {
    name: "but no declaration of a union",
    kind: MATCHES,
    local: [typedef("t", nth(1)), ptr(nth(2)), fwd("a", true)],
    target: [typedef("t", nth(1)), ptr(nth(2)), struct("b", [x(0)])],
    expect: "absent",
    cilium: "absent",
  },
  {
    name: "an integer that does not fill its bytes is a bitfield",
    kind: RSHIFT,
    access: X,
    local: [struct("s", [["x", c.OLD_BITFIELD, 0]])],
    target: [struct("s", [["x", c.OLD_BITFIELD, 0]])],
    expect: "poisoned",
    cilium: "59",
  },
  {
    name: "but not where the struct says itself what is one",
    kind: RSHIFT,
    access: X,
    local: [struct("s", [x(0)])],
    target: [["s", info(KIND_STRUCT, 1, 1), 4, "x", c.OLD_BITFIELD, 0]],
    expect: "poisoned",
    cilium: "32",
  },
  {
    name: "31 anonymous members are searched",
    kind: OFFSET,
    access: X,
    local: [struct("s", [x(0)])],
    target: anonymousMembers(31),
    expect: "poisoned",
    cilium: "poisoned",
  },
  {
    name: "32 are too many",
    kind: OFFSET,
    access: X,
    local: [struct("s", [x(0)])],
    target: anonymousMembers(32),
    expect: "poisoned",
    cilium: "error",
  },
];

/** A union of that many anonymous structs, all alike and none with an x. */
function anonymousMembers(count: number): Row[] {
  const members = Array.from({ length: count }, (_, i) => ["", nth(i + 1), 0] as const);
  return [struct("s", members), ...members.map(() => struct("", []))];
}

/** An object whose relocations hang together, and what comes of each, in order. */
export interface CiliumScene {
  readonly name: string;
  readonly local: readonly Row[];
  readonly programs: readonly Program[];
  readonly target: readonly Row[];
  readonly expect: readonly string[];
}

const LOCAL = [struct("s", [x(0), y(32)])];
const ask = (access: string, insn = 0): Relo => ({ kind: OFFSET, typeId: FIRST, access, insn });
const program = (name: string, relos: readonly Relo[], insns: readonly Insn[] = [MOV_K, MOV_K, EXIT]): Program => ({
  name,
  insns,
  relos,
});
const BOTH = [ask("0:0", 0), { ...ask("0:1", 1) }];
/** `y` is at 4 in the object, which the second instruction must hold. */
const BOTH_INSNS = [MOV_K, { ...MOV_K, imm: 4 }, EXIT];
const both = (name: string): Program => program(name, BOTH, BOTH_INSNS);
const onlyX = (offset: number): Row => struct("s", [x(offset)]);
const withY = struct("s", [x(96), y(128)]);

export const CILIUM_SCENES: readonly CiliumScene[] = [
  {
    name: "the candidate that serves most relocations of a type serves them all",
    local: LOCAL,
    programs: [both("prog")],
    target: [onlyX(32), withY],
    expect: ["12", "16"],
  },
  {
    name: "of two that serve as many and differ, the second one ends it",
    local: LOCAL,
    programs: [both("prog")],
    target: [onlyX(32), onlyX(64), withY],
    expect: ["ambiguous", "ambiguous"],
  },
  {
    name: "unless a better one came before",
    local: LOCAL,
    programs: [both("prog")],
    target: [withY, onlyX(32), onlyX(64)],
    expect: ["12", "16"],
  },
  {
    name: "two that agree are as good as one",
    local: LOCAL,
    programs: [both("prog")],
    target: [onlyX(32), onlyX(32)],
    expect: ["4", "poisoned"],
  },
  {
    name: "programs decide apart",
    local: LOCAL,
    programs: [program("one", [ask("0:0")]), both("two")],
    target: [onlyX(32), withY],
    expect: ["ambiguous", "12", "16"],
  },
  {
    name: "a function decides together with the program that calls it, and by itself where it is one",
    local: LOCAL,
    programs: [
      program("caller", [ask("0:1", 0)], [{ ...MOV_K, imm: 4 }, { code: 0x85, src: 1, imm: 1 }, EXIT]),
      program("called", [ask("0:0", 0)], [MOV_K, EXIT]),
    ],
    target: [onlyX(32), withY],
    expect: ["16", "ambiguous"],
  },
  {
    name: "a candidate's error is one for all, and the types of a program do not mix",
    local: [...LOCAL, struct("other", [x(0)])],
    programs: [
      program(
        "prog",
        [...BOTH, { kind: OFFSET, typeId: nth(1), access: X, insn: 2 }],
        [...BOTH_INSNS.slice(0, 2), LDX_W, EXIT],
      ),
    ],
    target: [withY, struct("s", [["", c.INT, 0]]), struct("other", [x(32)])],
    expect: ["error", "error", "4"],
  },
];
