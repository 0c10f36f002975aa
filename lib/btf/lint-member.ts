import { KIND_ARRAY, KIND_ENUM, KIND_ENUM64, KIND_FLOAT, KIND_INT } from "./format.ts";
import { complainOfType } from "./lint-finding.ts";
import { memberText } from "./lint-meta.ts";
import { bytesOf, isSizeHidden, type Walk } from "./lint-walk.ts";
import { intBits, intOffset, memberBitfieldSize, memberBitOffset } from "./members.ts";
import { pointerBytes } from "./resolve.ts";
import { type Btf, kindFlagOf, kindName, kindOf, sizeOf } from "./view.ts";

/** Most bits the kernel copies for one integer member, counted from the byte that it starts in. */
const MAX_COPY_BITS = 128;
/** What an ENUM member takes in a struct with kind_flag, whatever its own size (btf_enum_check_kflag_member). */
const KFLAG_ENUM_BITS = 32;

/** True when an INT is 1, 2, 4, 8 or 16 whole bytes without a bit offset (btf_type_int_is_regular). */
export function isRegularInt(btf: Btf, id: number): boolean {
  const bits = intBits(btf, id);
  return intOffset(btf, id) === 0 && (bits === 8 || bits === 16 || bits === 32 || bits === 64 || bits === 128);
}

/**
 * Checks where a member sits: its alignment, its bitfield and its end, by the kind of `sized`, the type that gives it
 * its size (the check_member and check_kflag_member functions of kernel/bpf/btf.c).
 */
export function lintMemberPlace(walk: Walk, id: number, index: number, sized: number): void {
  const { btf } = walk.subject;
  const kind = kindOf(btf, sized);
  const hasFlag = kindFlagOf(btf, id) === 1;
  if (kind === KIND_INT) {
    if (hasFlag) lintFlaggedInt(walk, id, index, sized);
    else lintPlainInt(walk, id, index, sized);
  } else if (hasFlag && (kind === KIND_ENUM || kind === KIND_ENUM64)) {
    lintFlaggedEnum(walk, id, index);
  } else {
    lintWholeBytes(walk, id, index, sized);
  }
}

/** Without kind_flag, bitfields are INTs with fewer bits than their size, and a bit offset of their own. */
function lintPlainInt(walk: Walk, id: number, index: number, sized: number): void {
  const { btf } = walk.subject;
  lintBits(walk, id, index, memberBitOffset(btf, id, index) + intOffset(btf, sized), intBits(btf, sized));
}

function lintFlaggedInt(walk: Walk, id: number, index: number, sized: number): void {
  const { subject } = walk;
  const { btf } = subject;
  const complain = (message: string): void =>
    complainOfType(subject, "member-bitfield", id, `${memberText(subject, id, index)} ${message}`, index);
  if (!isRegularInt(btf, sized)) {
    complain(`has the type INT [${sized}], which is no whole integer`);
    return;
  }
  const offset = memberBitOffset(btf, id, index);
  const width = memberBitfieldSize(btf, id, index);
  const bits = intBits(btf, sized);
  if (width > bits) {
    complain(`is a bitfield of ${width} bits of INT [${sized}], which has ${bits}`);
    return;
  }
  if (width === 0 && !isByteAligned(walk, id, index, offset)) return;
  lintBits(walk, id, index, offset, width === 0 ? bits : width);
}

/** The end of an integer, in the bytes that hold its bits. */
function lintBits(walk: Walk, id: number, index: number, offset: number, bits: number): void {
  const { subject } = walk;
  if (bits + (offset % 8) > MAX_COPY_BITS) {
    const message = `${memberText(subject, id, index)} has ${bits} bits from bit ${offset % 8} of a byte on, more than ${MAX_COPY_BITS}`;
    complainOfType(subject, "member-bitfield", id, message, index);
    return;
  }
  const end = offset + bits;
  if (Math.ceil(end / 8) > sizeOf(subject.btf, id)) complainOfEnd(walk, id, index, end, false);
}

function lintFlaggedEnum(walk: Walk, id: number, index: number): void {
  const { subject } = walk;
  const { btf } = subject;
  const offset = memberBitOffset(btf, id, index);
  const width = memberBitfieldSize(btf, id, index);
  if (width > KFLAG_ENUM_BITS) {
    const message = `${memberText(subject, id, index)} is an enum's bitfield of ${width} bits, at most ${KFLAG_ENUM_BITS}`;
    complainOfType(subject, "member-bitfield", id, message, index);
    return;
  }
  if (width === 0 && !isByteAligned(walk, id, index, offset)) return;
  const end = offset + (width === 0 ? KFLAG_ENUM_BITS : width);
  if (Math.ceil(end / 8) > sizeOf(btf, id)) complainOfEnd(walk, id, index, end, false);
}

/** Everything else takes whole bytes and is no bitfield. */
function lintWholeBytes(walk: Walk, id: number, index: number, sized: number): void {
  const { subject } = walk;
  const { btf } = subject;
  const kind = kindOf(btf, sized);
  const width = memberBitfieldSize(btf, id, index);
  if (width !== 0) {
    const message = `${memberText(subject, id, index)} is a bitfield of ${width} bits, but its type is ${kindName(kind)} [${sized}]`;
    complainOfType(subject, "member-bitfield", id, message, index);
    return;
  }
  const offset = memberBitOffset(btf, id, index);
  if (kind === KIND_FLOAT) {
    const align = Math.min(pointerBytes(btf), sizeOf(btf, sized)) * 8;
    if (align !== 0 && offset % align !== 0) {
      const message = `${memberText(subject, id, index)}, a FLOAT, is at bit ${offset}, not a multiple of ${align}`;
      complainOfType(subject, "member-alignment", id, message, index);
      return;
    }
  } else if (!isByteAligned(walk, id, index, offset)) {
    return;
  }
  const end = Math.floor(offset / 8) + bytesOf(walk, sized);
  if (end > sizeOf(btf, id)) {
    complainOfEnd(walk, id, index, end * 8, kind === KIND_ARRAY && isSizeHidden(walk, sized));
  }
}

function isByteAligned(walk: Walk, id: number, index: number, offset: number): boolean {
  if (offset % 8 === 0) return true;
  const message = `${memberText(walk.subject, id, index)} is at bit ${offset}, not at a whole byte`;
  complainOfType(walk.subject, "member-alignment", id, message, index);
  return false;
}

function complainOfEnd(walk: Walk, id: number, index: number, end: number, isHidden: boolean): void {
  const { subject } = walk;
  const rule = isHidden ? "member-bounds-hidden" : "member-bounds";
  const message = `${memberText(subject, id, index)} ends at bit ${end}, behind the struct's ${sizeOf(subject.btf, id) * 8}`;
  complainOfType(subject, rule, id, message, index);
}
