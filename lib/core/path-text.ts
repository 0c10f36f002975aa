import { nameOf } from "../btf/strings.ts";
import { type Btf, isEnum, kindName, kindOf } from "../btf/view.ts";
import { declare, plainSpelling } from "../c/declarator.ts";
import { type Accessor, accessorName, NO_NAME, type Spec } from "./spec.ts";

/**
 * An access path as a person writes it: `sock.__sk_common.skc_family`, `foo.a[3].b`, `foo[2].x` where the root itself
 * is indexed, `bpf_features::BPF_FEAT_X` for an enumerator. Anonymous members are not named, as in C. A path without
 * steps is the type: `struct sock`.
 */
export function pathText(btf: Btf, { rootId, accessors }: Spec): string {
  const first = accessors[0];
  if (first === undefined) return typeText(btf, rootId);
  const root = nameOf(btf, rootId) || typeText(btf, rootId);
  if (first.nameOffset !== NO_NAME) {
    const name = accessorName(btf, first);
    return isEnum(kindOf(btf, first.typeId)) ? `${root}::${name}` : `${root}.${name}`;
  }
  const start = first.index === 0 ? root : `${root}[${first.index}]`;
  return start + stepsText(btf, accessors.slice(1));
}

function stepsText(btf: Btf, accessors: readonly Accessor[]): string {
  return accessors
    .map((accessor) => (accessor.nameOffset === NO_NAME ? `[${accessor.index}]` : `.${accessorName(btf, accessor)}`))
    .join("");
}

/** A type as C declares it, in one line and without members: `const struct sock *`, `int[4]`, `struct {...}`. */
export function typeText(btf: Btf, id: number): string {
  return declare(plainSpelling(btf), id, "");
}

const KIND_WORDS: readonly string[] = [
  "void",
  "an integer",
  "a pointer",
  "an array",
  "a struct",
  "a union",
  "an enum",
  "a forward declaration",
  "a typedef",
  "a volatile type",
  "a const type",
  "a restrict type",
  "a function",
  "a function type",
  "a variable",
  "a section",
  "a float",
  "a declaration tag",
  "a type tag",
  "an enum64",
];

/** A kind in words, with its article: `a struct`, `an integer`. */
export function kindWords(kind: number): string {
  return KIND_WORDS[kind] ?? kindName(kind);
}
