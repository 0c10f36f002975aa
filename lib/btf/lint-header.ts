import { BTF_MAGIC, BTF_VERSION, HEADER_BYTES, HEADER_WITH_LAYOUT_BYTES } from "./format.ts";
import { complainOfFile, type LintReport } from "./lint-finding.ts";
import type { LintRule } from "./lint-rules.ts";
import type { BtfHeader } from "./view.ts";

/** The most that BPF_BTF_LOAD takes, in bytes (kernel/bpf/btf.c, BTF_MAX_SIZE). */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Greatest name offset (BTF_MAX_NAME_OFFSET). */
export const MAX_NAME_OFFSET = 0x00ff_ffff;

const HEADER = "HEADER";
/** Bytes of one `struct btf_layout`. */
const LAYOUT_ENTRY_BYTES = 4;

/** A section as the header gives it, in bytes from the end of the header. */
interface Section {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Checks the header and where the sections lie. Returns the header with its sections cut to the file's end and the
 * types to whole words, so that what is there can be checked; undefined when that cannot be told.
 */
export function lintHeader(bytes: Uint8Array, hasBase: boolean, report: LintReport): BtfHeader | undefined {
  const complain = (rule: LintRule, message: string, offset: number): void =>
    complainOfFile(report, rule, HEADER, message, { offset });
  if (bytes.length > MAX_FILE_BYTES) {
    complain("file-size", `${bytes.length} bytes, but BPF_BTF_LOAD takes at most ${MAX_FILE_BYTES}`, 0);
  }
  if (bytes.length < HEADER_BYTES) {
    complain("header-length", `${bytes.length} bytes, but a header takes at least ${HEADER_BYTES}`, 0);
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) === BTF_MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== BTF_MAGIC) {
    complain("header-magic", `not BTF: the magic is 0x${view.getUint16(0, true).toString(16)}, expected 0xeb9f`, 0);
    return undefined;
  }
  const version = view.getUint8(2);
  const flags = view.getUint8(3);
  if (version !== BTF_VERSION) complain("header-version", `version ${version}, expected ${BTF_VERSION}`, 2);
  if (flags !== 0) complain("header-flags", `flags 0x${flags.toString(16)}, expected 0`, 3);
  const field = (offset: number): number => view.getUint32(offset, littleEndian);
  const headerLength = field(4);
  if (headerLength < HEADER_BYTES || headerLength > bytes.length) {
    const range = `${HEADER_BYTES} to the file's ${bytes.length} bytes`;
    complain("header-length", `header length ${headerLength}, expected ${range}`, 4);
    return undefined;
  }
  lintExtraFields(bytes, headerLength, complain);
  const hasLayout = headerLength >= HEADER_WITH_LAYOUT_BYTES && field(28) !== 0;
  const types: Section = { name: "types", offset: field(8), length: field(12) };
  const strings: Section = { name: "strings", offset: field(16), length: field(20) };
  const layout: Section = { name: "layout", offset: hasLayout ? field(24) : 0, length: hasLayout ? field(28) : 0 };
  const room = bytes.length - headerLength;
  const sections = hasLayout ? [types, layout, strings] : [types, strings];
  lintPlaces(sections, room, complain);
  lintOrder(sections, headerLength, complain);
  lintAlignment(types, layout, complain);
  if (!hasBase && types.length === 0) complain("no-types", "the type section is empty", 12);
  const typeOffset = Math.min(types.offset, room);
  const stringOffset = Math.min(strings.offset, room);
  const layoutOffset = Math.min(layout.offset, room);
  return {
    littleEndian,
    flags,
    headerLength,
    typeOffset,
    typeLength: Math.min(types.length, room - typeOffset) & ~3,
    stringOffset,
    stringLength: Math.min(strings.length, room - stringOffset),
    layoutOffset,
    layoutLength: Math.min(layout.length, room - layoutOffset),
  };
}

type Complain = (rule: LintRule, message: string, offset: number) => void;

/** Header bytes behind the first 24: the layout's place, new in Linux 7.1, then nothing that is known. */
function lintExtraFields(bytes: Uint8Array, headerLength: number, complain: Complain): void {
  for (let at = HEADER_BYTES; at < headerLength; at++) {
    if (bytes[at] === 0) continue;
    if (at >= HEADER_WITH_LAYOUT_BYTES) {
      complain("header-unknown-fields", `header byte ${at} is ${bytes[at]}, but no field is known there`, at);
      return;
    }
    const message = `the header has ${headerLength} bytes, which kernels before 7.1 refuse`;
    complain("header-layout", message, at);
    at = HEADER_WITH_LAYOUT_BYTES - 1;
  }
}

/** The sections must cover what follows the header, each byte once. */
function lintPlaces(sections: readonly Section[], room: number, complain: Complain): void {
  const sorted = byPlace(sections);
  let covered = 0;
  let previous = "the header";
  for (const { name, offset, length } of sorted) {
    const at = name === "types" ? 8 : name === "strings" ? 16 : 24;
    if (offset + length > room) {
      complain("section-bounds", `${name} at ${offset} + ${length}, but only ${room} bytes follow the header`, at);
      return;
    }
    if (offset > covered) {
      complain("section-gap", `${offset - covered} bytes between ${previous} and the ${name}`, at);
    } else if (offset < covered) {
      complain("section-overlap", `the ${name} at ${offset} begin before ${previous} end at ${covered}`, at);
    }
    covered = Math.max(covered, offset + length);
    previous = `the ${name}`;
  }
  if (covered < room) complain("section-gap", `${room - covered} bytes behind ${previous}`, 16);
}

/**
 * A kernel wants the strings last; since 7.1 only of headers too short for a layout's place (btf_parse_str_sec). libbpf
 * wants the sections in the order given here, whatever the header (btf_parse_hdr).
 */
function lintOrder(sections: readonly Section[], headerLength: number, complain: Complain): void {
  const taken = sections.filter(({ name, length }) => name === "strings" || length !== 0);
  const sorted = byPlace(taken);
  if (sorted.every((section, i) => section === taken[i])) return;
  if (headerLength < HEADER_WITH_LAYOUT_BYTES) {
    complain("section-order", "the types are the last section, not the strings", 16);
    return;
  }
  const order = sorted.map(({ name }) => name).join(", ");
  complain("section-sequence", `${order}, an order that libbpf and kernels before 7.1 refuse`, 16);
}

function byPlace(sections: readonly Section[]): Section[] {
  return [...sections].sort((a, b) => a.offset - b.offset || a.length - b.length);
}

function lintAlignment(types: Section, layout: Section, complain: Complain): void {
  if (types.offset % 4 !== 0) complain("section-alignment", `types at ${types.offset}, not a multiple of 4`, 8);
  if (types.length % 4 !== 0) complain("truncated-record", `${types.length} bytes of types are no whole words`, 12);
  if (layout.offset % 4 !== 0) complain("section-alignment", `layout at ${layout.offset}, not a multiple of 4`, 24);
  if (layout.length % LAYOUT_ENTRY_BYTES !== 0) {
    complain("layout-section", `${layout.length} bytes of layout are no whole entries of ${LAYOUT_ENTRY_BYTES}`, 28);
  }
}

/** Checks the string section: its first and last byte and its length. Split BTF may have none. */
export function lintStrings(strings: Uint8Array, hasBase: boolean, report: LintReport): void {
  const complain = (message: string, offset: number): void =>
    complainOfFile(report, "string-section", "STRINGS", message, { offset });
  if (strings.length === 0) {
    if (!hasBase) complain("there are no strings, not even the empty one", 0);
    return;
  }
  if (!hasBase && strings[0] !== 0) complain("the first string is not the empty one (split BTF needs its base)", 0);
  const last = strings.length - 1;
  if (strings[last] !== 0) complain("the last string does not end with a NUL", last);
  if (last > MAX_NAME_OFFSET) complain(`${strings.length} bytes of strings, at most ${MAX_NAME_OFFSET + 1}`, last);
}
