/** CO-RE relocation kinds: `enum bpf_core_relo_kind` of Linux `include/uapi/linux/bpf.h`. */
export const RELO_FIELD_BYTE_OFFSET = 0;
export const RELO_FIELD_BYTE_SIZE = 1;
export const RELO_FIELD_EXISTS = 2;
export const RELO_FIELD_SIGNED = 3;
export const RELO_FIELD_LSHIFT_U64 = 4;
export const RELO_FIELD_RSHIFT_U64 = 5;
export const RELO_TYPE_ID_LOCAL = 6;
export const RELO_TYPE_ID_TARGET = 7;
export const RELO_TYPE_EXISTS = 8;
export const RELO_TYPE_SIZE = 9;
export const RELO_ENUMVAL_EXISTS = 10;
export const RELO_ENUMVAL_VALUE = 11;
export const RELO_TYPE_MATCHES = 12;

/** Names of the kinds as libbpf's log has them, by number. */
export const RELO_KIND_NAMES: readonly string[] = [
  "byte_off",
  "byte_sz",
  "field_exists",
  "signed",
  "lshift_u64",
  "rshift_u64",
  "local_type_id",
  "target_type_id",
  "type_exists",
  "type_size",
  "enumval_exists",
  "enumval_value",
  "type_matches",
];

/** What a relocation speaks of, which decides how its access string reads and how candidates are compared. */
export type ReloClass = "field" | "type" | "enumval" | "unknown";

/** The class of a kind; `unknown` for a number that libbpf refuses. */
export function reloClass(kind: number): ReloClass {
  if (kind >= RELO_FIELD_BYTE_OFFSET && kind <= RELO_FIELD_RSHIFT_U64) return "field";
  if (kind === RELO_ENUMVAL_EXISTS || kind === RELO_ENUMVAL_VALUE) return "enumval";
  if (kind >= RELO_TYPE_ID_LOCAL && kind <= RELO_TYPE_MATCHES) return "type";
  return "unknown";
}

/** The kind's name, or `kind<n>` for an unknown one. */
export function reloKindName(kind: number): string {
  return RELO_KIND_NAMES[kind] ?? `kind${kind}`;
}

/** True for the kinds whose answer to "no match" is the value 0, not a poisoned instruction. */
export function isExistenceKind(kind: number): boolean {
  return (
    kind === RELO_FIELD_EXISTS ||
    kind === RELO_TYPE_EXISTS ||
    kind === RELO_TYPE_MATCHES ||
    kind === RELO_TYPE_SIZE ||
    kind === RELO_TYPE_ID_TARGET ||
    kind === RELO_ENUMVAL_EXISTS
  );
}
