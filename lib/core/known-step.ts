import type { CodeReference } from "./code-references.ts";
import {
  accessBytes,
  CLASS_ALU,
  CLASS_ALU64,
  CLASS_JMP,
  CLASS_JMP32,
  CLASS_LD,
  CLASS_LDX,
  CLASS_MASK,
  CLASS_ST,
  CLASS_STX,
  INSN_BYTES,
  INSN_IMM,
  INSN_OFF,
  INSN_REGS,
  JMP_ALWAYS,
  JMP_CALL,
  JMP_EXIT,
  OP_LDIMM64,
  OPERATION_MASK,
  SOURCE_MASK,
} from "./instruction.ts";
import { computed } from "./known-arithmetic.ts";
import { finishCall } from "./known-call.ts";
import { type Known, type KnownState, loaded, store } from "./known-state.ts";

/** A function's instructions as a loader leaves them. */
export interface RelocatedCode {
  /** Whole instructions, with all values in place but where `unknown` says otherwise. */
  readonly code: Uint8Array;
  /** By slot: 1 where the immediate, the offset or the width is not to be relied on. */
  readonly unknown: Uint8Array;
  readonly littleEndian: boolean;
}

/** A function as it is walked. */
export interface CodeFunction extends RelocatedCode {
  /** By slot, what calls and 64-bit immediates refer to. */
  readonly references: ReadonlyMap<number, CodeReference>;
  readonly isGlobal: boolean;
}

const MODE_MASK = 0xe0;
const MODE_ATOMIC = 0xc0;
const ALU_END = 0xd0;
const ALU_MOV = 0xb0;
const ALL_BITS = 64;

/** An instruction's parts. */
export interface Instruction {
  readonly opcode: number;
  /** Destination and source register. */
  readonly to: number;
  readonly from: number;
  readonly offset: number;
  readonly imm: number;
  /** A 64-bit immediate's upper half; 0 for other instructions. */
  readonly high: number;
  /** True where its numbers are not to be relied on. */
  readonly isUnknown: boolean;
}

/** Reads the instruction in a slot. */
export function readInstruction(own: RelocatedCode, view: DataView, slot: number): Instruction {
  const { littleEndian } = own;
  const at = slot * INSN_BYTES;
  const registers = view.getUint8(at + INSN_REGS);
  const lower = registers & 0x0f;
  const upper = registers >>> 4;
  const opcode = view.getUint8(at);
  const next = at + INSN_BYTES + INSN_IMM;
  return {
    opcode,
    to: littleEndian ? lower : upper,
    from: littleEndian ? upper : lower,
    offset: view.getInt16(at + INSN_OFF, littleEndian),
    imm: view.getInt32(at + INSN_IMM, littleEndian),
    high: opcode === OP_LDIMM64 && next + 4 <= own.code.length ? view.getUint32(next, littleEndian) : 0,
    isUnknown: own.unknown[slot] === 1,
  };
}

/** The slot that a jump goes to when it is taken. */
export function jumpTarget({ opcode, offset, imm }: Instruction, slot: number): number {
  const isLong = (opcode & CLASS_MASK) === CLASS_JMP32 && (opcode & OPERATION_MASK) === JMP_ALWAYS;
  return slot + 1 + (isLong ? imm : offset);
}

/** By slot: 1 where a jump of the function may go. */
export function jumpTargets(own: RelocatedCode): Uint8Array {
  const { code } = own;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const targets = new Uint8Array(code.length / INSN_BYTES);
  for (let slot = 0; slot < targets.length; slot++) {
    const opcode = code[slot * INSN_BYTES] as number;
    const operation = opcode & OPERATION_MASK;
    if (!isJump(opcode) || operation === JMP_CALL || operation === JMP_EXIT) continue;
    targets[jumpTarget(readInstruction(own, view, slot), slot)] = 1;
  }
  return targets;
}

/** True for all jumps, calls and exits. */
export function isJump(opcode: number): boolean {
  return (opcode & CLASS_MASK) === CLASS_JMP || (opcode & CLASS_MASK) === CLASS_JMP32;
}

/** The second operand: a register, or the immediate with its sign. */
export function operand({ opcode, from, imm, isUnknown }: Instruction, { registers }: KnownState): Known {
  if ((opcode & SOURCE_MASK) !== 0) return registers[from] ?? "anything";
  return isUnknown ? "other" : BigInt.asUintN(ALL_BITS, BigInt(imm));
}

/** Does what an instruction does that goes on to the next one; `reference` is what it refers to, if it does. */
export function step(insn: Instruction, state: KnownState, reference: CodeReference | undefined): void {
  const { opcode, to, from, offset, imm, high, isUnknown } = insn;
  const { registers } = state;
  switch (opcode & CLASS_MASK) {
    case CLASS_ALU:
      registers[to] = afterArithmetic(insn, state, 32);
      return;
    case CLASS_ALU64:
      registers[to] = afterArithmetic(insn, state, 64);
      return;
    case CLASS_LDX: {
      const address = registers[from] ?? "anything";
      const isElsewhere = isUnknown && typeof address === "number";
      registers[to] = isElsewhere ? "anything" : loaded(state, address, offset, accessBytes(opcode));
      return;
    }
    case CLASS_ST:
      // Older verifiers do not follow a number that is stored as an immediate.
      store(
        state,
        isUnknown ? somewhere(registers[to]) : (registers[to] ?? "anything"),
        offset,
        accessBytes(opcode),
        "anything",
      );
      return;
    case CLASS_STX: {
      const isAtomic = (opcode & MODE_MASK) === MODE_ATOMIC;
      const value = isAtomic ? "anything" : (registers[from] ?? "anything");
      const address = isUnknown ? somewhere(registers[to]) : (registers[to] ?? "anything");
      store(state, address, offset, accessBytes(opcode), value);
      if (!isAtomic) return;
      // Some fetch what was there into their source register, or into r0.
      registers[from] = "anything";
      registers[0] = "anything";
      return;
    }
    case CLASS_LD: {
      if (opcode !== OP_LDIMM64) {
        // Loads from a packet do what a call does to registers.
        finishCall(state, "other");
        return;
      }
      const isNumber = !isUnknown && from === 0 && reference === undefined;
      const number = (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(imm));
      registers[to] = isNumber ? number : "other";
    }
  }
}

/** An address to which something unknown is added. */
function somewhere(address: Known | undefined): Known {
  return typeof address === "number" || address === undefined ? "anything" : address;
}

function afterArithmetic(insn: Instruction, state: KnownState, bits: 32 | 64): Known {
  const { opcode, to, offset } = insn;
  const operation = opcode & OPERATION_MASK;
  const left = state.registers[to] ?? "anything";
  // Swaps of bytes say with the source's bit what they do; moves with an offset extend a sign or change a pointer.
  if (operation === ALU_END) return typeof left === "bigint" ? "other" : left;
  const right = operation === ALU_MOV && offset !== 0 ? "anything" : operand(insn, state);
  return computed(operation, bits, left, right);
}
