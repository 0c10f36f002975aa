import {
  INFO_KIND_FLAG_SHIFT,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_WORD,
  KIND_DATASEC,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FWD,
  KIND_INT,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
} from "../btf/format.ts";
import { type Btf, isEnum, kindOf, recordOf, vlenOf } from "../btf/view.ts";
import type { DiffKind } from "./change.ts";

const KINDS: readonly (readonly [kind: number, word: DiffKind])[] = [
  [KIND_STRUCT, "struct"],
  [KIND_UNION, "union"],
  [KIND_ENUM, "enum"],
  [KIND_TYPEDEF, "typedef"],
  [KIND_FUNC, "func"],
  [KIND_VAR, "var"],
  [KIND_INT, "int"],
  [KIND_FLOAT, "float"],
  [KIND_DATASEC, "datasec"],
];

const WORDS: ReadonlyMap<number, DiffKind> = new Map(KINDS);

/** True for a kind whose types stand for themselves where they have a name. */
export function isRootKind(kind: number): boolean {
  return WORDS.has(kind);
}

/** The kind that a name is of, by a type's info word: ENUM64 is ENUM, a FWD is what it declares. */
function nameKind(info: number): number {
  const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  if (kind === KIND_ENUM64) return KIND_ENUM;
  if (kind === KIND_FWD) return info >>> INFO_KIND_FLAG_SHIFT === 1 ? KIND_UNION : KIND_STRUCT;
  return kind;
}

/** The word for a type that stands for itself; null for others. */
export function diffKindOf(btf: Btf, id: number): DiffKind | null {
  const kind = nameKind(btf.words[recordOf(btf, id) + INFO_WORD] as number);
  return WORDS.get(kind) ?? null;
}

/** A forward declaration, or an enum without enumerators, which C has no other way to write. */
export function isDeclaration(btf: Btf, id: number): boolean {
  const kind = kindOf(btf, id);
  return kind === KIND_FWD || (isEnum(kind) && vlenOf(btf, id) === 0);
}
