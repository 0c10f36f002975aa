import type { Known } from "./known-state.ts";

/** Operations of the ALU classes: the upper half of an opcode (linux/bpf_common.h, linux/bpf.h). */
const ALU_ADD = 0x00;
const ALU_SUB = 0x10;
const ALU_MUL = 0x20;
const ALU_OR = 0x40;
const ALU_AND = 0x50;
const ALU_LSH = 0x60;
const ALU_RSH = 0x70;
const ALU_MOV = 0xb0;
const ALU_ARSH = 0xc0;

/** Conditions of the JMP classes. */
const JMP_EQ = 0x10;
const JMP_GT = 0x20;
const JMP_GE = 0x30;
const JMP_SET = 0x40;
const JMP_NE = 0x50;
const JMP_SGT = 0x60;
const JMP_SGE = 0x70;
const JMP_LT = 0xa0;
const JMP_LE = 0xb0;
const JMP_SLT = 0xc0;
const JMP_SLE = 0xd0;

/**
 * What an ALU instruction leaves in its register. Numbers come only from what every verifier since Linux 5.3 follows:
 * XOR is left out (followed since 5.10), and so are NEG, DIV, MOD and byte swaps. An address of the stack stays one
 * only through 64-bit ADD and SUB of a number.
 */
export function computed(operation: number, bits: 32 | 64, left: Known, right: Known): Known {
  if (operation === ALU_MOV) return bits === 64 ? right : low(right);
  if (typeof left === "bigint" && typeof right === "bigint") return folded(operation, bits, left, right) ?? "other";
  if (bits === 64 && (operation === ALU_ADD || operation === ALU_SUB)) {
    if (typeof left === "number" && typeof right === "bigint") return moved(left, right, operation === ALU_ADD);
    if (operation === ALU_ADD && typeof right === "number" && typeof left === "bigint") return moved(right, left, true);
  }
  const hasAddress = [left, right].some((known) => typeof known === "number" || known === "anything");
  return hasAddress ? "anything" : "other";
}

/** The lower half alone, as a 32-bit move leaves it. */
function low(known: Known): Known {
  if (typeof known === "bigint") return BigInt.asUintN(32, known);
  return known === "other" ? "other" : "anything";
}

function moved(address: number, by: bigint, up: boolean): Known {
  const distance = Number(BigInt.asIntN(64, by));
  const at = up ? address + distance : address - distance;
  return Number.isSafeInteger(at) ? at : "anything";
}

function folded(operation: number, bits: 32 | 64, left: bigint, right: bigint): bigint | null {
  const a = BigInt.asUintN(bits, left);
  const b = BigInt.asUintN(bits, right);
  const cut = (value: bigint) => BigInt.asUintN(bits, value);
  switch (operation) {
    case ALU_ADD:
      return cut(a + b);
    case ALU_SUB:
      return cut(a - b);
    case ALU_MUL:
      return cut(a * b);
    case ALU_OR:
      return a | b;
    case ALU_AND:
      return a & b;
    case ALU_LSH:
      return b < bits ? cut(a << b) : null;
    case ALU_RSH:
      return b < bits ? a >> b : null;
    case ALU_ARSH:
      return b < bits ? cut(BigInt.asIntN(bits, a) >> b) : null;
    default:
      return null;
  }
}

/** Whether a conditional jump is taken; null where that is not known. */
export function isTaken(condition: number, bits: 32 | 64, left: Known, right: Known): boolean | null {
  if (typeof left !== "bigint" || typeof right !== "bigint") return null;
  const a = BigInt.asUintN(bits, left);
  const b = BigInt.asUintN(bits, right);
  const [signedA, signedB] = [BigInt.asIntN(bits, left), BigInt.asIntN(bits, right)];
  switch (condition) {
    case JMP_EQ:
      return a === b;
    case JMP_NE:
      return a !== b;
    case JMP_SET:
      return (a & b) !== 0n;
    case JMP_GT:
      return a > b;
    case JMP_GE:
      return a >= b;
    case JMP_LT:
      return a < b;
    case JMP_LE:
      return a <= b;
    case JMP_SGT:
      return signedA > signedB;
    case JMP_SGE:
      return signedA >= signedB;
    case JMP_SLT:
      return signedA < signedB;
    case JMP_SLE:
      return signedA <= signedB;
    default:
      return null;
  }
}
