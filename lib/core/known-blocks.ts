import { ELSEWHERE } from "./code-references.ts";
import {
  CLASS_JMP,
  CLASS_MASK,
  INSN_BYTES,
  JMP_ALWAYS,
  JMP_CALL,
  JMP_EXIT,
  OP_LDIMM64,
  OPERATION_MASK,
  SOURCE_MASK,
} from "./instruction.ts";
import { isTaken } from "./known-arithmetic.ts";
import { FRAME_POINTER, type Known, type KnownState } from "./known-state.ts";
import { isJump, jumpTarget, jumpTargets, operand, type RelocatedCode, readInstruction, step } from "./known-step.ts";

/** Nothing of r0 to r9; r10 is where it always is. */
const NOTHING: readonly Known[] = [...new Array<Known>(FRAME_POINTER).fill("anything"), 0];

/**
 * By slot of one function: 1 where some path comes to, as far as that can be told from the numbers that were put into
 * registers since paths last met, or a call was made. What walkProgram reaches is reached here too, so that nothing more
 * is to be asked where this says 0. Checks mostly stand right before the jump that they decide, and this looks at each
 * instruction once: libbpf-tools' 52 objects take 250 ms of processor time in place of 310, most of which was V8's, for
 * compiling the other walk. Null where the code jumps by a table.
 */
export function reachedInBlocks(own: RelocatedCode): Uint8Array | null {
  const slots = own.code.length / INSN_BYTES;
  const view = new DataView(own.code.buffer, own.code.byteOffset, own.code.byteLength);
  const targets = jumpTargets(own);
  const reached = new Uint8Array(slots);
  const todo = [0];
  for (let from = todo.pop(); from !== undefined; from = todo.pop()) {
    let state = nothingKnown();
    for (let slot = from; slot >= 0 && slot < slots && reached[slot] === 0; slot++) {
      // What is known at a slot depends on nothing but the slot, so that it is enough to come there once.
      if (targets[slot] === 1) state = nothingKnown();
      reached[slot] = 1;
      const insn = readInstruction(own, view, slot);
      const { opcode } = insn;
      if (!isJump(opcode)) {
        step(insn, state, ELSEWHERE);
        if (opcode === OP_LDIMM64) slot++;
        continue;
      }
      const operation = opcode & OPERATION_MASK;
      if (operation === JMP_EXIT) break;
      if (operation === JMP_CALL) {
        state = nothingKnown();
        continue;
      }
      if (operation === JMP_ALWAYS) {
        if ((opcode & SOURCE_MASK) !== 0) return null;
        todo.push(jumpTarget(insn, slot));
        break;
      }
      const bits = (opcode & CLASS_MASK) === CLASS_JMP ? 64 : 32;
      const taken = isTaken(operation, bits, state.registers[insn.to] ?? "anything", operand(insn, state));
      if (taken !== false) todo.push(jumpTarget(insn, slot));
      if (taken === true) break;
    }
  }
  return reached;
}

function nothingKnown(): KnownState {
  return { registers: [...NOTHING], stack: new Map() };
}
