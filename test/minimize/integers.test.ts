import { expect, it } from "vitest";
import { INT_BOOL, INT_CHAR, INT_SIGNED, KIND_INT } from "../../lib/btf/format.ts";
import { intBits, intEncoding, intOffset } from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { kindOf, sizeOf, typeCount } from "../../lib/btf/view.ts";
import { RELO_FIELD_BYTE_OFFSET, RELO_TYPE_EXISTS } from "../../lib/core/relo-kind.ts";
import { array, int, m, type Row, struct } from "../btf/builder.ts";
import { jobOf } from "./scene.ts";

/** Integers of the result when all members of a struct are read, as `name bytes:bits encoding @offset`. */
function integers(kernel: readonly Row[], extra: { root?: string; keepNames?: boolean } = {}): string[] {
  const last = kernel.length + 1;
  const members = kernel.map((_, i) => m(`m${i}`, i + 1, i * 64));
  const local = [int("int", 4), ...kernel.map((_, i) => m(`m${i}`, i + 1, i * 64)).slice(0, 0)];
  const localStruct = struct(
    "s",
    last * 8,
    kernel.map((_, i) => m(`m${i}`, 1, i * 64)),
  );
  const asked = kernel.map((_, i) => [RELO_FIELD_BYTE_OFFSET, 2, `0:${i}`] as const);
  const rows = extra.root === undefined ? [...local, localStruct] : [...local, localStruct, int(extra.root, 4)];
  const roots = extra.root === undefined ? [] : [[RELO_TYPE_EXISTS, 3, "0"] as const];
  const { blobs, proof } = jobOf([...kernel, struct("s", last * 8, members)], rows, [...asked, ...roots], {
    keepNames: extra.keepNames === true,
  });
  expect(proof.differences).toEqual([]);
  const btf = parseBtf(blobs[0].bytes);
  return Array.from({ length: typeCount(btf) }, (_, id) => id)
    .filter((id) => kindOf(btf, id) === KIND_INT)
    .map(
      (id) =>
        `${nameOf(btf, id)} ${sizeOf(btf, id)}:${intBits(btf, id)} ${intEncoding(btf, id)} @${intOffset(btf, id)}`,
    );
}

it.each<[name: string, kernel: Row[], kept: string[]]>([
  ["one of a make", [int("unsigned int", 4), int("u32", 4), int("unsigned long", 8)], [" 4:32 0 @0", " 8:64 0 @0"]],
  ["signed apart from unsigned", [int("unsigned int", 4), int("int", 4, 32, INT_SIGNED)], [" 4:32 0 @0", " 4:32 1 @0"]],
  [
    "char and bool as plain numbers",
    [int("char", 1, 8, INT_CHAR), int("_Bool", 1, 8, INT_BOOL), int("u8", 1)],
    [" 1:8 0 @0"],
  ],
  ["fewer bits apart", [int("unsigned int", 4), int("three", 4, 3)], [" 4:32 0 @0", " 4:3 0 @0"]],
])("keeps %s", (_name, kernel, kept) => {
  expect(integers(kernel)).toEqual(kept);
});

it("lets a named one stand for a nameless one, under its own encoding", () => {
  const kernel = [int("u8", 1), int("char", 1, 8, INT_CHAR), int("unsigned int", 4)];
  expect(integers(kernel, { root: "char" })).toEqual(["char 1:8 2 @0", " 4:32 0 @0"]);
});

it("keeps every name and encoding with names", () => {
  const kernel = [int("u8", 1), int("char", 1, 8, INT_CHAR), int("_Bool", 1, 8, INT_BOOL)];
  expect(integers(kernel, { keepNames: true })).toEqual(["u8 1:8 0 @0", "char 1:8 2 @0", "_Bool 1:8 4 @0"]);
});

it("indexes arrays by an integer that is kept anyway, or by one of 4 bytes", () => {
  const kernel = (element: Row, bytes: number): Row[] => [
    element,
    int("index", 8),
    array(1, 2, 4),
    struct("s", bytes * 4, [m("a", 3, 0)]),
  ];
  const local = (element: Row): Row[] => [element, int("index", 8), array(1, 2, 4), struct("s", 64, [m("a", 3, 0)])];
  const kept = (element: Row, bytes: number) => {
    const { blobs, proof } = jobOf(kernel(element, bytes), local(element), [[RELO_FIELD_BYTE_OFFSET, 4, "0:0:1"]]);
    expect(proof.holds).toBe(true);
    const btf = parseBtf(blobs[0].bytes);
    return Array.from({ length: typeCount(btf) }, (_, id) => id)
      .filter((id) => kindOf(btf, id) === KIND_INT)
      .map((id) => sizeOf(btf, id));
  };
  expect(kept(int("short", 2, 16, INT_SIGNED), 2)).toEqual([2]);
  expect(kept(struct("element", 12, []), 12)).toEqual([4]);
  // 16 bytes are none that the kernel takes for an index.
  expect(kept(int("__int128", 16, 128), 16)).toEqual([16, 4]);
});
