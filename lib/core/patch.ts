import {
  accessBytes,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_LD,
  CLASS_LDX,
  CLASS_MASK,
  CLASS_ST,
  CLASS_STX,
  INSN_BYTES,
  INSN_IMM,
  INSN_OFF,
  INSN_REGS,
  OP_CALL,
  OP_LDIMM64,
  POISON_HELPER,
  SIZE_MASK,
  SOURCE_MASK,
  sizeBits,
} from "./instruction.ts";
import type { ReloValue } from "./value.ts";

/** What became of an instruction. */
export type PatchOutcome = "patched" | "poisoned";

/** A relocation that an instruction cannot take, in words. */
export interface PatchFailure {
  readonly failure: string;
}

/** The largest offset of a load or store: a signed 16-bit number. */
const MAX_OFFSET = 32767n;

/**
 * Writes one relocation's value into the instruction at `at` (bytes) of `code`, in place, as libbpf does
 * (relo_core.c, bpf_core_patch_insn). The code is in the object's byte order.
 * Nothing is changed when the result is a failure.
 */
export function patchInstruction(
  code: Uint8Array,
  at: number,
  value: ReloValue,
  littleEndian: boolean,
): PatchOutcome | PatchFailure {
  if (at < 0 || at % INSN_BYTES !== 0 || at + INSN_BYTES > code.length) {
    return { failure: `offset ${at} is not that of an instruction` };
  }
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const opcode = code[at] as number;
  if (value.poison) return poison(code, view, at, opcode, littleEndian);
  switch (opcode & CLASS_MASK) {
    case CLASS_ALU:
    case CLASS_ALU64:
      return patchImmediate(view, at, opcode, value, littleEndian);
    case CLASS_LDX:
    case CLASS_ST:
    case CLASS_STX:
      return patchOffset(code, view, at, opcode, value, littleEndian);
    case CLASS_LD:
      return patchImmediate64(code, view, at, opcode, value, littleEndian);
    default:
      return { failure: `instruction 0x${opcode.toString(16)} takes no relocation` };
  }
}

function patchImmediate(
  view: DataView,
  at: number,
  opcode: number,
  value: ReloValue,
  littleEndian: boolean,
): PatchOutcome | PatchFailure {
  if ((opcode & SOURCE_MASK) !== 0) return { failure: "the operand is a register, not a number" };
  const found = view.getInt32(at + INSN_IMM, littleEndian);
  // Compared as C does: the s32 immediate widens to u64 with its sign.
  if (value.validate && BigInt.asUintN(64, BigInt(found)) !== value.original) {
    return { failure: unexpected(BigInt(found), value) };
  }
  view.setUint32(at + INSN_IMM, Number(value.value & 0xffffffffn), littleEndian);
  return "patched";
}

function patchOffset(
  code: Uint8Array,
  view: DataView,
  at: number,
  opcode: number,
  value: ReloValue,
  littleEndian: boolean,
): PatchOutcome | PatchFailure {
  const found = view.getInt16(at + INSN_OFF, littleEndian);
  if (value.validate && BigInt.asUintN(64, BigInt(found)) !== value.original) {
    return { failure: unexpected(BigInt(found), value) };
  }
  if (value.value > MAX_OFFSET) return { failure: `offset ${value.value} is more than a load or store can have` };
  if (value.badResize) return poison(code, view, at, opcode, littleEndian);
  if (value.size !== value.originalSize) {
    const bytes = accessBytes(opcode);
    if (bytes !== value.originalSize) {
      return { failure: `the instruction moves ${bytes} bytes, but the field has ${value.originalSize}` };
    }
    const bits = sizeBits(value.size);
    if (bits < 0) return { failure: `no instruction moves ${value.size} bytes` };
    code[at] = (opcode & ~SIZE_MASK) | bits;
  }
  view.setInt16(at + INSN_OFF, Number(value.value), littleEndian);
  return "patched";
}

function patchImmediate64(
  code: Uint8Array,
  view: DataView,
  at: number,
  opcode: number,
  value: ReloValue,
  littleEndian: boolean,
): PatchOutcome | PatchFailure {
  const next = at + INSN_BYTES;
  if (opcode !== OP_LDIMM64 || next + INSN_BYTES > code.length || !isPlainImmediate64(code, view, at, littleEndian)) {
    return { failure: "not a plain 64-bit immediate load" };
  }
  const low = view.getUint32(at + INSN_IMM, littleEndian);
  const high = view.getUint32(next + INSN_IMM, littleEndian);
  const found = (BigInt(high) << 32n) | BigInt(low);
  if (value.validate && found !== value.original) return { failure: unexpected(found, value) };
  view.setUint32(at + INSN_IMM, Number(value.value & 0xffffffffn), littleEndian);
  view.setUint32(next + INSN_IMM, Number(value.value >> 32n), littleEndian);
  return "patched";
}

/** A constant: no source register (which would make it a map or such), and an empty second half. */
function isPlainImmediate64(code: Uint8Array, view: DataView, at: number, littleEndian: boolean): boolean {
  // The nibble that holds src_reg is the high one in little-endian code, the low one in big-endian code.
  const registers = code[at + INSN_REGS] as number;
  const source = littleEndian ? registers >>> 4 : registers & 0x0f;
  const next = at + INSN_BYTES;
  return (
    source === 0 &&
    view.getInt16(at + INSN_OFF, littleEndian) === 0 &&
    code[next] === 0 &&
    code[next + INSN_REGS] === 0 &&
    view.getInt16(next + INSN_OFF, littleEndian) === 0
  );
}

function unexpected(found: bigint, value: ReloValue): string {
  return `the instruction has ${found}, but the relocation expects ${value.original} (to become ${value.value})`;
}

/** Makes the instruction, and for a 64-bit immediate also its second half, a call that no verifier accepts. */
function poison(code: Uint8Array, view: DataView, at: number, opcode: number, littleEndian: boolean): PatchOutcome {
  const ends = opcode === OP_LDIMM64 && at + 2 * INSN_BYTES <= code.length ? at + INSN_BYTES : at;
  for (let insn = at; insn <= ends; insn += INSN_BYTES) {
    code.fill(0, insn, insn + INSN_BYTES);
    code[insn] = OP_CALL;
    view.setInt32(insn + INSN_IMM, POISON_HELPER, littleEndian);
  }
  return "poisoned";
}
