import { sectionBytes } from "../elf/section-bytes.ts";
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
import type { BpfObject } from "./object.ts";

const WORD_BYTES = 8;
/** Registers as bits of a number. */
const CONTEXT_AT_ENTRY = 1 << 1;
const ARGUMENTS = 0b11_1110;
const CLOBBERED = 0b11_1111;
const OP_MOV = 0xb0;
/** Helpers that read a context by a number that only the running program has: bpf_tail_call, bpf_get_func_arg and _ret. */
const READS_BY_NUMBER: ReadonlySet<number> = new Set([12, 183, 184]);

/**
 * The 8-byte words of its context that a program may read, which are the arguments of what it is attached to and, behind
 * them, what that has returned (fentry and the like, tp_btf, lsm). Follows the context's address from register to register
 * along every path; null where it goes elsewhere (onto the stack, into arithmetic, to another function), so that any word
 * may be read. `program` is an index into `object.programs`.
 */
export function contextReads(object: BpfObject, program: number): ReadonlySet<number> | null {
  const home = object.programs[program];
  const section = home === undefined ? undefined : object.elf.sections[home.sectionIndex];
  if (home === undefined || section === undefined) return null;
  const code = sectionBytes(object.elf, section).subarray(home.offset, home.offset + home.size);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const count = Math.floor(code.length / INSN_BYTES);
  const reads = new Set<number>();
  /** For each instruction the registers that may hold the address before it; -1 where no path has come yet. */
  const held = new Int32Array(count).fill(-1);
  const waiting: number[] = [];
  const come = (slot: number, registers: number): boolean => {
    if (slot < 0 || slot >= count) return false;
    const before = held[slot] as number;
    const joined = before === -1 ? registers : before | registers;
    if (joined !== before) {
      held[slot] = joined;
      waiting.push(slot);
    }
    return true;
  };
  if (!come(0, CONTEXT_AT_ENTRY)) return null;
  for (let slot = waiting.pop(); slot !== undefined; slot = waiting.pop()) {
    const at = slot * INSN_BYTES;
    const [low, high] = nibbles(code[at + INSN_REGS] as number);
    const [destination, source] = object.littleEndian ? [low, high] : [high, low];
    const opcode = code[at] as number;
    const insn: Step = {
      opcode,
      offset: view.getInt16(at + INSN_OFF, object.littleEndian),
      imm: view.getInt32(at + INSN_IMM, object.littleEndian),
      to: 1 << destination,
      from: 1 << source,
    };
    const after = stepOver(insn, held[slot] as number, reads);
    if (after === null) return null;
    for (const next of successors(insn, slot)) if (!come(next, after)) return null;
  }
  return reads;
}

interface Step {
  readonly opcode: number;
  readonly offset: number;
  readonly imm: number;
  /** Destination and source, as bits. */
  readonly to: number;
  readonly from: number;
}

function nibbles(byte: number): readonly [low: number, high: number] {
  return [byte & 0x0f, byte >>> 4];
}

/** The registers that may hold the context behind an instruction; null where it gets out of sight. */
function stepOver({ opcode, offset, imm, to, from }: Step, held: number, reads: Set<number>): number | null {
  const fromHeld = (held & from) !== 0;
  switch (opcode & CLASS_MASK) {
    case CLASS_LD:
      // What else there is loads from a packet, whose programs have another context.
      return opcode === OP_LDIMM64 ? held & ~to : null;
    case CLASS_LDX:
      if (fromHeld) {
        if (offset < 0) return null;
        const last = Math.floor((offset + accessBytes(opcode) - 1) / WORD_BYTES);
        for (let word = Math.floor(offset / WORD_BYTES); word <= last; word++) reads.add(word);
      }
      return held & ~to;
    case CLASS_ALU:
      return held & ~to;
    case CLASS_ALU64: {
      const usesSource = (opcode & SOURCE_MASK) !== 0;
      if ((opcode & OPERATION_MASK) === OP_MOV) return usesSource && fromHeld && offset === 0 ? held | to : held & ~to;
      return (held & to) !== 0 || (usesSource && fromHeld) ? null : held;
    }
    case CLASS_JMP:
    case CLASS_JMP32:
      return (opcode & OPERATION_MASK) === JMP_CALL ? afterCall(from, imm, held) : held;
    default:
      // A store of the address; a store into the context is refused by any verifier.
      return fromHeld && (opcode & CLASS_MASK) !== CLASS_ST ? null : held;
  }
}

/** Helpers get a context to know where they are; other functions may read what they like. `from` is register 0's bit for helpers. */
function afterCall(from: number, imm: number, held: number): number | null {
  const isHelper = from === 1;
  if ((held & ARGUMENTS) !== 0 && (!isHelper || READS_BY_NUMBER.has(imm))) return null;
  return held & ~CLOBBERED;
}

/** Where a program may go on behind an instruction. */
function successors({ opcode, offset, imm }: Step, slot: number): readonly number[] {
  const kind = opcode & CLASS_MASK;
  if (opcode === OP_LDIMM64) return [slot + 2];
  if (kind !== CLASS_JMP && kind !== CLASS_JMP32) return [slot + 1];
  const operation = opcode & OPERATION_MASK;
  if (operation === JMP_EXIT) return [];
  if (operation === JMP_CALL) return [slot + 1];
  // A long jump has its distance in the immediate (`gotol`).
  if (operation === JMP_ALWAYS) return [slot + 1 + (kind === CLASS_JMP32 ? imm : offset)];
  return [slot + 1, slot + 1 + offset];
}
