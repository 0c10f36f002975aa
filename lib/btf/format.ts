/**
 * The BTF format as constants and tables. Source: Linux `include/uapi/linux/btf.h` and
 * `Documentation/bpf/btf.rst`. Every field of the type section is a u32, so positions here count 32-bit words.
 */

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;

/** Header without the layout fields (`struct btf_header` up to `str_len`), in bytes. */
export const HEADER_BYTES = 24;
/** Header with `layout_off` and `layout_len` (Linux 7.1 and later), in bytes. */
export const HEADER_WITH_LAYOUT_BYTES = 32;

export const KIND_VOID = 0;
export const KIND_INT = 1;
export const KIND_PTR = 2;
export const KIND_ARRAY = 3;
export const KIND_STRUCT = 4;
export const KIND_UNION = 5;
export const KIND_ENUM = 6;
export const KIND_FWD = 7;
export const KIND_TYPEDEF = 8;
export const KIND_VOLATILE = 9;
export const KIND_CONST = 10;
export const KIND_RESTRICT = 11;
export const KIND_FUNC = 12;
export const KIND_FUNC_PROTO = 13;
export const KIND_VAR = 14;
export const KIND_DATASEC = 15;
export const KIND_FLOAT = 16;
export const KIND_DECL_TAG = 17;
export const KIND_TYPE_TAG = 18;
export const KIND_ENUM64 = 19;
/** The last kind this library knows; higher ones are skipped when the file's layout section describes them. */
export const KIND_MAX = KIND_ENUM64;

/** Kind names as `bpftool btf dump` prints them, by kind. */
export const KIND_NAMES: readonly string[] = [
  "VOID",
  "INT",
  "PTR",
  "ARRAY",
  "STRUCT",
  "UNION",
  "ENUM",
  "FWD",
  "TYPEDEF",
  "VOLATILE",
  "CONST",
  "RESTRICT",
  "FUNC",
  "FUNC_PROTO",
  "VAR",
  "DATASEC",
  "FLOAT",
  "DECL_TAG",
  "TYPE_TAG",
  "ENUM64",
];

/** `struct btf_type`: name offset, info, and size or type id. */
export const NAME_WORD = 0;
export const INFO_WORD = 1;
/** Size in bytes (INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC), else the type id referred to. */
export const SIZE_OR_TYPE_WORD = 2;
/** Words of `struct btf_type`; the per-kind data follows. */
export const TYPE_WORDS = 3;

/**
 * `info`: vlen in bits 0-23, kind in bits 24-30, kind_flag in bit 31. Before Linux 7.1 the fields were 16 and 5 bits
 * wide and the bits between them reserved as zero, so one set of masks reads both.
 */
export const INFO_VLEN_MASK = 0x00ffffff;
export const INFO_KIND_SHIFT = 24;
export const INFO_KIND_MASK = 0x7f;
export const INFO_KIND_FLAG_SHIFT = 31;

/** Number of kinds the 7-bit field can name; the size of every table by kind. */
export const KIND_LIMIT = 128;

/** INT data word: encoding in bits 24-27, bit offset in 16-23, number of bits in 0-7. */
export const INT_DATA_WORD = 3;
export const INT_ENCODING_SHIFT = 24;
export const INT_ENCODING_MASK = 0x0f;
export const INT_OFFSET_SHIFT = 16;
export const INT_OFFSET_MASK = 0xff;
export const INT_BITS_MASK = 0xff;
export const INT_SIGNED = 1;
export const INT_CHAR = 2;
export const INT_BOOL = 4;

/** `struct btf_array`. */
export const ARRAY_ELEMENT_WORD = 3;
export const ARRAY_INDEX_WORD = 4;
export const ARRAY_LENGTH_WORD = 5;

/** `struct btf_member`: name offset, type id, offset. */
export const MEMBER_WORDS = 3;
export const MEMBER_NAME_WORD = 0;
export const MEMBER_TYPE_WORD = 1;
export const MEMBER_OFFSET_WORD = 2;
/** With kind_flag set a member's offset word is `bitfield size << 24 | bit offset`. */
export const MEMBER_BITFIELD_SHIFT = 24;
export const MEMBER_BIT_OFFSET_MASK = 0x00ffffff;

/** `struct btf_enum`: name offset, value. `struct btf_enum64`: name offset, low word, high word. */
export const ENUM_WORDS = 2;
export const ENUM64_WORDS = 3;
export const ENUMERATOR_NAME_WORD = 0;
export const ENUMERATOR_VALUE_WORD = 1;
export const ENUMERATOR_HIGH_WORD = 2;

/** `struct btf_param`: name offset, type id. */
export const PARAM_WORDS = 2;
export const PARAM_NAME_WORD = 0;
export const PARAM_TYPE_WORD = 1;

/** `struct btf_var_secinfo`: type id, offset, size. */
export const SECINFO_WORDS = 3;
export const SECINFO_TYPE_WORD = 0;
export const SECINFO_OFFSET_WORD = 1;
export const SECINFO_SIZE_WORD = 2;

/** `struct btf_var` linkage; `struct btf_decl_tag` component index (-1: the type itself). */
export const VAR_LINKAGE_WORD = 3;
export const DECL_TAG_COMPONENT_WORD = 3;
