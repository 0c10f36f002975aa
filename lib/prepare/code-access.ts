import { INSN_BYTES, INSN_IMM, INSN_OFF, INSN_REGS, OP_CALL, OP_LDIMM64 } from "../core/instruction.ts";

/** Values of the source register that make an LDIMM64 or a call something else (linux/bpf.h, BPF_PSEUDO_*). */
export const PSEUDO_BTF_ID = 3;
export const PSEUDO_FUNC = 4;
export const PSEUDO_MAP_INDEX = 5;
export const PSEUDO_MAP_INDEX_VALUE = 6;
export const PSEUDO_KFUNC_CALL = 2;

/** A program's instructions, to be read and written by slot; the bytes are in the object's order. */
export interface Code {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly littleEndian: boolean;
}

/** Access to instructions, in place. */
export function codeOf(bytes: Uint8Array, littleEndian: boolean): Code {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), littleEndian };
}

/** True for an LDIMM64 whose second half is there, too. */
export function isLoad64({ bytes }: Code, slot: number): boolean {
  return bytes[slot * INSN_BYTES] === OP_LDIMM64 && (slot + 2) * INSN_BYTES <= bytes.length;
}

/** True for a call of any sort. */
export function isCall({ bytes }: Code, slot: number): boolean {
  return bytes[slot * INSN_BYTES] === OP_CALL;
}

/** The source register: the high nibble in little-endian code, the low one in big-endian code. */
export function sourceOf({ bytes, littleEndian }: Code, slot: number): number {
  const registers = bytes[slot * INSN_BYTES + INSN_REGS] ?? 0;
  return littleEndian ? registers >>> 4 : registers & 0x0f;
}

/** The destination register. */
export function destinationOf({ bytes, littleEndian }: Code, slot: number): number {
  const registers = bytes[slot * INSN_BYTES + INSN_REGS] ?? 0;
  return littleEndian ? registers & 0x0f : registers >>> 4;
}

/** Writes the source register. */
export function setSource({ bytes, littleEndian }: Code, slot: number, register: number): void {
  const at = slot * INSN_BYTES + INSN_REGS;
  const registers = bytes[at] ?? 0;
  bytes[at] = littleEndian ? (registers & 0x0f) | (register << 4) : (registers & 0xf0) | register;
}

/** The 32-bit immediate, signed. */
export function immediateOf({ view, littleEndian }: Code, slot: number): number {
  return view.getInt32(slot * INSN_BYTES + INSN_IMM, littleEndian);
}

/** Writes the immediate; cut to 32 bits. */
export function setImmediate({ view, littleEndian }: Code, slot: number, value: number): void {
  view.setInt32(slot * INSN_BYTES + INSN_IMM, value | 0, littleEndian);
}

/** The 16-bit offset, signed. */
export function offsetOf({ view, littleEndian }: Code, slot: number): number {
  return view.getInt16(slot * INSN_BYTES + INSN_OFF, littleEndian);
}

/** Makes a slot a call of a helper that there is not, by which a verifier's log shows what is missing. */
export function poisonCall(code: Code, slot: number, helper: number): void {
  const at = slot * INSN_BYTES;
  code.bytes.fill(0, at, at + INSN_BYTES);
  code.bytes[at] = OP_CALL;
  setImmediate(code, slot, helper);
}
