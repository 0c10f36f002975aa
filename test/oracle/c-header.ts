/** A header's types against the BTF that a compiler makes of them: every named type's size, members, values and text. */
import { KIND_ARRAY, KIND_FLOAT, KIND_FWD, KIND_INT, KIND_TYPEDEF } from "../../lib/btf/format.ts";
import {
  arrayElement,
  enumeratorName,
  enumeratorValue,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
} from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, sizeOf, targetOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { declare, keywordOf, plainSpelling } from "../../lib/c/declarator.ts";
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";

/** A type of the BTF and the name that C has for it. */
export interface NamedType {
  readonly id: number;
  /** `struct sock`, `u32`. */
  readonly name: string;
  /** True when there can be an object of it. */
  readonly hasSize: boolean;
}

/**
 * The named types of a BTF as a header has them: a second one of a name has `___2` behind it, and so on. One name space
 * has the tags, another the typedefs.
 */
export function namedTypes(btf: Btf, from = 1): NamedType[] {
  const counts = new Map<string, number>();
  const found: NamedType[] = [];
  for (let id = from; id < typeCount(btf); id++) {
    const kind = kindOf(btf, id);
    const raw = nameOf(btf, id);
    const isTag = isComposite(kind) || isEnum(kind);
    if (raw === "" || !(isTag || kind === KIND_TYPEDEF)) continue;
    const key = `${isTag ? "tag" : "typedef"} ${raw}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const name = count === 1 ? raw : `${raw}___${count}`;
    found.push({ id, name: isTag ? `${keywordOf(btf, id)} ${name}` : name, hasSize: resolveSize(btf, id) >= 0 });
  }
  return found;
}

/**
 * C text that makes a compiler tell all it knows of the types: one union that has each inside. (A variable of each takes
 * clang several times as long, and a pointer to one is not always followed.)
 */
export function uses(types: readonly NamedType[]): string {
  const members = types.map(({ name, hasSize }, i) => `\t${name} ${hasSize ? "" : "*"}use_${i};\n`);
  return `union btfgen_uses {\n${members.join("")}} btfgen_uses;\n`;
}

/** The BTF in a compiled object. */
export function compiledBtf(object: Uint8Array, pointerSize: 4 | 8): Btf {
  const section = btfSectionsOf(openElf(object, "compiled")).btf;
  if (section === undefined) throw new Error("the compiler made no BTF");
  return parseBtf(section, { source: "compiled", pointerSize });
}

/**
 * Types in parts, to be compiled one by one: the time that LLVM takes for BTF grows with the square of its names
 * (44 s of CPU for a whole kernel's, clang 14 and 19).
 */
export function parts(types: readonly NamedType[], count: number): NamedType[][] {
  const size = Math.ceil(types.length / count);
  return Array.from({ length: count }, (_, i) => types.slice(i * size, (i + 1) * size)).filter(
    ({ length }) => length > 0,
  );
}

/** What a comparison found. */
export interface Comparison {
  /** Types compared. */
  readonly types: number;
  readonly members: number;
  readonly bitfields: number;
  readonly enumerators: number;
  /** Types that the compiler knows nothing of. */
  readonly missing: readonly string[];
  /** Sizes, places and values that are not the same. */
  readonly differences: readonly string[];
  /** Members whose type's text is another, beyond names of integers. */
  readonly retyped: readonly string[];
}

/** How the compiler's BTF may differ. */
export interface Tolerance {
  /** Names of more types than are compared. */
  readonly all?: readonly NamedType[];
  /** Compare 32 bits of values only: clang before 16 knows no more. */
  readonly low32?: boolean;
}

/** Compares named types of a BTF with the compiler's. Signs of enums are not compared: clang decides them by the values. */
export function compareTypes(
  ours: Btf,
  types: readonly NamedType[],
  theirs: Btf,
  { low32 = false, all = types }: Tolerance = {},
): Comparison {
  const there = new Map<string, number>();
  for (let id = 1; id < typeCount(theirs); id++) {
    const kind = kindOf(theirs, id);
    const name = nameOf(theirs, id);
    if (name === "" || !(isComposite(kind) || isEnum(kind) || kind === KIND_TYPEDEF)) continue;
    there.set(kind === KIND_TYPEDEF ? name : `${keywordOf(theirs, id)} ${name}`, id);
  }
  const missing: string[] = [];
  const differences: string[] = [];
  const retyped: string[] = [];
  const counts = { types: 0, members: 0, bitfields: 0, enumerators: 0 };
  const names = new Map<number, string>(all.map(({ id, name }) => [id, name]));
  const report = (where: string, what: string, a: unknown, b: unknown): void => {
    if (a !== b) differences.push(`${where}: ${what} ${String(a)}, compiled ${String(b)}`);
  };

  const compareComposite = (where: string, id: number, other: number): void => {
    report(where, "size", sizeOf(ours, id), sizeOf(theirs, other));
    const mine = flatMembers(ours, id);
    const its = flatMembers(theirs, other).filter(({ name }) => !name.startsWith("__btfgen_gap"));
    report(where, "members", mine.map(({ name }) => name).join(), its.map(({ name }) => name).join());
    for (const [i, member] of mine.entries()) {
      const compiled = its[i];
      if (compiled?.name !== member.name) break;
      const path = `${where}.${member.name}`;
      counts.members++;
      report(path, "bit offset", member.offset, compiled.offset);
      report(path, "width", member.width, compiled.width);
      if (member.width > 0) counts.bitfields++;
      const [inner, innerThere] = [member, compiled].map(({ type }, side) =>
        namelessIn(side === 0 ? ours : theirs, type),
      ) as [number, number];
      if (member.width === 0) report(path, "bytes", resolveSize(ours, member.type), resolveSize(theirs, compiled.type));
      const [a, b] = [textOf(ours, member.type, names), textOf(theirs, compiled.type)];
      if (a !== b) retyped.push(`${path}: ${a}, compiled ${b}`);
      if (inner !== 0 && innerThere !== 0) compare(path, inner, innerThere);
      else if (inner !== innerThere) report(path, "nameless", inner !== 0, innerThere !== 0);
    }
  };
  const compareEnum = (where: string, id: number, other: number): void => {
    report(where, "size", sizeOf(ours, id), sizeOf(theirs, other));
    const valuesOf = (btf: Btf, of: number): string[] =>
      Array.from({ length: vlenOf(btf, of) }, (_, i) => {
        const name = stringAt(btf.strings, enumeratorName(btf, of, i)).replace(/___\d+$/, "");
        const value = enumeratorValue(btf, of, i);
        return `${name}=${BigInt.asUintN(low32 ? 32 : 64, value)}`;
      });
    const [mine, its] = [valuesOf(ours, id), valuesOf(theirs, other)];
    counts.enumerators += mine.length;
    if (mine.length > 0) report(where, "enumerators", mine.join(), its.join());
  };
  const compare = (where: string, id: number, other: number): void => {
    const [a, b] = [kindOf(ours, id), kindOf(theirs, other)];
    if (isComposite(a) && a === b) compareComposite(where, id, other);
    else if (isEnum(a) && isEnum(b)) compareEnum(where, id, other);
    else report(where, "kind", a, b);
  };
  for (const { id, name } of types) {
    const other = there.get(name);
    if (other === undefined) {
      missing.push(name);
      continue;
    }
    counts.types++;
    if (kindOf(ours, id) !== KIND_TYPEDEF) {
      compare(name, id, other);
      continue;
    }
    const [a, b] = [textOf(ours, targetOf(ours, id), names), textOf(theirs, targetOf(theirs, other))];
    // The compiler's own name, which a header cannot define.
    const isBuiltin = a === "__builtin_va_list" && b === "__builtin_va_list_";
    if (a !== b && !isBuiltin) retyped.push(`${name}: ${a}, compiled ${b}`);
    const [inner, innerThere] = [namelessIn(ours, targetOf(ours, id)), namelessIn(theirs, targetOf(theirs, other))];
    if (inner !== 0 && innerThere !== 0) compare(name, inner, innerThere);
    // A forward declaration of what the header defines has its size.
    else if (resolveSize(ours, id) >= 0) report(name, "bytes", resolveSize(ours, id), resolveSize(theirs, other));
  }
  return { ...counts, missing, differences, retyped };
}

interface FlatMember {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly width: number;
}

/** Members by name, those of members without a name among them. */
function flatMembers(btf: Btf, id: number, base = 0): FlatMember[] {
  return Array.from({ length: vlenOf(btf, id) }, (_, i) => i).flatMap((i) => {
    const name = stringAt(btf.strings, memberName(btf, id, i));
    const type = memberType(btf, id, i);
    const offset = base + memberBitOffset(btf, id, i);
    if (name !== "") return [{ name, type, offset, width: memberBitfieldSize(btf, id, i) }];
    const inner = skipModifiersAndTypedefs(btf, type);
    return isComposite(kindOf(btf, inner)) ? flatMembers(btf, inner, offset) : [];
  });
}

/** The struct, union or enum without a name that a member is made of, behind arrays; 0 for none. */
function namelessIn(btf: Btf, type: number): number {
  let at = type;
  for (;;) {
    const kind = kindOf(btf, at);
    if (kind === KIND_ARRAY) at = arrayElement(btf, at);
    else if ([9, 10, 11, 18].includes(kind)) at = targetOf(btf, at);
    else return (isComposite(kind) || isEnum(kind)) && nameOf(btf, at) === "" ? at : 0;
  }
}

/** A type's text, integers by the order of C's words and stand-ins by size. */
function textOf(btf: Btf, id: number, names?: ReadonlyMap<number, string>): string {
  const plain = plainSpelling(btf);
  const text = declare(
    {
      ...plain,
      specifier: (at) => {
        const kind = kindOf(btf, at);
        if (kind === KIND_INT || kind === KIND_FLOAT) return scalarText(nameOf(btf, at));
        if (kind === KIND_FWD) return `${keywordOf(btf, at)} ${nameOf(btf, at)}`;
        return names?.get(at) ?? plain.specifier(at);
      },
      parameters: () => () => "",
    },
    id,
    "",
  );
  // gcc and clang nest the two either way.
  return text.replaceAll("volatile const ", "const volatile ");
}

const scalarText = (name: string): string =>
  name
    .split(" ")
    .filter((word) => word !== "int" || name === "int" || name === "unsigned int")
    .sort()
    .join(" ");
