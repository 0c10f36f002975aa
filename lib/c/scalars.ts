import { INT_BOOL, INT_SIGNED, KIND_FLOAT } from "../btf/format.ts";
import { intEncoding } from "../btf/members.ts";
import { pointerBytes } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, sizeOf } from "../btf/view.ts";

/** Sizes in bytes of C's own types, by their words in the order of the alphabet and without `int` and `signed`. */
function sizesOf(longBytes: number): ReadonlyMap<string, number> {
  return new Map([
    ["", 4],
    ["unsigned", 4],
    ["char", 1],
    ["char unsigned", 1],
    ["short", 2],
    ["short unsigned", 2],
    ["long", longBytes],
    ["long unsigned", longBytes],
    ["long long", 8],
    ["long long unsigned", 8],
    ["__int128", 16],
    ["__int128 unsigned", 16],
    ["_Bool", 1],
    ["float", 4],
    ["double", 8],
  ]);
}

const SIZES_32 = sizesOf(4);
const SIZES_64 = sizesOf(8);

/** The longest name of one of them has four words; `signed` and `int` may each stand there once, and any may not. */
const TYPE_WORDS = /^(?:(?:unsigned|signed|char|short|int|long|__int128|_Bool|float|double)(?: |$)){1,4}$/;

/** Beside these words `int` and `signed` may not stand. */
const NEVER_INT = /char|__int128|_Bool|float|double/;
const NEVER_SIGNED = /unsigned|_Bool|float|double/;

/** True when an INT or FLOAT is, by name and size, one that the compiler has, on a target with pointers of this BTF's size. */
export function isBuiltIn(btf: Btf, id: number): boolean {
  const name = nameOf(btf, id);
  if (!TYPE_WORDS.test(name)) return false;
  const words = name.split(" ");
  const others = words.filter((word) => word !== "long");
  if (new Set(others).size < others.length) return false;
  if (words.includes("int") && NEVER_INT.test(name)) return false;
  if (words.includes("signed") && NEVER_SIGNED.test(name)) return false;
  // `signed char` is a type of its own, but only the size counts here.
  const rest = words.filter((word) => word !== "signed" && word !== "int").sort();
  return (pointerBytes(btf) === 4 ? SIZES_32 : SIZES_64).get(rest.join(" ")) === sizeOf(btf, id);
}

const SIGNED_BY_SIZE: ReadonlyMap<number, string> = new Map([
  [1, "signed char"],
  [2, "short"],
  [4, "int"],
  [8, "long long"],
  [16, "__int128"],
]);
const UNSIGNED_BY_SIZE: ReadonlyMap<number, string> = new Map([
  [1, "unsigned char"],
  [2, "unsigned short"],
  [4, "unsigned int"],
  [8, "unsigned long long"],
  [16, "unsigned __int128"],
]);

/** What the compiler has for an INT or FLOAT that it does not know by name: a type of the same size, or bytes. */
export function standIn(btf: Btf, id: number): string {
  const size = sizeOf(btf, id);
  if (kindOf(btf, id) === KIND_FLOAT) return size === 4 ? "float" : size === 8 ? "double" : bytes(size);
  const encoding = intEncoding(btf, id);
  if ((encoding & INT_BOOL) !== 0 && size === 1) return "_Bool";
  const names = (encoding & INT_SIGNED) !== 0 ? SIGNED_BY_SIZE : UNSIGNED_BY_SIZE;
  return names.get(size) ?? bytes(size);
}

/** Bits of what C has for an INT, the most that a bitfield of it can have; 0 where that is no integer. */
export function bitsOf(btf: Btf, id: number): number {
  const size = sizeOf(btf, id);
  const type = isBuiltIn(btf, id) ? nameOf(btf, id) : standIn(btf, id);
  if (type === "_Bool") return 1;
  // Before BTF had FLOATs, a kernel's `double` was an INT.
  return UNSIGNED_BY_SIZE.has(size) && type !== "float" && type !== "double" ? size * 8 : 0;
}

const bytes = (size: number): string =>
  `struct { unsigned char bytes[${size}]; } __attribute__((aligned(${alignmentOf(size)})))`;

/**
 * Alignment in bytes of a scalar in C for BPF: its size, up to 16 (LLVM's data layout has `i64:64-i128:128`), whatever
 * the kernel's own machine has.
 */
export function alignmentOf(size: number): number {
  if (size === 0) return 1;
  const lowest = size & -size;
  return Math.min(lowest, 16);
}
