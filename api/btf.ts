/**
 * `btfgen/btf`: the format. Parse BTF into words and offsets, look at types, check, dump (also as C), sort and write them.
 * A type is a number; every function takes the view first.
 */

export { relocateDistilled } from "../lib/btf/distilled.ts";
export { dumpJson } from "../lib/btf/dump-json.ts";
export { dumpRaw } from "../lib/btf/dump-raw.ts";
export type { DumpSelection, IdRange } from "../lib/btf/dump-select.ts";
export type { ChunkWriter } from "../lib/btf/dump-sink.ts";
export { assembleBtf, type BtfContents, type EncodeOptions, encodeBtf } from "../lib/btf/encode.ts";
export { FormatError, type FormatErrorCode, type FormatErrorPlace } from "../lib/btf/error.ts";
export {
  BTF_MAGIC,
  BTF_VERSION,
  INT_BOOL,
  INT_CHAR,
  INT_SIGNED,
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
  KIND_MAX,
  KIND_NAMES,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOID,
  KIND_VOLATILE,
} from "../lib/btf/format.ts";
export { looksLikeBtf, parseHeader } from "../lib/btf/header.ts";
export { hasErrors, type LintOptions, lintBtf } from "../lib/btf/lint.ts";
export { formatFinding, type LintFinding } from "../lib/btf/lint-finding.ts";
export type { LintRule, LintSeverity } from "../lib/btf/lint-rules.ts";
export {
  arrayElement,
  arrayIndex,
  arrayLength,
  enumeratorAt,
  enumeratorBits,
  enumeratorName,
  enumeratorValue,
  intBits,
  intEncoding,
  intOffset,
  memberAt,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
  paramName,
  paramType,
} from "../lib/btf/members.ts";
export { type BtfInput, type ParseOptions, parseBtf, parseModules } from "../lib/btf/parse.ts";
export { pointerBytes, resolveSize, SIZE_TOO_BIG, SIZE_UNKNOWN, skipModifiersAndTypedefs } from "../lib/btf/resolve.ts";
export { isSortedByName, orderByName, permuteTypes, permuteView, sortTypesByName } from "../lib/btf/sort.ts";
export { equalEssentialNames, essentialLength, nameOf, stringAt } from "../lib/btf/strings.ts";
export {
  type Btf,
  type BtfHeader,
  type BtfSegment,
  isComposite,
  isEnum,
  isModifier,
  isPointer,
  isTransparent,
  kindFlagOf,
  kindName,
  kindOf,
  nameOffsetOf,
  recordOf,
  segmentOf,
  sizeOf,
  targetOf,
  typeCount,
  vlenOf,
} from "../lib/btf/view.ts";
export { type ViewMemory, viewMemory } from "../lib/btf/view-memory.ts";
export { declare, declareMember, plainSpelling, type Spelling } from "../lib/c/declarator.ts";
export { dumpC } from "../lib/c/header.ts";
export { type BtfSections, btfBytes, readBtfSections } from "../lib/elf/btf-section.ts";
