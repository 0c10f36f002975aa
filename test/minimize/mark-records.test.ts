import { describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_EXISTS,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_MATCHES,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { KERNEL_RULES, LIBBPF_RULES, type MatchRules } from "../../lib/core/rules.ts";
import { runJob } from "../../lib/job/job.ts";
import {
  array,
  bitStruct,
  btf,
  constOf,
  enum64,
  enumOf,
  fwd,
  int,
  m,
  param,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  union,
} from "../btf/builder.ts";
import { summary } from "../core/case.ts";
import { outline } from "./outline.ts";
import { type Asked, kept, objectOf } from "./scene.ts";

const INT = int("int", 4);
const LONG = int("long", 8);

/** Each row: the kernel's types, the object's, what is relocated, what is kept. */
const cases: [name: string, kernel: Row[], local: Row[], asked: Asked[], lines: string[]][] = [
  [
    "a member, and no other; names of its type go, the struct's stays",
    [INT, typedef("pid_t", 1), constOf(2), struct("task", 12, [m("a", 1, 0), m("pid", 3, 32), m("b", 1, 64)])],
    [INT, struct("task", 4, [m("pid", 1, 0)])],
    [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"]],
    ["struct task 12 {pid@32 int}"],
  ],
  [
    "structs on the way, nameless; a pointer's target not at all",
    [
      INT,
      struct("inner", 8, [m("x", 1, 0), m("y", 1, 32)]),
      ptr(2),
      struct("outer", 24, [m("z", 1, 0), m("in", 2, 64), m("p", 3, 128)]),
    ],
    [INT, struct("i", 4, [m("y", 1, 0)]), ptr(2), struct("outer", 16, [m("in", 2, 0), m("p", 3, 64)])],
    [
      [RELO_FIELD_BYTE_OFFSET, 4, "0:0:0"],
      [RELO_FIELD_BYTE_OFFSET, 4, "0:1"],
    ],
    ["struct 8 {y@32 int}", "struct outer 24 {in@64 struct, p@128 void *}"],
  ],
  [
    "nothing of what is not there",
    [INT, struct("task", 4, [m("a", 1, 0)])],
    [INT, struct("task", 4, [m("pid", 1, 0)]), struct("gone", 4, [])],
    [
      [RELO_FIELD_BYTE_OFFSET, 2, "0:0"],
      [RELO_FIELD_EXISTS, 2, "0:0"],
      [RELO_TYPE_EXISTS, 3, "0"],
    ],
    [],
  ],
  [
    "each candidate what it answers with: bpftool keeps the first alone",
    [
      INT,
      struct("ctx", 4, [m("a", 1, 0)]),
      struct("ctx", 8, [m("a", 1, 0), m("b", 1, 32)]),
      struct("ctx", 4, [m("c", 1, 0)]),
    ],
    [INT, struct("ctx", 8, [m("a", 1, 0), m("b", 1, 32)])],
    [
      [RELO_FIELD_BYTE_OFFSET, 2, "0:0"],
      [RELO_FIELD_BYTE_OFFSET, 2, "0:1"],
    ],
    ["struct ctx 4 {a@0 int}", "struct ctx 8 {a@0 int, b@32 int}"],
  ],
  [
    "why a candidate does not match, where it stays for another relocation: a member of the right name, wrong type",
    [INT, ptr(0), struct("ctx", 16, [m("a", 1, 0), m("b", 2, 64)])],
    [INT, struct("ctx", 8, [m("a", 1, 0), m("b", 1, 32)])],
    [
      [RELO_FIELD_BYTE_OFFSET, 2, "0:0"],
      [RELO_FIELD_EXISTS, 2, "0:1"],
    ],
    ["struct ctx 16 {a@0 int, b@64 void *}"],
  ],
  [
    "but not where it goes",
    [INT, ptr(0), struct("ctx", 16, [m("a", 1, 0), m("b", 2, 64)])],
    [INT, struct("ctx", 8, [m("a", 1, 0), m("b", 1, 32)])],
    [[RELO_FIELD_EXISTS, 2, "0:1"]],
    [],
  ],
  [
    "a member of the right name and the wrong type inside an anonymous one: what lies behind it is found elsewhere",
    [INT, ptr(0), struct("", 8, [m("x", 2, 0)]), struct("s", 32, [m("", 3, 64), m("x", 1, 128), m("rest", 1, 192)])],
    [INT, struct("s", 4, [m("x", 1, 0)])],
    [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"]],
    ["struct 8 {x@0 void *}", "struct s 32 {@64 struct, x@128 int}"],
  ],
  [
    "anonymous members on the path, no others",
    [
      INT,
      union("", 4, [m("x", 1, 0), m("y", 1, 0)]),
      union("", 4, [m("v", 1, 0)]),
      struct("s", 8, [m("", 3, 0), m("", 2, 32)]),
    ],
    [INT, struct("s", 4, [m("y", 1, 0)])],
    [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"]],
    ["struct s 8 {@32 union}", "union 4 {y@0 int}"],
  ],
  [
    "a member behind an array of no elements which is not the last",
    [INT, array(1, 1, 0), struct("s", 12, [m("n", 1, 0), m("list", 2, 32), m("p", 1, 32), m("q", 1, 64)])],
    [INT, array(1, 1, 4), struct("s", 20, [m("list", 2, 32)])],
    [
      [RELO_FIELD_EXISTS, 3, "0:0"],
      [RELO_FIELD_EXISTS, 3, "0:0:1"],
    ],
    ["struct s 12 {list@32 int[0], p@32 int}"],
  ],
  [
    "none behind a flexible array",
    [INT, array(1, 1, 0), struct("s", 4, [m("n", 1, 0), m("list", 2, 32)])],
    [INT, array(1, 1, 4), struct("s", 20, [m("list", 2, 32)])],
    [[RELO_FIELD_BYTE_OFFSET, 3, "0:0:1"]],
    ["struct s 4 {list@32 int[0]}"],
  ],
  [
    "the one enumerator asked for",
    [enumOf("e", 4, { A: 1, B: 2, C: 3 })],
    [enumOf("e", 4, { B: 0 })],
    [[RELO_ENUMVAL_VALUE, 1, "0"]],
    ["enum e {B}"],
  ],
  [
    "an enumerator of each of two enums of one name that has it",
    [enumOf("e", 4, { A: 1 }), enumOf("e___x", 4, { A: 1, B: 2 }), enumOf("e", 4, { C: 1 })],
    [enumOf("e", 4, { A: 0 })],
    [[RELO_ENUMVAL_EXISTS, 1, "0"]],
    // The kind is told, and the flavour stays.
    ["enum e {A}", "enum e___x {A}"],
  ],
  [
    "an enum's name where a field's enum must not match by it",
    [INT, enumOf("colour", 4, { RED: 1 }), struct("s", 8, [m("n", 1, 0), m("e", 2, 32)])],
    [INT, enumOf("shape", 4, { ROUND: 1 }), struct("s", 8, [m("n", 1, 0), m("e", 2, 32)])],
    [
      [RELO_FIELD_BYTE_OFFSET, 3, "0:0"],
      [RELO_FIELD_EXISTS, 3, "0:1"],
    ],
    ["enum colour {}", "struct s 8 {n@0 int, e@32 enum colour}"],
  ],
  [
    "not the name where it matches",
    [enumOf("colour", 4, { RED: 1 }), struct("s", 4, [m("e", 1, 0)])],
    [enumOf("colour", 4, { RED: 1 }), struct("s", 4, [m("e", 1, 0)])],
    [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"]],
    ["enum {}", "struct s 4 {e@0 enum}"],
  ],
  [
    "a size alone",
    [INT, struct("s", 400, [m("a", 1, 0)]), typedef("s_t", 2)],
    [INT, struct("s", 4, [m("a", 1, 0)]), typedef("s_t", 2)],
    [[RELO_TYPE_SIZE, 3, "0"]],
    ["struct 400 {}", "typedef s_t = struct"],
  ],
  [
    "what a typedef's pointer points to, all the way down, without names",
    [INT, struct("a", 4, [m("x", 1, 0)]), ptr(2), proto(1, [param("p", 3)]), ptr(4), typedef("handler_t", 5)],
    [INT, struct("b", 4, []), ptr(2), proto(1, [param("q", 3)]), ptr(4), typedef("handler_t", 5)],
    [[RELO_TYPE_EXISTS, 6, "0"]],
    ["struct 4 {}", "typedef handler_t = int (struct *) *"],
  ],
  [
    "members that type_matches compares, and names behind pointers",
    [INT, fwd("peer"), ptr(2), struct("s", 24, [m("a", 1, 0), m("p", 3, 64), m("c", 1, 128)])],
    [INT, struct("peer", 4, []), ptr(2), struct("s", 16, [m("a", 1, 0), m("p", 3, 64)])],
    [[RELO_TYPE_MATCHES, 4, "0"]],
    ["fwd struct peer", "struct s 24 {a@0 int int, p@64 fwd struct peer *}"],
  ],
  [
    "as many members as decide whether there are too few, where the candidate stays",
    [INT, LONG, struct("s", 24, [m("a", 1, 0), m("x", 1, 32), m("y", 1, 64), m("z", 1, 96)])],
    [INT, struct("s", 8, [m("a", 1, 0), m("b", 1, 32)]), struct("s___few", 4, [m("a", 1, 0)])],
    [
      [RELO_TYPE_MATCHES, 2, "0"],
      [RELO_FIELD_EXISTS, 3, "0:0"],
    ],
    // Member a is compared by name and type, and there are two members.
    ["struct s 24 {a@0 int int, x@32 int int}"],
  ],
  [
    "bitfields by their width, and kind_flag only where one is kept",
    [
      INT,
      bitStruct("s", 8, [m("a", 1, 0, 3), m("b", 1, 3, 5), m("c", 1, 32)]),
      bitStruct("t", 8, [m("a", 1, 0, 3), m("c", 1, 32)]),
    ],
    [INT, bitStruct("s", 4, [m("b", 1, 0, 5)]), struct("t", 4, [m("c", 1, 0)])],
    [
      [RELO_FIELD_BYTE_OFFSET, 2, "0:0"],
      [RELO_FIELD_BYTE_OFFSET, 3, "0:0"],
    ],
    ["struct s 8 {b@3:5 int}", "struct t 8 {c@32 int}"],
  ],
];

describe("what is kept", () => {
  it.each(cases)("%s", (_name, kernel, local, asked, lines) => {
    expect(kept(kernel, local, asked)).toEqual(lines);
  });

  it("two ids where a type's id is asked for and two types answer", () => {
    const twins = [INT, struct("s", 4, []), struct("s", 4, [])];
    const local = [struct("s", 4, [])];
    expect(kept(twins, local, [[RELO_TYPE_EXISTS, 1, "0"]])).toEqual(["struct s 4 {}"]);
    expect(kept(twins, local, [[RELO_TYPE_ID_TARGET, 1, "0"]])).toEqual(["struct s 4 {}", "struct s 4 {}"]);
    // Of different sizes they never were one.
    const others = [INT, struct("s", 4, []), struct("s", 8, [])];
    expect(kept(others, local, [[RELO_TYPE_EXISTS, 1, "0"]])).toEqual(["struct s 4 {}", "struct s 8 {}"]);
  });

  it("the width of pointers for a 32-bit kernel, and for another when asked to", () => {
    const kernel = (bytes: number) => [int("long", bytes), ptr(0), struct("s", 8, [m("p", 2, 0)])];
    const local = [ptr(0), struct("s", 8, [m("p", 1, 0)])];
    const asked: Asked[] = [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"]];
    const sizes = (...job: Parameters<typeof kept>) => kept(...job);
    expect(sizes(kernel(8), local, asked)).toEqual(["struct s 8 {p@0 void *}"]);
    const width = (bytes: number, keepLong: boolean) =>
      parseBtf(
        runJob({ base: { bytes: btf(kernel(bytes)), source: "kernel" } }, [objectOf(local, asked)], { keepLong })
          .blobs[0].bytes,
      ).pointerSize;
    expect([width(8, false), width(8, true), width(4, false), width(4, true)]).toEqual([0, 8, 4, 4]);
  });
});

describe("a base and modules", () => {
  const base = btf([INT, LONG, struct("shared", 4, [m("b", 1, 0)]), struct("other", 8, [m("x", 1, 0)])]);
  const parsedBase = parseBtf(base);
  const module = (rows: Row[]) => btf(rows, { base: parsedBase });
  const first = module([struct("shared", 8, [m("a", 1, 32)]), struct("own", 8, [m("a", 1, 32)]), ptr(5)]);
  const second = module([struct("own", 16, [m("a", 1, 64)])]);
  const target = {
    base: { bytes: base, source: "kernel" },
    modules: [
      { bytes: first, source: "first" },
      { bytes: second, source: "second" },
    ],
  };
  const local = [INT, struct("shared", 4, [m("a", 1, 0)]), struct("own", 4, [m("a", 1, 0)])];
  const ownOnly: Asked[] = [[RELO_FIELD_BYTE_OFFSET, 3, "0:0"]];
  const both: Asked[] = [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"], ...ownOnly];
  const lines = (asked: Asked[], options = {}) => {
    const { blobs, proof } = runJob(target, [objectOf(local, asked)], options);
    expect(proof.holds).toBe(true);
    const small = parseBtf(blobs[0].bytes);
    const all = blobs.length === 1 ? small : parseModules(small, blobs.slice(1));
    return [blobs.length, outline(all)];
  };

  it("keep a type of the base where the base has one of that name, so that modules are not looked into", () => {
    expect(lines(ownOnly)).toEqual([3, ["struct own 16 {a@64 int}", "struct own 8 {a@32 int}"]]);
    expect(lines(both)).toEqual([3, ["struct own 16 {a@64 int}", "struct own 8 {a@32 int}", "struct shared 4 {}"]]);
  });

  it("need none of it when they become one", () => {
    expect(lines(both, { flatten: true })).toEqual([1, ["struct own 16 {a@64 int}", "struct own 8 {a@32 int}"]]);
  });

  it("hide a module's name that would be a candidate beside the base's then", () => {
    const withPointer = module([struct("shared", 8, [m("a", 1, 32)]), struct("own", 8, [m("in", 5, 0)])]);
    const object = objectOf(
      [INT, struct("shared", 4, [m("b", 1, 0)]), struct("x", 8, []), struct("own", 4, [m("in", 3, 0)])],
      [
        [RELO_FIELD_BYTE_OFFSET, 2, "0:0"],
        [RELO_FIELD_BYTE_OFFSET, 4, "0:0"],
      ],
    );
    const one = { base: target.base, modules: [{ bytes: withPointer, source: "module" }] };
    const { blobs, proof } = runJob(one, [object], { flatten: true, keepNames: true });
    expect(proof.differences).toEqual([]);
    expect(outline(parseBtf(blobs[0].bytes))).toEqual([
      "struct 8 {}",
      "struct own 8 {in@0 struct}",
      "struct shared 4 {b@0 int int}",
    ]);
    const apart = runJob(one, [object], { keepNames: true });
    expect(apart.proof.holds).toBe(true);
    expect(outline(parseModules(parseBtf(apart.blobs[0].bytes), apart.blobs.slice(1)))).toContain("struct shared 8 {}");
  });

  it("share integers, pointers and strings of the base", () => {
    const { blobs } = runJob(target, [objectOf(local, both)]);
    const [small, ...split] = blobs;
    expect(parseBtf(small.bytes).offsets.length).toBeGreaterThan(2);
    for (const { bytes } of split) {
      expect(outline(parseModules(parseBtf(small.bytes), [{ bytes, source: "module" }]))).toContainEqual(
        expect.stringMatching(/^struct own/),
      );
    }
  });
});

describe("enums of two widths", () => {
  const wide = enum64("e", 8, { A: 5n, B: 6n });
  const narrow = enumOf("e", 4, { A: 7, B: 8 });
  const local = [enumOf("e", 4, { A: 1 }), enum64("e", 8, { A: 1n })];
  const asked: Asked[] = [
    [RELO_ENUMVAL_VALUE, 1, "0"],
    [RELO_ENUMVAL_VALUE, 2, "0"],
  ];
  const values = (job: ReturnType<typeof runJob>) =>
    job.sets.map(({ records }) => records.map((record) => summary(record)));
  const split = (base: Row, module: Row) => {
    const bytes = btf([INT, base]);
    const modules = [{ bytes: btf([module], { base: parseBtf(bytes) }), source: "module" }];
    return { base: { bytes, source: "kernel" }, modules };
  };

  it("stay what they are: to libbpf each is a candidate of the other, to the kernel it is not", () => {
    const one = { base: { bytes: btf([INT, wide]), source: "kernel" } };
    const job = runJob(one, [objectOf(local, asked)]);
    expect([job.proof.holds, ...values(job)]).toEqual([true, ["5", "5"], ["poisoned", "5"]]);
    expect(outline(parseBtf(job.blobs[0].bytes))).toEqual(["enum64 e {A}"]);
  });

  it("are kept of the base for libbpf, and of the module for the kernel", () => {
    const job = runJob(split(wide, narrow), [objectOf(local, asked)]);
    expect(job.proof.differences).toEqual([]);
    expect(values(job)).toEqual([
      ["5", "5"],
      ["7", "5"],
    ]);
    const none = runJob(split(enum64("e", 8, { B: 6n }), enumOf("e", 4, { A: 7 })), [objectOf(local, asked)]);
    expect(none.proof.differences).toEqual([]);
    expect(values(none)).toEqual([
      ["poisoned", "poisoned"],
      ["7", "poisoned"],
    ]);
  });

  it("cannot serve both as one BTF where they differ, and the proof says so", () => {
    const serve = (ruleSets: MatchRules[], keepNames = false) =>
      runJob(split(wide, narrow), [objectOf(local, asked)], { flatten: true, keepNames, ruleSets }).proof;
    const { differences } = serve([LIBBPF_RULES, KERNEL_RULES]);
    expect(differences[0]?.small).toBe("ambiguous (candidates [1] and [2] give the values 5 and 7)");
    for (const keepNames of [false, true]) {
      for (const rules of [LIBBPF_RULES, KERNEL_RULES]) expect(serve([rules], keepNames).differences).toEqual([]);
    }
  });
});

describe("with names kept", () => {
  it("keeps typedefs and modifiers on the way, and every kept type's name", () => {
    const kernel = [
      INT,
      typedef("pid_t", 1),
      constOf(2),
      struct("in", 8, [m("pid", 3, 0), m("x", 1, 32)]),
      struct("task", 8, [m("in", 4, 0)]),
    ];
    const local = [INT, struct("i", 4, [m("pid", 1, 0)]), struct("task", 4, [m("in", 2, 0)])];
    expect(kept(kernel, local, [[RELO_FIELD_BYTE_OFFSET, 3, "0:0:0"]], { keepNames: true })).toEqual([
      "struct in 8 {pid@0 const}",
      "struct task 8 {in@0 struct in}",
      "typedef pid_t = int int",
    ]);
  });
});

it("pads no struct that must not match for want of members", () => {
  const deep: Row[] = [INT, struct("l1", 4, [m("x", 1, 0)]), struct("l2", 4, [m("x", 2, 0)]), int("unsigned char", 1)];
  const kernel = [...deep, struct("s", 16, [m("a", 3, 64)])];
  const local = [...deep, struct("s", 8, [m("a", 3, 0), m("b", 1, 32)]), struct("s___f", 4, [m("a", 3, 0)])];
  // Had the kernel's struct a second member, its resolver would go into the first one and give up three levels down.
  const asked: Asked[] = [
    [RELO_TYPE_MATCHES, 5, "0"],
    [RELO_FIELD_EXISTS, 6, "0:0"],
  ];
  expect(kept(kernel, local, asked, { padding: "explicit" })).toContain("struct s 16 {a@64 struct}");
  expect(kept(kernel, local, asked.slice(1), { padding: "explicit" })).toContain(
    "struct s 16 {__btfgen_pad0@0 int unsigned char[8], a@64 struct, __btfgen_pad1@96 int unsigned char[4]}",
  );
});
