/** Declarations of types with a name, as C has them. */
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { declare, declareMember, plainSpelling } from "../../lib/c/declarator.ts";
import {
  array,
  bitStruct,
  btf,
  constOf,
  enumOf,
  fwd,
  int,
  m,
  param,
  proto,
  ptr,
  type Row,
  restrictOf,
  struct,
  typedef,
  typeTag,
  union,
  volatileOf,
} from "../btf/builder.ts";

/** The declaration of the last type. */
function declared(rows: readonly Row[], name = "x"): string {
  return declare(plainSpelling(parseBtf(btf(rows))), rows.length, name);
}

const INT = int("int", 4);

describe("a declaration", () => {
  it.each<[string, string, readonly Row[]]>([
    ["int x", "int", [INT]],
    ["int *x", "int *", [INT, ptr(1)]],
    ["int **x", "int **", [INT, ptr(1), ptr(2)]],
    ["void *x", "void *", [ptr(0)]],
    ["const int *x", "const int *", [INT, constOf(1), ptr(2)]],
    ["int *const x", "int *const", [INT, ptr(1), constOf(2)]],
    ["int *const volatile x", "int *const volatile", [INT, ptr(1), volatileOf(2), constOf(3)]],
    ["int *const *x", "int *const *", [INT, ptr(1), constOf(2), ptr(3)]],
    ["char *restrict x", "char *restrict", [int("char", 1), ptr(1), restrictOf(2)]],
    ["int x", "int", [INT, restrictOf(1)]],
    ["ip restrict x", "ip restrict", [INT, ptr(1), typedef("ip", 2), restrictOf(3)]],
    ["const ip restrict x", "const ip restrict", [INT, ptr(1), typedef("ip", 2), restrictOf(3), constOf(4)]],
    ["ip restrict *x", "ip restrict *", [INT, ptr(1), constOf(2), typedef("ip", 3), restrictOf(4), ptr(5)]],
    [
      "void x(ip restrict)",
      "void (ip restrict)",
      [INT, ptr(1), typedef("ip", 2), restrictOf(3), proto(0, [param("", 4)])],
    ],
    ["i x", "i", [INT, typedef("i", 1), restrictOf(2)]],
    ["const int x", "const int", [INT, constOf(1), constOf(2)]],
    ["int x[4]", "int[4]", [INT, array(1, 1, 4)]],
    ["int x[4][2]", "int[4][2]", [INT, array(1, 1, 2), array(2, 1, 4)]],
    ["const int x[4]", "const int[4]", [INT, array(1, 1, 4), constOf(2)]],
    ["int *const x[4]", "int *const [4]", [INT, ptr(1), array(2, 1, 4), constOf(3)]],
    ["int *x[4]", "int *[4]", [INT, ptr(1), array(2, 1, 4)]],
    ["int (*x)[4]", "int (*)[4]", [INT, array(1, 1, 4), ptr(2)]],
    ["int x(void)", "int (void)", [INT, proto(1)]],
    ["void (*x)(int, void *)", "void (*)(int, void *)", [INT, ptr(0), proto(0, [param("", 1), param("", 2)]), ptr(3)]],
    [
      "int (*x)(const char *fmt, ...)",
      "int (*)(const char *fmt, ...)",
      [INT, int("char", 1), constOf(2), ptr(3), proto(1, [param("fmt", 4), param("", 0)]), ptr(5)],
    ],
    ["int (*x[3])(void)", "int (*[3])(void)", [INT, proto(1), ptr(2), array(3, 1, 3)]],
    ["int (*(*x)(void))(int)", "int (*(*)(void))(int)", [INT, proto(1, [param("", 1)]), ptr(2), proto(3), ptr(4)]],
    ["int *(*x)(void)", "int *(*)(void)", [INT, ptr(1), proto(2), ptr(3)]],
    ["int (*x)()", "int (*)()", [INT, proto(1, [param("", 0)]), ptr(2)]],
    ["struct sock *x", "struct sock *", [struct("sock", 0), ptr(1)]],
    ["struct sock *x", "struct sock *", [fwd("sock"), ptr(1)]],
    ["union sock *x", "union sock *", [fwd("sock", 1), ptr(1)]],
    ["union {...} x", "union {...}", [union("", 0)]],
    ["enum pid_type x", "enum pid_type", [enumOf("pid_type", 4, {})]],
    ["pid_t x", "pid_t", [INT, typedef("pid_t", 1)]],
    ["char __user *x", "char __user *", [int("char", 1), typeTag("user", 1), ptr(2)]],
    ["const char __user *x", "const char __user *", [int("char", 1), constOf(1), typeTag("user", 2), ptr(3)]],
    ["char *__rcu *x", "char *__rcu *", [int("char", 1), ptr(1), typeTag("rcu", 2), ptr(3)]],
    [
      'char __attribute__((btf_type_tag("a b"))) *x',
      'char __attribute__((btf_type_tag("a b"))) *',
      [int("char", 1), typeTag("a b", 1), ptr(2)],
    ],
    [
      "char __attribute__((address_space(1))) *x",
      "char __attribute__((address_space(1))) *",
      [int("char", 1), typeTag("address_space(1)", 1, 1), ptr(2)],
    ],
  ])("%s", (withName, alone, rows) => {
    expect([declared(rows), declared(rows, "")]).toEqual([withName, alone]);
  });

  it("ends in dots where a type has no end", () => {
    expect(declared([INT, ptr(2)])).toBe("... x");
    expect(declared([INT, proto(1, [param("", 3)]), ptr(2)])).toMatch(/^int \(\*x\)\((int \(\*\)\(){12}\.\.\.\){13}$/);
  });

  it("stays short where parameters multiply", () => {
    const rows: Row[] = [INT];
    for (let id = 2; id <= 40; id += 2) rows.push(ptr(id - 1), proto(id, Array(20).fill(param("", id))));
    expect(declared(rows).length).toBeLessThan(100_000);
  });
});

describe("a member's declaration", () => {
  it("has the width of a bitfield, and of it alone", () => {
    const view = parseBtf(btf([INT, bitStruct("s", 8, [m("a", 1, 0, 3), m("b", 1, 32)])]));
    expect([0, 1].map((i) => declareMember(plainSpelling(view), 2, i))).toEqual(["int a: 3", "int b"]);
  });
});
