/** Input that is well formed and made to take for ever: each case a target and an object of at most a few megabytes. */
import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_ENUM,
  KIND_FUNC_PROTO,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPEDEF,
} from "../../lib/btf/format.ts";
import {
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_TYPE_EXISTS,
  RELO_TYPE_MATCHES,
} from "../../lib/core/relo-kind.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import { MOV_K, objectBytes, type Relo } from "../core/object-builder.ts";

/** One case. */
export interface Hostile {
  readonly name: string;
  /** The code of the FormatError that refuses it; null when it is just read. */
  readonly refused: "type-loop" | "too-large" | null;
  readonly make: () => { readonly target: Uint8Array; readonly object: Uint8Array };
}

const INT = int("int", 4, 1);
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const struct = (name: string, bytes: number, members: readonly Row[]): Row => [
  name,
  info(KIND_STRUCT, members.length),
  bytes,
  ...members.flat(),
];

/** An object with these types and relocations, each on an instruction of its own. */
function objectOf(rows: readonly Row[], relos: readonly Omit<Relo, "insn">[]): Uint8Array {
  const program = {
    name: "p",
    insns: relos.map(() => MOV_K),
    relos: relos.map((relo, insn) => ({ ...relo, insn })),
  };
  return objectBytes({ rows, programs: [program] });
}

const field = (typeId: number, access = "0:0") => ({ kind: RELO_FIELD_BYTE_OFFSET, typeId, access });
/** `struct foo { int wanted; }`, as type 2. */
const FOO: readonly Row[] = [INT, struct("foo", 4, [["wanted", 1, 0]])];
const LONG_NAME = "n".repeat(1_000_000);
const LONG_NAME_A = `${LONG_NAME}a`;
const LONG_NAME_B = `${LONG_NAME}b`;
const LONG_PATH = `${"0:".repeat(500_000)}0`;

export const HOSTILE: readonly Hostile[] = [
  {
    name: "100,000 anonymous members behind a chain of 100,000 modifiers",
    refused: "type-loop",
    make: () => ({
      target: blob([
        INT,
        struct("foo", 4, [...many(100_000, () => ["", 3, 0]), ["wanted", 1, 0]]),
        ...many(100_000, (i) => ["", info(KIND_CONST), i + 4]),
        struct("", 4, []),
      ]),
      object: objectOf(FOO, [field(2)]),
    }),
  },
  {
    name: "pointers to a chain of 100,000 typedefs, compared by 1,000 relocations",
    refused: "type-loop",
    make: () => {
      const rows: Row[] = [
        INT,
        ["foo", info(KIND_TYPEDEF), 3],
        ...many(100_000, (i): Row => ["t", info(KIND_TYPEDEF), i + 4]),
        ["", info(KIND_PTR), 1],
      ];
      return {
        target: blob(rows),
        object: objectOf(
          [INT, ["foo", info(KIND_TYPEDEF), 1]],
          many(1_000, () => ({ kind: RELO_TYPE_EXISTS, typeId: 2, access: "0" })),
        ),
      };
    },
  },
  {
    name: "20,000 anonymous members of 20,000 members each",
    refused: "type-loop",
    make: () => ({
      target: blob([
        INT,
        struct("foo", 4, [...many(20_000, () => ["", 3, 0]), ["wanted", 1, 0]]),
        struct(
          "",
          4,
          many(20_000, () => ["other", 1, 0]),
        ),
      ]),
      object: objectOf(
        FOO,
        many(100, (i) => field(2, `${i}:0`)),
      ),
    }),
  },
  {
    name: "anonymous members, two a level, 60 levels deep",
    refused: "type-loop",
    make: () => ({
      target: blob([
        INT,
        struct("foo", 4, [
          ["", 3, 0],
          ["", 3, 0],
          ["wanted", 1, 0],
        ]),
        ...many(60, (i) =>
          struct("", 4, [
            ["", i + 4, 0],
            ["", i + 4, 0],
          ]),
        ),
        struct("", 4, []),
      ]),
      object: objectOf(FOO, [field(2)]),
    }),
  },
  {
    name: "100,000 structs of one name and 10,000 relocations",
    refused: "too-large",
    make: () => ({
      target: blob([INT, ...many(100_000, () => struct("foo", 4, [["wanted", 1, 0]]))]),
      object: objectOf(
        FOO,
        many(10_000, (i) => field(2, `${i}:0`)),
      ),
    }),
  },
  {
    name: "a struct of 300,000 members and 10,000 relocations",
    refused: "too-large",
    make: () => ({
      target: blob([INT, struct("foo", 4, [...many(300_000, () => ["other", 1, 0]), ["wanted", 1, 0]])]),
      object: objectOf(
        FOO,
        many(10_000, (i) => field(2, `${i}:0`)),
      ),
    }),
  },
  {
    name: "an enum of 400,000 enumerators and 10,000 relocations",
    refused: "too-large",
    make: () => {
      const enumerators = many(400_000, () => ["other", 1]).flat();
      return {
        target: blob([INT, ["foo", info(KIND_ENUM, 400_001), 4, ...enumerators, "wanted", 2]]),
        object: objectOf(
          [INT, ...many(10_000, (): Row => ["foo", info(KIND_ENUM, 1), 4, "wanted", 0])],
          many(10_000, (i) => ({ kind: RELO_ENUMVAL_VALUE, typeId: i + 2, access: "0" })),
        ),
      };
    },
  },
  {
    name: "100,000 types that share a name of a megabyte",
    refused: null,
    make: () => ({
      target: blob([INT, ...many(100_000, () => struct(LONG_NAME, 4, [["wanted", 1, 0]]))]),
      object: objectOf(FOO, [field(2)]),
    }),
  },
  {
    name: "2,000 roots with one name of a megabyte",
    refused: "too-large",
    make: () => {
      const rows = [INT, ...many(2_000, () => struct(LONG_NAME, 4, [["wanted", 1, 0]]))];
      return {
        target: blob(rows.slice(0, 3)),
        object: objectOf(
          rows,
          many(2_000, (i) => field(i + 2)),
        ),
      };
    },
  },
  {
    name: "100,000 members with a name of a megabyte, matched by name without flavour",
    refused: "too-large",
    make: () => ({
      target: blob([
        INT,
        struct(
          "foo",
          4,
          many(100_000, () => [LONG_NAME_B, 1, 0]),
        ),
      ]),
      object: objectOf(
        [INT, struct("foo", 4, [[LONG_NAME_A, 1, 0]])],
        [{ kind: RELO_TYPE_MATCHES, typeId: 2, access: "0" }],
      ),
    }),
  },
  {
    name: "arrays of arrays, 100,000 deep",
    refused: null,
    make: () => ({
      target: blob([
        INT,
        struct("foo", 4, [["wanted", 3, 0]]),
        ...many(100_000, (i): Row => ["", info(KIND_ARRAY), 0, i + 4, 1, 1]),
        int("char", 1),
      ]),
      object: objectOf([INT, struct("foo", 4, [["wanted", 3, 0]]), ["", info(KIND_ARRAY), 0, 1, 1, 1]], [field(2)]),
    }),
  },
  {
    name: "100,000 arrays without elements in one struct, indexed by 3,000 relocations",
    refused: "too-large",
    make: () => ({
      target: blob([
        INT,
        struct("foo", 4, [["wanted", 3, 0], ...many(100_000, (): Row => ["other", 3, 0])]),
        ["", info(KIND_ARRAY), 0, 1, 1, 0],
      ]),
      object: objectOf(
        [INT, struct("foo", 4, [["wanted", 3, 0]]), ["", info(KIND_ARRAY), 0, 1, 1, 4]],
        many(3_000, (i) => field(2, `${i}:0:1`)),
      ),
    }),
  },
  {
    name: "function prototypes that take themselves, 30 parameters each",
    refused: null,
    make: () => {
      const rows: Row[] = [
        INT,
        ["foo", info(KIND_TYPEDEF), 3],
        ["", info(KIND_PTR), 4],
        ["", info(KIND_FUNC_PROTO, 30), 1, ...many(30, () => ["", 3]).flat()],
      ];
      return {
        target: blob(rows),
        object: objectOf(
          rows,
          many(100, () => ({ kind: RELO_TYPE_MATCHES, typeId: 2, access: "0" })),
        ),
      };
    },
  },
  {
    name: "20,000 relocations with access strings of a megabyte",
    refused: null,
    make: () => ({
      target: blob(FOO),
      object: objectOf(
        FOO,
        many(20_000, () => field(2, LONG_PATH)),
      ),
    }),
  },
  {
    name: "2,000 programs in sections of their own, a relocation each",
    refused: null,
    make: () => ({
      target: blob(FOO),
      object: objectBytes({
        rows: FOO,
        programs: many(2_000, (i) => ({
          name: `p${i}`,
          section: `s${i}`,
          insns: [MOV_K],
          relos: [field(2)],
        })),
      }),
    }),
  },
  {
    name: "4,000 programs in one section, five relocations each",
    refused: null,
    make: () => ({
      target: blob(FOO),
      object: objectBytes({
        rows: FOO,
        programs: many(4_000, (i) => ({
          name: `p${i}`,
          insns: many(5, () => MOV_K),
          relos: many(5, (insn) => ({ ...field(2), insn })),
        })),
      }),
    }),
  },
  {
    name: "5,000 programs with one name of a megabyte",
    refused: "too-large",
    make: () => ({
      target: blob(FOO),
      object: objectBytes({
        rows: FOO,
        programs: many(5_000, () => ({ name: LONG_NAME, insns: [MOV_K], relos: [field(2)] })),
      }),
    }),
  },
];
