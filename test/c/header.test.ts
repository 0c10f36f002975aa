/** Headers of small BTF: what C looks like, and that bad input ends. */
import { describe, expect, it } from "vitest";
import type { DumpSelection } from "../../lib/btf/dump-select.ts";
import { INT_BOOL, INT_SIGNED } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { dumpC } from "../../lib/c/header.ts";
import {
  array,
  bitStruct,
  btf,
  constOf,
  declTag,
  enum64,
  enumOf,
  float,
  func,
  fwd,
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
  variable,
} from "../btf/builder.ts";
import { formatErrorOf } from "../btf/records.ts";

function header(rows: readonly Row[], selection: DumpSelection = {}): string {
  const chunks: Buffer[] = [];
  dumpC(parseBtf(btf(rows)), (chunk) => chunks.push(Buffer.from(chunk)), selection);
  return Buffer.concat(chunks).toString("latin1");
}

/** The declarations between prologue and epilogue, without blank lines. */
function body(rows: readonly Row[], selection: DumpSelection = {}): string[] {
  const lines = header(rows, selection).split("\n");
  const from = lines.findIndex((line) => line.startsWith("#pragma clang attribute push"));
  const start = from === -1 ? lines.indexOf("#define __has_attribute(name) 0") + 2 : from + 2;
  const pop = lines.lastIndexOf("#if defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)");
  const end = pop < start ? lines.indexOf("#endif /* __VMLINUX_H__ */") : pop;
  return lines.slice(start, end).filter((line) => line !== "");
}

const INT = int("int", 4, 32, INT_SIGNED);
const CHAR = int("char", 1, 8, INT_SIGNED);
const LONG = int("long int", 8, 64, INT_SIGNED);

describe("a header", () => {
  it("is guarded, and keeps accesses for CO-RE", () => {
    expect(header([INT, struct("s", 4, [m("a", 1, 0)])])).toBe(`#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef __has_attribute
#define __has_attribute(name) 0
#endif

#if defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

struct s {
\tint a;
};

#if defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`);
  });

  it("has no pragma where nothing would take its attribute", () => {
    expect(header([INT, typedef("i", 1)])).not.toContain("pragma");
  });
});

const of = (lines: string, rows: readonly Row[], selection?: DumpSelection) => [lines, rows, selection] as const;

describe("order", () => {
  it.each<[string, ...ReturnType<typeof of>]>([
    [
      "a struct behind the one that it has inside",
      ...of("struct b { | \tint x; | }; | struct a { | \tstruct b b; | };", [
        INT,
        struct("a", 4, [m("b", 3, 0)]),
        struct("b", 4, [m("x", 1, 0)]),
      ]),
    ],
    [
      "a pointer needs nothing",
      ...of("struct a { | \tstruct b *b; | }; | struct b { | \tstruct a *a; | };", [
        struct("a", 8, [m("b", 3, 0)]),
        struct("b", 8, [m("a", 4, 0)]),
        ptr(2),
        ptr(1),
      ]),
    ],
    [
      "a function's parameters need the tag",
      ...of("struct b; | struct a { | \tvoid (*f)(struct b *, struct a *); | }; | struct b { | \tstruct a a; | };", [
        struct("a", 8, [m("f", 3, 0)]),
        struct("b", 8, [m("a", 1, 0)]),
        ptr(4),
        proto(0, [param("", 5), param("", 6)]),
        ptr(2),
        ptr(1),
      ]),
    ],
    [
      "a typedef before its use, behind a tag",
      ...of("typedef struct s s_t; | struct s { | \ts_t *next; | };", [
        struct("s", 8, [m("next", 3, 0)]),
        typedef("s_t", 1),
        ptr(2),
      ]),
    ],
    [
      "an array's element, even behind a pointer",
      ...of("struct b { | \tint x; | }; | struct a { | \tstruct b (*rows)[4]; | };", [
        INT,
        struct("a", 8, [m("rows", 5, 0)]),
        struct("b", 4, [m("x", 1, 0)]),
        array(3, 1, 4),
        ptr(4),
      ]),
    ],
    [
      "a selection has what lies inside, and tags for the rest",
      ...of(
        "struct b { | \tint x; | }; | struct a { | \tstruct b b; | \tstruct c *c; | };",
        [
          INT,
          struct("a", 16, [m("b", 3, 0), m("c", 5, 64)]),
          struct("b", 4, [m("x", 1, 0)]),
          struct("c", 4, [m("y", 1, 0)]),
          ptr(4),
        ],
        { names: ["a"] },
      ),
    ],
    [
      "a selected typedef has what an object of it is made of, and one of a pointer has not",
      ...of(
        "typedef const struct s t; | typedef struct p *u; | struct s { | \tint x; | };",
        [
          INT,
          struct("s", 4, [m("x", 1, 0)]),
          constOf(2),
          typedef("t", 3),
          struct("p", 4, [m("y", 1, 0)]),
          ptr(5),
          typedef("u", 6),
        ],
        { names: ["t", "u"] },
      ),
    ],
  ])("%s", (_, lines, rows, selection) => {
    expect(body(rows, selection).join(" | ")).toBe(lines);
  });
});

describe("layout", () => {
  it.each<[string, readonly string[], readonly Row[]]>([
    [
      "packed by an offset",
      ["\tchar a;", "\tint b;", "} __attribute__((packed));"],
      [INT, CHAR, struct("s", 5, [m("a", 2, 0), m("b", 1, 8)])],
    ],
    [
      "packed by a size",
      ["\tint a;", "\tchar b;", "} __attribute__((packed));"],
      [INT, CHAR, struct("s", 5, [m("a", 1, 0), m("b", 2, 32)])],
    ],
    ["natural", ["\tchar a;", "\tint b;", "};"], [INT, CHAR, struct("s", 8, [m("a", 2, 0), m("b", 1, 32)])]],
    [
      "a small gap",
      ["\tint a;", "\tint: 32;", "\tint b;", "};"],
      [INT, struct("s", 12, [m("a", 1, 0), m("b", 1, 64)])],
    ],
    [
      "a gap that an alignment explains",
      ["\tint a;", "\tint b __attribute__((aligned(64)));", "};"],
      [INT, struct("s", 128, [m("a", 1, 0), m("b", 1, 512)])],
    ],
    [
      "a gap before a member without a name, where an alignment would be its type's",
      ["\tlong int a;", "\tlong: 64;", "\tstruct {", "\t\tlong int x;", "\t};", "\tlong int c;", "};"],
      [LONG, struct("s", 32, [m("a", 1, 0), m("", 3, 128), m("c", 1, 192)]), struct("", 8, [m("x", 1, 0)])],
    ],
    [
      "qualifiers of a member without a name",
      ["\tconst struct {", "\t\tint x;", "\t};", "};"],
      [INT, struct("s", 4, [m("", 3, 0)]), constOf(4), struct("", 4, [m("x", 1, 0)])],
    ],
    [
      "a tail that an alignment explains",
      ["\tint a;", "} __attribute__((aligned(64)));"],
      [INT, struct("s", 64, [m("a", 1, 0)])],
    ],
    [
      "a large gap",
      ["\tint a;", "\tunsigned char __btfgen_gap0[100];", "\tint b;", "};"],
      [INT, struct("s", 108, [m("a", 1, 0), m("b", 1, 832)])],
    ],
    [
      "bitfields and the bits between",
      ["\tint a: 3;", "\tchar: 2;", "\tint b: 4;", "\tint c: 30;", "};"],
      [INT, bitStruct("s", 8, [m("a", 1, 0, 3), m("b", 1, 5, 4), m("c", 1, 32, 30)])],
    ],
    [
      "bitfields across a border",
      ["\tint a: 20;", "\tint b: 20;", "} __attribute__((packed));"],
      [INT, bitStruct("s", 5, [m("a", 1, 0, 20), m("b", 1, 20, 20)])],
    ],
    [
      "bitfields of old compilers",
      ["\tint a: 3;", "\tint b: 5;", "};"],
      [
        INT,
        struct("s", 4, [m("a", 3, 0), m("b", 4, 0)]),
        int("int", 4, 3, INT_SIGNED),
        int("int", 4, 5, INT_SIGNED, 3),
      ],
    ],
    [
      "an array of any length",
      ["\tint n;", "\tchar data[];", "};"],
      [INT, CHAR, struct("s", 4, [m("n", 1, 0), m("data", 4, 32)]), array(2, 1, 0)],
    ],
    [
      "an array of none before another member",
      ["\tchar none[0];", "\tint n;", "};"],
      [INT, CHAR, struct("s", 4, [m("none", 4, 0), m("n", 1, 0)]), array(2, 1, 0)],
    ],
    [
      "an array of any length behind a name in a struct without one",
      ["\tstruct {", "\t\tint n;", "\t};", "\tchar data[];", "};"],
      [INT, CHAR, struct("s", 4, [m("", 4, 0), m("data", 5, 32)]), struct("", 4, [m("n", 1, 0)]), array(2, 1, 0)],
    ],
    [
      "an array of none behind a union without members and without a name",
      ["\tunion {", "\t\tint: 32;", "\t};", "\tchar data[0];", "};"],
      [INT, CHAR, struct("s", 4, [m("", 4, 0), m("data", 5, 32)]), union("", 4), array(2, 1, 0)],
    ],
    [
      "an array of any length with a tail",
      ["\tint n;", "\tchar data[0];", "\tint: 32;", "};"],
      [INT, CHAR, struct("s", 8, [m("n", 1, 0), m("data", 4, 32)]), array(2, 1, 0)],
    ],
    [
      "overlapping members",
      ["\tint a;", "\t/* b at 2: it overlaps the member before it */", "};"],
      [INT, struct("s", 4, [m("a", 1, 0), m("b", 3, 16)]), int("short int", 2)],
    ],
    [
      "a tail that only the alignment of a member left out would make",
      ["\tchar c[9];", "\t/* a at 8: it overlaps the member before it */", "} __attribute__((aligned(16)));"],
      [LONG, CHAR, struct("s", 16, [m("c", 4, 0), m("a", 1, 64)]), array(2, 1, 9)],
    ],
    [
      "a tail of a nameless bitfield",
      ["\tchar c: 8;", ...Array(7).fill("\tchar: 8;"), "};"],
      [LONG, CHAR, bitStruct("s", 8, [m("c", 2, 0, 8), m("", 1, 8, 56)])],
    ],
    [
      "a bitfield of an integer that bytes stand in for, or wider than the compiler's",
      [
        "typedef struct { unsigned char bytes[3]; } __attribute__((aligned(1))) u24;",
        "\t/* a at 0: a bitfield must be an integer */",
        "\t/* b at 0: it is wider than its type */",
        "\t/* x at 0: a bitfield must be an integer */",
        "\tchar: 7;",
        "\t_Bool c: 1;",
        "\tint d: 24;",
        "};",
      ],
      [
        INT,
        int("u24", 3),
        int("_Bool", 1, 8, INT_BOOL),
        bitStruct("s", 4, [m("a", 2, 0, 5), m("b", 3, 5, 2), m("x", 5, 5, 2), m("c", 3, 7, 1), m("d", 1, 8, 24)]),
        int("double", 8),
      ],
    ],
    [
      "a member behind the end",
      ["\t/* a at 4: it ends behind its struct */", "\tchar: 8;", "\tchar: 8;", "};"],
      [INT, struct("s", 2, [m("a", 1, 32)])],
    ],
    ["a struct of nothing", ["struct s {};"], [struct("s", 0)]],
    [
      "tags",
      ['\tint __btf_type_tag("user") *p __btf_decl_tag("m\\042");', '} __btf_decl_tag("s");'],
      [INT, struct("s", 8, [m("p", 4, 0)]), typeTag("user", 1), ptr(3), declTag('m"', 2, 0), declTag("s", 2)],
    ],
  ])("%s", (_, lines, rows) => {
    expect(body(rows).filter((line) => !/^(#|struct s \{$)/.test(line))).toEqual(lines);
  });

  it("of a union: bits for a small rest, an alignment or a member for more", () => {
    const of = (bytes: number) => body([INT, union("u", bytes, [m("a", 1, 0)])]).join(" ");
    expect(of(8)).toBe("union u { \tint a; \tlong: 64; };");
    expect(of(64)).toBe("union u { \tint a; } __attribute__((aligned(64)));");
    expect(of(12)).toBe("union u { \tint a; \tunsigned char __btfgen_gap0[12]; };");
    const rows = [CHAR, union("u", 16, [m("a", 1, 0), m("b", 3, 0)]), array(1, 1, 16)];
    expect(body(rows).join(" "), "filled by its last member").toBe("union u { \tchar a; \tchar b[16]; };");
    expect(of(6)).toBe("union u { \tint a; \tlong: 48; } __attribute__((packed));");
  });

  it("unfolds a struct with a name in a member without one, which C cannot have", () => {
    const rows = [INT, struct("s", 4, [m("a", 1, 0)]), struct("t", 8, [m("", 2, 0), m("b", 1, 32)])];
    expect(body(rows).slice(3)).toEqual(["struct t {", "\tstruct {", "\t\tint a;", "\t};", "\tint b;", "};"]);
  });
});

describe("names", () => {
  it("are flavoured where another has them", () => {
    const rows = [
      INT,
      struct("s", 4, [m("a", 1, 0)]),
      struct("s", 8, [m("p", 4, 0)]),
      ptr(2),
      typedef("s", 3),
      typedef("s", 1),
      enumOf("e", 4, { s: 1, A: 2 }),
      enumOf("f", 4, { A: 3 }),
    ];
    expect(body(rows).join(" ")).toBe(
      "struct s { \tint a; }; struct s___2 { \tstruct s *p; }; typedef struct s___2 s; typedef int s___2; enum e { \ts___3 = 1, \tA = 2, }; enum f { \tA___2 = 3, };",
    );
  });

  it("that C cannot have are made such that it can", () => {
    const rows = [INT, struct("a-b", 8, [m("int", 1, 0), m("1x", 1, 32)])];
    expect(body(rows)).toEqual(["struct a_b {", "\tint int_;", "\tint _1x;", "};"]);
  });

  it("of members are flavoured where another of the struct, or of one unfolded in it, has them", () => {
    const rows = [
      INT,
      struct("s", 20, [m("a.b", 1, 0), m("a_b", 1, 32), m("int", 1, 64), m("", 3, 96), m("u", 4, 128)]),
      struct("", 4, [m("a_b", 1, 0)]),
      struct("", 4, [m("int", 1, 0)]),
    ];
    const members = [
      "int a_b;",
      "int a_b___2;",
      "int int_;",
      "struct {",
      "int a_b___3;",
      "};",
      "struct {",
      "int int_;",
    ];
    expect(body(rows).map((line) => line.trim())).toEqual(["struct s {", ...members, "} u;", "};"]);
  });

  it("of parameters are left out where one before has them, in the same function", () => {
    const inner = [proto(1, [param("a.b", 1)]), ptr(2)];
    const rows = [INT, ...inner, proto(1, [param("a_b", 1), param("f", 3), param("a.b", 1)]), typedef("f_t", 4)];
    expect(body(rows)).toEqual(["typedef int f_t(int a_b, int (*f)(int a_b), int);"]);
  });

  it("of a forward declaration are the struct's, but a union's are another", () => {
    const rows = [fwd("s"), ptr(1), struct("s", 16, [m("p", 2, 0), m("q", 5, 64)]), fwd("s", 1), ptr(4)];
    expect(body(rows)).toEqual(["struct s {", "\tstruct s *p;", "\tunion s___2 *q;", "};", "union s___2;"]);
  });

  it("are made up for what cannot be written out in place", () => {
    const loop = [struct("", 8, [m("next", 2, 0)]), ptr(1), struct("s", 8, [m("p", 2, 0)])];
    expect(body(loop)).toEqual([
      "struct __anon_struct_1 {",
      "\tstruct __anon_struct_1 *next;",
      "};",
      "struct s {",
      "\tstruct __anon_struct_1 *p;",
      "};",
    ]);
    const twice = [enumOf("", 4, { A: 1 }), struct("s", 8, [m("x", 1, 0), m("y", 1, 32)])];
    expect(body(twice).join(" ")).toBe(
      "enum __anon_enum_1 { \tA = 1, }; struct s { \tenum __anon_enum_1 x; \tenum __anon_enum_1 y; };",
    );
  });

  const guard = "#if !defined(__STDC_VERSION__) || __STDC_VERSION__ <= 201710L || !true";

  it("leave out keywords of later C", () => {
    const rows = [int("_Bool", 1, 8, INT_BOOL), typedef("bool", 1), enumOf("", 4, { false: 0, true: 1 })];
    expect(body(rows)).toEqual([
      guard,
      "typedef _Bool bool;",
      "#endif",
      guard,
      "enum {",
      "\tfalse = 0,",
      "\ttrue = 1,",
      "};",
      "#endif",
    ]);
  });

  it("of members that only later C has taken are kept for earlier C", () => {
    const rows = [INT, struct("s", 8, [m("bool", 1, 0), m("nullptr", 1, 32)]), struct("t", 4, [m("bool", 1, 0)])];
    expect(body(rows)).toEqual([
      ...[guard, "#define __btfgen_bool bool", "#else", "#define __btfgen_bool bool_", "#endif"],
      ...[guard, "#define __btfgen_nullptr nullptr", "#else", "#define __btfgen_nullptr nullptr_", "#endif"],
      ...["struct s {", "\tint __btfgen_bool;", "\tint __btfgen_nullptr;", "};"],
      ...["struct t {", "\tint __btfgen_bool;", "};"],
    ]);
  });

  it("of other things that later C has taken get what C cannot have", () => {
    const rows = [
      INT,
      typedef("bool", 1),
      enumOf("alignas", 4, { true: 1 }),
      ptr(5),
      proto(1, [param("constexpr", 2)]),
      typedef("f", 4),
    ];
    expect(body(rows).join(" ")).toBe(
      "typedef int bool_; enum alignas_ { \ttrue_ = 1, }; typedef int (*f)(bool_ constexpr_);",
    );
  });
});

describe("scalars and enums", () => {
  it("stand in for integers that C does not have", () => {
    const rows = [
      int("ssizetype", 8, 64, INT_SIGNED),
      int("u9", 3),
      int("unsigned int", 8),
      LONG,
      float("_Float128", 16),
      float("double", 8),
    ];
    expect(body(rows)).toEqual([
      "typedef long long ssizetype;",
      "typedef struct { unsigned char bytes[3]; } __attribute__((aligned(1))) u9;",
      "typedef unsigned long long unsigned_int;",
      "typedef struct { unsigned char bytes[16]; } __attribute__((aligned(16))) _Float128_;",
    ]);
  });

  it.each([
    ["signed _Bool", 1, "unsigned char"],
    ["int char", 1, "unsigned char"],
    ["int __int128", 16, "unsigned __int128"],
    ["signed unsigned int", 4, "unsigned int"],
    ["double", 8, ""],
    ["signed char", 1, ""],
    ["signed", 4, ""],
    ["long signed int", 8, ""],
    ["signed __int128", 16, ""],
  ])("stand in where C has no such integer: %s of %i bytes, %j", (name, bytes, standIn) => {
    const own = `typedef ${standIn} ${name.replaceAll(" ", "_")};`;
    expect(body([int(name, bytes)])).toEqual(standIn === "" ? [] : [own]);
  });

  it("stand in for a float that no C has", () => {
    expect(body([float("signed float", 4)])).toEqual(["typedef float signed_float;"]);
  });

  it.each<[string, Row]>([
    ["enum e { \tA = -1, \tB = 2147483647, };", enumOf("e", 4, { A: -1, B: 0x7fffffff }, 1)],
    ["enum e { \tA = 4294967295, };", enumOf("e", 4, { A: -1 })],
    ["enum e { \tA = 255, } __attribute__((mode(byte)));", enumOf("e", 1, { A: 255 })],
    ["enum e { \tA = 1, } __attribute__((mode(HI)));", enumOf("e", 2, { A: 1 })],
    ["enum e { \tA = 1, } __attribute__((mode(DI)));", enum64("e", 8, { A: 1n })],
    ["enum e { \tA = 18446744073709551615ULL, };", enum64("e", 8, { A: -1n })],
    ["enum e { \tA = (-9223372036854775807LL - 1), \tB = -1, };", enum64("e", 8, { A: -(1n << 63n), B: -1n }, 1)],
    ["enum e { \t__enum_1 = 0, };", enumOf("e", 4, {})],
  ])("%s", (text, row) => {
    expect(body([row]).join(" ")).toBe(text);
  });
});

describe("functions and variables", () => {
  const rows = [
    INT,
    typedef("u32", 1),
    ptr(4),
    struct("sock", 4, [m("a", 1, 0)]),
    proto(1, [param("sk", 3), param("u32", 2)]),
    func("bpf_b", 5),
    func("bpf_a", 5),
    declTag("bpf_kfunc", 6),
    declTag("bpf_kfunc", 7),
    declTag("bpf_fastcall", 7),
    func("other", 5),
    variable("v", 3),
  ];

  it("are prototypes where BPF programs may call them, by name", () => {
    const lines = body(rows);
    expect(lines.filter((line) => /^extern|other|v;/.test(line))).toEqual([
      "extern __bpf_fastcall int bpf_a(struct sock *sk, u32) __weak __ksym;",
      "extern int bpf_b(struct sock *sk, u32) __weak __ksym;",
    ]);
    expect(lines).toContain("#ifndef BPF_NO_KFUNC_PROTOTYPES");
  });

  it("bring all that is passed or returned by value", () => {
    const byValue = [
      INT,
      struct("arg", 4, [m("a", 1, 0)]),
      struct("other", 4, [m("a", 1, 0)]),
      typedef("other_t", 3),
      struct("result", 4, [m("a", 1, 0)]),
      struct("pointed", 4, [m("a", 1, 0)]),
      ptr(6),
      proto(5, [param("x", 2), param("y", 4), param("z", 7)]),
      func("bpf_f", 8),
      declTag("bpf_kfunc", 9),
    ];
    const lines = body(byValue, { names: ["bpf_f"] });
    expect(lines.filter((line) => line.startsWith("struct "))).toEqual([
      ...["struct result {", "struct arg {", "struct other {", "struct pointed;"],
    ]);
    expect(lines).toContain("extern struct result bpf_f(struct arg x, other_t y, struct pointed *z) __weak __ksym;");
  });

  it("are comments where they are asked for", () => {
    expect(body(rows, { names: ["other", "v"] })).toEqual([
      "typedef int u32;",
      "/* int other(struct sock *sk, u32); */",
      "/* struct sock *v; */",
    ]);
  });
});

describe("input that no compiler makes", () => {
  it.each<[string, readonly Row[]]>([
    ["a struct inside itself", [struct("s", 8, [m("a", 1, 0)])]],
    ["structs inside each other", [struct("s", 8, [m("a", 2, 0)]), struct("t", 8, [m("a", 1, 0)])]],
    ["a nameless struct inside itself", [struct("s", 8, [m("", 2, 0)]), struct("", 8, [m("", 2, 0)])]],
    ["a typedef of itself", [typedef("t", 1)]],
    ["a pointer to itself", [struct("s", 8, [m("a", 2, 0)]), ptr(2)]],
    ["a function of itself", [struct("s", 8, [m("a", 3, 0)]), proto(0, [param("", 3)]), ptr(2)]],
  ])("%s is an error", (_, rows) => {
    expect(formatErrorOf(() => header(rows)).code).toMatch(/^(type-loop|too-large)$/);
  });

  it("is an error before the first byte, however much text comes before it", () => {
    const rows: Row[] = [INT];
    for (let id = 2; id <= 4001; id++) rows.push(struct(`filler${id}`, 4, [m("a", 1, 0)]));
    rows.push(ptr(4002), struct("s", 8, [m("a", 4002, 0)]));
    let bytes = 0;
    const write = (chunk: Uint8Array): void => {
      bytes += chunk.length;
    };
    expect(formatErrorOf(() => dumpC(parseBtf(btf(rows)), write)).code).toBe("type-loop");
    expect(bytes).toBe(0);
  });

  /** A type of `count` rows, each made of the one before it, and a struct with a member of the last; INT is first. */
  const chained = (count: number, link: (before: number, i: number) => readonly Row[], bytes = 8): Row[] => {
    const rows: Row[] = [INT];
    for (let i = 0; i < count; i++) rows.push(...link(rows.length, i));
    return [...rows, struct("s", bytes, [m("a", rows.length, 0)]), struct("other", 4, [m("b", 1, 0)])];
  };
  const functions = (count: number) => chained(count, (before) => [proto(1, [param("", before)]), ptr(before + 1)]);
  const OTHER = ["struct other {", "\tint b;", "};"];

  it.each<[string, string, readonly Row[]]>([
    ["300 pointers", `\tint ${"*".repeat(300)}a;`, chained(300, (before) => [ptr(before)])],
    ["functions in each other", `\tint (*a)(${"int (*)(".repeat(19)}int${")".repeat(20)};`, functions(20)],
    [
      "2000 parameters",
      `\tint (*a)(${Array(2000).fill("int").join(", ")});`,
      chained(1, () => [proto(1, Array(2000).fill(param("", 1))), ptr(2)]),
    ],
    ["250 typedefs", "\tt249 a;", chained(250, (before, i) => [typedef(`t${i}`, before)], 4)],
  ])("has all of what is long and ends: %s", (_, line, rows) => {
    const lines = body(rows);
    expect(lines).toContain(line);
    expect(lines.slice(-3)).toEqual(OTHER);
  });

  it.each<[string, readonly Row[]]>([
    ["functions nested deeper than 64", functions(70)],
    [
      "more than 256 typedefs, qualifiers and arrays in a row",
      chained(300, (before, i) => [typedef(`t${i}`, before)], 4),
    ],
  ])("leaves out a member of a type that has %s, and nothing else", (what, rows) => {
    const lines = body(rows);
    expect(lines).toContain(`\t/* a at 0: its type has ${what} */`);
    expect(lines.slice(-3)).toEqual(OTHER);
  });

  it("says of a typedef what bound it is beyond", () => {
    const rows = functions(70);
    const error = formatErrorOf(() => header([...rows, typedef("t", 141)]));
    expect(error.message).toContain("functions nested deeper than 64");
  });

  it("ends where nameless structs multiply", () => {
    const rows: Row[] = [INT, struct("s", 8, [m("a", 3, 0)])];
    for (let id = 3; id < 60; id++) rows.push(union("", 8, [m("a", id + 1, 0), m("b", id + 1, 0)]));
    rows.push(struct("", 4, [m("x", 1, 0)]));
    expect(header(rows).length).toBeLessThan(2_000_000);
    const nameless: Row[] = [INT, struct("s", 8, [m("", 3, 0)])];
    for (let id = 3; id < 60; id++) nameless.push(union("", 8, [m("", id + 1, 0), m("", id + 1, 0)]));
    nameless.push(struct("", 4, [m("x", 1, 0)]));
    expect(formatErrorOf(() => header(nameless)).code).toBe("too-large");
  });

  it("has void where a type is none, and no member", () => {
    const rows = [INT, func("f", 3), proto(1), struct("s", 8, [m("a", 2, 0), m("p", 5, 0)]), ptr(2), constOf(0)];
    expect(body(rows)).toEqual(["struct s {", "\t/* a at 0: its type has no size */", "\tvoid *p;", "};"]);
  });
});
