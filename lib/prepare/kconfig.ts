import { INT_BOOL, INT_SIGNED, KIND_ARRAY, KIND_ENUM, KIND_ENUM64, KIND_INT } from "../btf/format.ts";
import { arrayElement, arrayLength, intEncoding } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, sizeOf } from "../btf/view.ts";
import type { Extern } from "./externs.ts";

/** What an extern setting may be. */
export type SettingType = "bool" | "tristate" | "char" | "int" | "string";

/** `enum libbpf_tristate`. */
const TRISTATE: Readonly<Record<string, bigint>> = { n: 0n, y: 1n, m: 2n };
const MAX_U64 = (1n << 64n) - 1n;

/** What a type says of a setting; null for a type that no loader fills (libbpf.c, find_kcfg_type). */
export function settingType(btf: Btf, id: number): { type: SettingType; signed: boolean } | null {
  const at = skipModifiersAndTypedefs(btf, id);
  switch (kindOf(btf, at)) {
    case KIND_INT: {
      const size = sizeOf(btf, at);
      const encoding = intEncoding(btf, at);
      if ((encoding & INT_BOOL) !== 0) return size === 1 ? { type: "bool", signed: false } : null;
      const signed = (encoding & INT_SIGNED) !== 0;
      if (size === 1) return { type: "char", signed };
      return size === 2 || size === 4 || size === 8 ? { type: "int", signed } : null;
    }
    case KIND_ENUM:
      if (sizeOf(btf, at) !== 4) return null;
      return nameOf(btf, at) === "libbpf_tristate" ? { type: "tristate", signed: false } : null;
    case KIND_ENUM64:
      return nameOf(btf, at) === "libbpf_tristate" ? { type: "tristate", signed: false } : null;
    case KIND_ARRAY: {
      const element = settingType(btf, arrayElement(btf, at));
      return arrayLength(btf, at) > 0 && element?.type === "char" ? { type: "string", signed: false } : null;
    }
    default:
      return null;
  }
}

/** Contents of the map `.kconfig` as far as they are known. */
export interface Settings {
  readonly contents: Uint8Array;
  /** Names of those that were found. */
  readonly set: ReadonlySet<string>;
  readonly refusals: readonly string[];
}

/**
 * Fills the map of settings from lines of a kernel's config: `CONFIG_HZ=250`, `CONFIG_BPF=y`, `CONFIG_X="text"`. Lines
 * that start with `LINUX_` are taken, too, for the values that libbpf itself makes up at run time
 * (LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE, LINUX_HAS_SYSCALL_WRAPPER). The first line of a name counts.
 */
export function readSettings(
  externs: readonly Extern[],
  size: number,
  config: string,
  littleEndian: boolean,
): Settings {
  const contents = new Uint8Array(size);
  const set = new Set<string>();
  const refusals: string[] = [];
  const wanted = new Map(externs.filter(({ kind }) => kind === "kconfig").map((extern) => [extern.name, extern]));
  for (const line of config.split("\n")) {
    const separator = line.indexOf("=");
    const extern = separator === -1 ? undefined : wanted.get(line.slice(0, separator));
    if (extern === undefined || set.has(extern.name)) continue;
    const refusal = writeSetting(extern, line.slice(separator + 1).trimEnd(), contents, littleEndian);
    if (refusal === null) set.add(extern.name);
    else refusals.push(`extern (kcfg) '${extern.name}': ${refusal}`);
  }
  return { contents, set, refusals };
}

/** Null, or why a value does not fit the extern's type (libbpf.c, set_kcfg_value_*). */
function writeSetting({ setting }: Extern, value: string, contents: Uint8Array, littleEndian: boolean): string | null {
  if (setting === null) return "is no setting";
  const { type, size, offset, signed } = setting;
  if (value === "") return "no value";
  const first = value[0] as string;
  const tri = TRISTATE[first];
  if (tri !== undefined) {
    if (type === "char") contents[offset] = first.charCodeAt(0);
    else if (type === "bool" && first !== "m") contents[offset] = first === "y" ? 1 : 0;
    else if (type === "tristate") writeNumber(contents, offset, size, tri, littleEndian);
    else return `value '${value}' implies ${first === "m" ? "tristate or char" : "bool, tristate, or char"} type`;
    return null;
  }
  if (first === '"') {
    if (type !== "string") return `value '${value}' implies char array type`;
    if (value.length < 2 || !value.endsWith('"')) return `invalid string config '${value}'`;
    const text = new TextEncoder().encode(value.slice(1, -1)).subarray(0, size - 1);
    contents.set(text, offset);
    return null;
  }
  const number = parseNumber(value);
  if (number === null) return `value '${value}' isn't a valid integer`;
  if (type !== "int" && type !== "char" && !(type === "bool" && number <= 1n)) {
    return `value '${value}' implies integer type`;
  }
  if (!isInRange(number, size, signed)) return `value '${value}' doesn't fit in ${size} bytes`;
  writeNumber(contents, offset, size, number, littleEndian);
  return null;
}

/** As strtoull with base 0 reads it: decimal, 0x, 0 for octal, and a minus that wraps around. */
function parseNumber(text: string): bigint | null {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)$/.exec(text);
  if (match === null) return null;
  const [, sign, digits = ""] = match;
  if (/^0[0-9]+$/.test(digits) && !/^[0-7]+$/.test(digits)) return null;
  const number = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (number > MAX_U64) return null;
  return sign === "-" ? BigInt.asUintN(64, -number) : number;
}

function isInRange(value: bigint, size: number, signed: boolean): boolean {
  if (size === 8) return true;
  const bits = BigInt(size * 8);
  return signed ? BigInt.asUintN(64, value + (1n << (bits - 1n))) < 1n << bits : value >> bits === 0n;
}

function writeNumber(contents: Uint8Array, offset: number, size: number, value: bigint, littleEndian: boolean): void {
  for (let i = 0; i < size; i++) {
    const shift = BigInt((littleEndian ? i : size - 1 - i) * 8);
    contents[offset + i] = Number((value >> shift) & 0xffn);
  }
}
