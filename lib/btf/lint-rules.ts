/**
 * error: BPF_BTF_LOAD refuses it, on every kernel that knows the revision of the format. warning: legal, but
 * suspicious, wasteful, or refused by older kernels.
 */
export type LintSeverity = "error" | "warning";

/** A kind name, or the part of the file that a finding is about. */
export type KindOrPlace = string;

/** One rule: how bad breaking it is, what it says, and from which Linux release on the kernel takes what breaks it. */
export interface LintRuleText {
  readonly severity: LintSeverity;
  readonly summary: string;
  readonly refusedBefore?: string;
}

const error = (summary: string): LintRuleText => ({ severity: "error", summary });
const warning = (summary: string): LintRuleText => ({ severity: "warning", summary });
const newer = (refusedBefore: string, summary: string): LintRuleText => ({
  severity: "warning",
  summary,
  refusedBefore,
});

const RULES = {
  // Header and sections (kernel/bpf/btf.c: btf_parse_hdr, btf_check_sec_info, btf_parse_str_sec).
  "file-size": error("the whole blob is at most 16 MiB"),
  "header-magic": error("the file starts with the magic 0xeb9f in either byte order"),
  "header-version": error("the version is 1"),
  "header-flags": error("the header's flags are 0"),
  "header-length": error("the header has at least 24 bytes and lies inside the file"),
  "header-unknown-fields": error("header bytes behind the known fields are 0"),
  "header-layout": newer("7.1", "the header has no fields behind its first 24 bytes"),
  "section-bounds": error("every section lies inside the file"),
  "section-gap": error("nothing lies between the sections or behind the last one"),
  "section-overlap": error("sections do not overlap"),
  "section-order": error("the strings are the last section behind a header of less than 32 bytes"),
  "section-sequence": newer("7.1", "types, layout and strings follow each other, as libbpf wants it on all kernels"),
  "section-alignment": error("types and layout start at a multiple of 4 bytes"),
  "no-types": error("there is at least one type"),
  "layout-section": error("the layout section has whole entries of 4 bytes, sizes multiples of 4"),
  "string-section": error("the strings start with the empty one, end with a NUL and take at most 16 MiB"),
  // One record at a time (btf_check_meta and the check_meta of each kind).
  "truncated-record": error("a record lies inside the type section"),
  "unknown-kind": error("a kind is one of 1 to 19"),
  "too-many-types": error("there are at most 0xfffff types"),
  "wide-vlen": newer("7.1", "a record has at most 65,535 elements"),
  "vlen-forbidden": error("kinds without elements have a vlen of 0"),
  "kind-flag-forbidden": error("kind_flag is set only where a kind gives it a meaning"),
  "name-offset": error("names lie inside the strings"),
  "name-required": error("kinds that stand for a name have one"),
  "name-forbidden": error("kinds without a name have name offset 0"),
  "name-invalid": error("names are identifiers (letters, digits, _ and ., at most 512 bytes)"),
  "type-id-range": error("type ids referred to exist"),
  "int-data": error("an INT's data word has no reserved bits and at most one encoding"),
  "int-bits": error("an INT's bits fit its size, and 128"),
  "float-size": error("a FLOAT has 2, 4, 8, 12 or 16 bytes"),
  "enum-size": error("an ENUM or ENUM64 has 1, 2, 4 or 8 bytes"),
  "array-size-word": error("an ARRAY's unused size word is 0"),
  "fwd-type-word": error("a FWD's unused type word is 0"),
  "func-linkage": error("a FUNC is static or global (loaders replace extern ones)"),
  "var-linkage": error("a VAR is static or global (loaders replace extern ones)"),
  "void-forbidden": error("what needs a size is not void"),
  "member-order": error("members are in the order of their offsets; a union's are all at 0"),
  "member-offset": error("members start inside their struct"),
  "datasec-size": error("a DATASEC has a size (loaders fill it in)"),
  "datasec-order": error("a DATASEC's variables are in order, do not overlap and lie inside it"),
  "decl-tag-component": error("a DECL_TAG's component index is -1 or an existing member or parameter"),
  // The graph (btf_check_all_types, btf_resolve, btf_func_proto_check, btf_check_type_tags).
  "type-loop": error("no type contains itself, through modifiers, pointers alone, arrays or members by value"),
  "resolve-depth": error("types nest at most 32 deep"),
  "reference-kind": error("a type refers only to kinds that its own kind allows"),
  "member-type": error("a member's type has a size"),
  "member-alignment": error("a member that is no bitfield starts at a byte, a FLOAT at its alignment"),
  "member-bitfield": error("a bitfield has an integer or enum type that is wide enough"),
  "member-bounds": error("a member ends inside its struct"),
  "member-bounds-hidden": warning("a member ends inside its struct (the kernel looks at the array too late to see it)"),
  "array-index": error("an array's index is a whole integer"),
  "array-element": error("an array's elements have a size and no odd number of bits"),
  "array-overflow": error("an array's bytes fit 32 bits"),
  "var-type": error("a VAR's type has a size"),
  "datasec-variable": error("a DATASEC lists VARs, each with room for its type"),
  "func-prototype": error("a FUNC refers to a FUNC_PROTO"),
  "func-param-name": error("a FUNC's parameters have names"),
  "proto-return": error("a FUNC_PROTO returns void or a type with a size"),
  "proto-param": error("parameters have a size; only the last one may be the nameless void of `...`"),
  "decl-tag-target": error("a DECL_TAG is on a struct, union, function, variable or typedef"),
  "type-tag-order": error("type tags come before typedef, const, volatile and restrict"),
  "modifier-chain": error("at most 32 modifiers and typedefs follow each other"),
  // Waste.
  "unused-strings": warning("every string is some name"),
  "duplicate-strings": warning("every string is there once"),
  "unreferenced-types": warning("nameless pointers, arrays, modifiers and prototypes are referred to"),
  "findings-cut": warning("all findings are listed"),
} as const satisfies Readonly<Record<string, LintRuleText>>;

/** A rule's stable id. */
export type LintRule = keyof typeof RULES;

/** Every rule by id. Source of the errors: what Linux's kernel/bpf/btf.c checks at BPF_BTF_LOAD. */
export const LINT_RULES: Readonly<Record<LintRule, LintRuleText>> = RULES;
