import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_UNION,
  KIND_VOID,
  KIND_VOLATILE,
} from "../btf/format.ts";
import { arrayElement, arrayLength } from "../btf/members.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, isEnum, kindFlagOf, kindName, kindOf, targetOf } from "../btf/view.ts";
import { type Accessor, accessorName, NO_NAME, type Spec } from "./spec.ts";

/** How far a type is spelled out; what goes deeper ends in `...`. */
const MAX_DEPTH = 12;
const ANONYMOUS = "{...}";

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
export function typeText(btf: Btf, id: number, depth = 0): string {
  if (depth > MAX_DEPTH) return "...";
  const kind = kindOf(btf, id);
  const name = nameOf(btf, id);
  switch (kind) {
    case KIND_VOID:
      return "void";
    case KIND_STRUCT:
    case KIND_UNION:
      return `${kind === KIND_STRUCT ? "struct" : "union"} ${name || ANONYMOUS}`;
    case KIND_ENUM:
    case KIND_ENUM64:
      return `enum ${name || ANONYMOUS}`;
    case KIND_FWD:
      return `${kindFlagOf(btf, id) === 1 ? "union" : "struct"} ${name || ANONYMOUS}`;
    case KIND_PTR: {
      const inner = typeText(btf, targetOf(btf, id), depth + 1);
      return inner.endsWith("*") ? `${inner}*` : `${inner} *`;
    }
    case KIND_CONST:
    case KIND_VOLATILE:
    case KIND_RESTRICT:
      return qualified(kindName(kind).toLowerCase(), btf, targetOf(btf, id), depth);
    case KIND_TYPE_TAG:
      return typeText(btf, targetOf(btf, id), depth + 1);
    case KIND_ARRAY:
      return `${typeText(btf, arrayElement(btf, id), depth + 1)}[${arrayLength(btf, id)}]`;
    case KIND_FUNC_PROTO:
      return `${typeText(btf, targetOf(btf, id), depth + 1)} (...)`;
    default:
      return name || kindName(kind);
  }
}

/** A qualifier of a pointer stands behind the star, of anything else in front. */
function qualified(word: string, btf: Btf, id: number, depth: number): string {
  const inner = typeText(btf, id, depth + 1);
  return inner.endsWith("*") ? `${inner} ${word}` : `${word} ${inner}`;
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
  "an enum",
];

/** A kind in words, with its article: `a struct`, `an integer`. */
export function kindWords(kind: number): string {
  return KIND_WORDS[kind] ?? kindName(kind);
}
