/** What the kernel asks of each kind's record, as tables by kind (the `check_meta` functions of kernel/bpf/btf.c). */
import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_LIMIT,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOID,
  KIND_VOLATILE,
} from "./format.ts";

/** Any name or none, unchecked: INT and FLOAT (`long unsigned int` is no identifier). */
export const NAME_FREE = 0;
/** No name: its offset is 0. */
export const NAME_ABSENT = 1;
/** No name, or an identifier. */
export const NAMED_OPTIONALLY = 2;
/** An identifier. */
export const NAME_IDENTIFIER = 3;
/** A section's name: printable. */
export const NAME_SECTION = 4;
/** A tag's text: any bytes, not empty. */
export const NAME_TEXT = 5;

/** vlen may be other than 0 (for a FUNC it is the linkage). */
export const TAKES_VLEN = 1 << 0;
/** kind_flag may be set. */
export const TAKES_KIND_FLAG = 1 << 1;
/** Its record says its size in bytes. */
export const SAYS_SIZE = 1 << 2;
/** Has no size: void, FWD, FUNC, FUNC_PROTO. */
export const HAS_NO_SIZE = 1 << 3;
/** Modifiers and TYPEDEF: the size is that of what they refer to. */
export const IS_TRANSPARENT = 1 << 4;
/** Nothing but a declaration tag may refer to it, apart from a DATASEC's variables. */
export const IS_DECLARATION = 1 << 5;
/** Where a walk starts, it goes through these; behind a pointer and inside a composite only through some. */
export const WALKED = 1 << 6;
export const WALKED_BEHIND_POINTER = 1 << 7;
export const WALKED_INSIDE_COMPOSITE = 1 << 8;

const MODIFIER = IS_TRANSPARENT | WALKED | WALKED_BEHIND_POINTER | WALKED_INSIDE_COMPOSITE;
const COMPOSITE = TAKES_VLEN | TAKES_KIND_FLAG | SAYS_SIZE | WALKED | WALKED_INSIDE_COMPOSITE;

const ROWS: readonly (readonly [kind: number, name: number, traits: number])[] = [
  [KIND_VOID, NAME_ABSENT, HAS_NO_SIZE],
  [KIND_INT, NAME_FREE, SAYS_SIZE],
  [KIND_PTR, NAME_ABSENT, WALKED | WALKED_BEHIND_POINTER],
  [KIND_ARRAY, NAME_ABSENT, WALKED | WALKED_INSIDE_COMPOSITE],
  [KIND_STRUCT, NAMED_OPTIONALLY, COMPOSITE],
  [KIND_UNION, NAMED_OPTIONALLY, COMPOSITE],
  [KIND_ENUM, NAMED_OPTIONALLY, TAKES_VLEN | TAKES_KIND_FLAG | SAYS_SIZE],
  [KIND_FWD, NAME_IDENTIFIER, TAKES_KIND_FLAG | HAS_NO_SIZE],
  [KIND_TYPEDEF, NAME_IDENTIFIER, MODIFIER],
  [KIND_VOLATILE, NAME_ABSENT, MODIFIER],
  [KIND_CONST, NAME_ABSENT, MODIFIER],
  [KIND_RESTRICT, NAME_ABSENT, MODIFIER],
  [KIND_FUNC, NAME_IDENTIFIER, TAKES_VLEN | HAS_NO_SIZE | WALKED],
  [KIND_FUNC_PROTO, NAME_ABSENT, TAKES_VLEN | HAS_NO_SIZE],
  [KIND_VAR, NAME_IDENTIFIER, IS_DECLARATION | WALKED],
  [KIND_DATASEC, NAME_SECTION, TAKES_VLEN | SAYS_SIZE | IS_DECLARATION | WALKED],
  [KIND_FLOAT, NAME_FREE, SAYS_SIZE],
  // kind_flag on tags (attributes) since Linux 6.15.
  [KIND_DECL_TAG, NAME_TEXT, TAKES_KIND_FLAG | IS_DECLARATION | WALKED],
  [KIND_TYPE_TAG, NAME_TEXT, MODIFIER | TAKES_KIND_FLAG],
  [KIND_ENUM64, NAMED_OPTIONALLY, TAKES_VLEN | TAKES_KIND_FLAG | SAYS_SIZE],
];

/** Which name a kind has, by kind. */
export const NAME_POLICY = new Uint8Array(KIND_LIMIT);
/** Bit set of a kind's traits, by kind; 0 for an unknown one. */
export const KIND_TRAITS = new Uint16Array(KIND_LIMIT);

for (const [kind, name, traits] of ROWS) {
  NAME_POLICY[kind] = name;
  KIND_TRAITS[kind] = traits;
}
