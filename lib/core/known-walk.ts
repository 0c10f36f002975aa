import type { CodeReference } from "./code-references.ts";
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
  SOURCE_MASK,
} from "./instruction.ts";
import { computed, isTaken } from "./known-arithmetic.ts";
import { afterCall, afterHelper, hasStackArgument } from "./known-call.ts";
import {
  covers,
  entryState,
  joined,
  joinedKnown,
  type Known,
  type KnownState,
  loaded,
  stored,
  withoutStack,
  withRegister,
} from "./known-state.ts";

/** A function as it is walked. */
export interface CodeFunction {
  /** Whole instructions, with all values in place but where `unknown` says otherwise. */
  readonly code: Uint8Array;
  /** By slot: 1 where the immediate, the offset or the width is not to be relied on. */
  readonly unknown: Uint8Array;
  /** By slot, what calls and 64-bit immediates refer to. */
  readonly references: ReadonlyMap<number, CodeReference>;
  readonly isGlobal: boolean;
  readonly littleEndian: boolean;
}

const CLASS_JMP = 0x05;
const CLASS_JMP32 = 0x06;
const OPERATION_MASK = 0xf0;
const JMP_CALL = 0x80;
const JMP_EXIT = 0x90;
const JMP_ALWAYS = 0x00;
const MODE_MASK = 0xe0;
const MODE_ATOMIC = 0xc0;
const ALU_END = 0xd0;
const ALU_MOV = 0xb0;
const ALL_BITS = 64;

/** States told apart at one place of the code before what they have in common is all that is kept of them. */
const MOST_STATES = 16;
/** Steps of all programs of an object, after which all of it counts as reached; a real program takes a few thousand. */
const MOST_STEPS = 1 << 22;

/** What is left of an object's steps. */
export interface StepBudget {
  left: number;
}

/** A budget for one object. */
export function stepBudget(): StepBudget {
  return { left: MOST_STEPS };
}

interface Arrival {
  readonly function: number;
  readonly slot: number;
  readonly state: KnownState;
}

/**
 * Walks one program with its subprograms (`linked`, the first is where it begins) and writes 1 into `reached`, by
 * function and slot, for every instruction that some path comes to. False where it gave up: for code that jumps by a
 * table, or takes too long.
 */
export function walkProgram(
  functions: readonly CodeFunction[],
  linked: readonly number[],
  reached: readonly Uint8Array[],
  budget: StepBudget,
): boolean {
  const walk = new Walk(functions, reached, budget);
  linked.forEach((at, i) => {
    if (i === 0 || functions[at]?.isGlobal === true) walk.enter(at, 0, entryState([]));
  });
  return walk.run();
}

/** Where paths come together: what is known there, so far. */
interface Junction {
  states: KnownState[];
  isJoined: boolean;
}

class Walk {
  readonly #functions: readonly CodeFunction[];
  readonly #reached: readonly Uint8Array[];
  readonly #junctions = new Map<string, Junction>();
  readonly #targets = new Map<number, Uint8Array>();
  readonly #todo: Arrival[] = [];
  /** What static functions leave in r0, and who waits to go on with it. */
  readonly #returns = new Map<number, Known>();
  readonly #callers = new Map<number, Arrival[]>();
  readonly #budget: StepBudget;
  #gaveUp = false;

  constructor(functions: readonly CodeFunction[], reached: readonly Uint8Array[], budget: StepBudget) {
    this.#functions = functions;
    this.#reached = reached;
    this.#budget = budget;
  }

  run(): boolean {
    for (let next = this.#todo.pop(); next !== undefined && !this.#gaveUp; next = this.#todo.pop()) this.#follow(next);
    return !this.#gaveUp;
  }

  /** Goes on from a place, unless what would be found there is known. */
  enter(at: number, slot: number, state: KnownState): void {
    const key = `${at} ${slot}`;
    const junction = this.#junctions.get(key) ?? { states: [], isJoined: false };
    this.#junctions.set(key, junction);
    if (junction.states.some((known) => covers(known, state))) return;
    let wider = state;
    if (junction.isJoined || junction.states.length === MOST_STATES) {
      wider = junction.states.reduce(joined, state);
      junction.isJoined = true;
      junction.states = [];
    }
    junction.states.push(wider);
    this.#todo.push({ function: at, slot, state: wider });
  }

  /** Goes straight on until paths meet or part. */
  #follow({ function: at, slot: from, state: before }: Arrival): void {
    const own = this.#functions[at];
    const reached = this.#reached[at];
    if (own === undefined || reached === undefined) return;
    const targets = this.#targetsOf(at, own);
    const view = new DataView(own.code.buffer, own.code.byteOffset, own.code.byteLength);
    const slots = own.code.length / INSN_BYTES;
    let state = before;
    for (let slot = from; slot >= 0 && slot < slots; slot++) {
      if (slot !== from && targets[slot] === 1) {
        this.enter(at, slot, state);
        return;
      }
      this.#budget.left--;
      if (this.#budget.left < 0) this.#gaveUp = true;
      if (this.#gaveUp) return;
      reached[slot] = 1;
      const insn = readInstruction(own, view, slot);
      const { opcode } = insn;
      const isJump = (opcode & CLASS_MASK) === CLASS_JMP || (opcode & CLASS_MASK) === CLASS_JMP32;
      if (!isJump) {
        state = afterPlain(insn, state, own.references.get(slot));
        const callback = opcode === OP_LDIMM64 ? own.references.get(slot) : undefined;
        if (callback !== undefined && callback >= 0) this.enter(callback, 0, entryState([]));
        if (opcode === OP_LDIMM64) slot++;
        continue;
      }
      const operation = opcode & OPERATION_MASK;
      if (operation === JMP_CALL) {
        const after = this.#call({ function: at, slot, state }, own, insn);
        if (after === null) return;
        state = after;
        continue;
      }
      if (operation === JMP_EXIT) {
        this.#leave(at, state);
        return;
      }
      const target = jumpTarget(insn, slot);
      if (operation === JMP_ALWAYS) {
        // By a table, whose entries are in a map.
        if ((opcode & SOURCE_MASK) !== 0) this.#gaveUp = true;
        this.enter(at, target, state);
        return;
      }
      const bits = (opcode & CLASS_MASK) === CLASS_JMP ? 64 : 32;
      const taken = isTaken(operation, bits, state.registers[insn.to] ?? "anything", operand(insn, state));
      if (taken !== false) this.enter(at, target, state);
      if (taken === true) return;
    }
  }

  /** The state behind a call; null where it is not known yet how the function returns. */
  #call(here: Arrival, own: CodeFunction, { opcode, from, imm }: Instruction): KnownState | null {
    const { state, slot } = here;
    const callee = own.references.get(slot);
    if (callee !== undefined && callee >= 0) {
      const args = state.registers.slice(1, 6);
      const kept = hasStackArgument(state) ? withoutStack(state) : state;
      if (this.#functions[callee]?.isGlobal === true) return afterCall(kept, "other");
      const callers = this.#callers.get(callee) ?? [];
      this.#callers.set(callee, callers);
      callers.push({ function: here.function, slot: slot + 1, state: kept });
      this.enter(callee, 0, entryState(args));
      const result = this.#returns.get(callee);
      if (result !== undefined) this.enter(here.function, slot + 1, afterCall(kept, result));
      return null;
    }
    if (opcode === OP_CALL && from === 0 && callee === undefined) return afterHelper(state, imm);
    return afterCall(hasStackArgument(state) ? withoutStack(state) : state, "other");
  }

  #leave(at: number, state: KnownState): void {
    const before = this.#returns.get(at);
    const found = state.registers[0];
    const value = typeof found === "bigint" ? found : "other";
    const result = before === undefined ? value : joinedKnown(before, value);
    if (result === before) return;
    this.#returns.set(at, result);
    for (const caller of this.#callers.get(at) ?? []) {
      this.enter(caller.function, caller.slot, afterCall(caller.state, result));
    }
  }

  /** By slot: 1 where a jump of the function may go. */
  #targetsOf(at: number, own: CodeFunction): Uint8Array {
    const known = this.#targets.get(at);
    if (known !== undefined) return known;
    const view = new DataView(own.code.buffer, own.code.byteOffset, own.code.byteLength);
    const slots = own.code.length / INSN_BYTES;
    const targets = new Uint8Array(slots);
    for (let slot = 0; slot < slots; slot++) {
      const insn = readInstruction(own, view, slot);
      const operation = insn.opcode & OPERATION_MASK;
      const isJump = (insn.opcode & CLASS_MASK) === CLASS_JMP || (insn.opcode & CLASS_MASK) === CLASS_JMP32;
      if (isJump && operation !== JMP_CALL && operation !== JMP_EXIT) targets[jumpTarget(insn, slot)] = 1;
    }
    this.#targets.set(at, targets);
    return targets;
  }
}

interface Instruction {
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

function readInstruction(own: CodeFunction, view: DataView, slot: number): Instruction {
  const { littleEndian } = own;
  const at = slot * INSN_BYTES;
  const registers = view.getUint8(at + INSN_REGS);
  const [lower, upper] = [registers & 0x0f, registers >>> 4];
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

function jumpTarget({ opcode, offset, imm }: Instruction, slot: number): number {
  const isLong = (opcode & CLASS_MASK) === CLASS_JMP32 && (opcode & OPERATION_MASK) === JMP_ALWAYS;
  return slot + 1 + (isLong ? imm : offset);
}

function operand({ opcode, from, imm, isUnknown }: Instruction, { registers }: KnownState): Known {
  if ((opcode & SOURCE_MASK) !== 0) return registers[from] ?? "anything";
  return isUnknown ? "other" : BigInt.asUintN(ALL_BITS, BigInt(imm));
}

/** The state behind an instruction that goes on to the next one. */
function afterPlain(insn: Instruction, state: KnownState, reference: CodeReference | undefined): KnownState {
  const { opcode, to, from, offset, imm, high, isUnknown } = insn;
  const { registers } = state;
  const bytes = accessBytes(opcode);
  switch (opcode & CLASS_MASK) {
    case CLASS_ALU:
    case CLASS_ALU64: {
      const operation = opcode & OPERATION_MASK;
      const left = registers[to] ?? "anything";
      // Swaps of bytes say with the source's bit what they do; moves with an offset extend a sign or change a pointer.
      if (operation === ALU_END) return withRegister(state, to, typeof left === "bigint" ? "other" : left);
      const right = operation === ALU_MOV && offset !== 0 ? "anything" : operand(insn, state);
      return withRegister(state, to, computed(operation, (opcode & CLASS_MASK) === CLASS_ALU64 ? 64 : 32, left, right));
    }
    case CLASS_LDX: {
      const address = registers[from] ?? "anything";
      const found = isUnknown && typeof address === "number" ? "anything" : loaded(state, address, offset, bytes);
      return withRegister(state, to, found);
    }
    case CLASS_ST:
    case CLASS_STX: {
      const address = registers[to] ?? "anything";
      if (isUnknown) return typeof address === "number" || address === "anything" ? withoutStack(state) : state;
      const isAtomic = (opcode & CLASS_MASK) === CLASS_STX && (opcode & MODE_MASK) === MODE_ATOMIC;
      // Older verifiers do not follow a number that is stored as an immediate.
      const value = (opcode & CLASS_MASK) === CLASS_STX && !isAtomic ? (registers[from] ?? "anything") : "anything";
      const next = stored(state, address, offset, bytes, value);
      // Some atomic operations fetch what was there into their source register, or into r0.
      return isAtomic ? withRegister(withRegister(next, from, "anything"), 0, "anything") : next;
    }
    case CLASS_LD: {
      if (opcode !== OP_LDIMM64) return afterCall(state, "other");
      const isNumber = !isUnknown && from === 0 && reference === undefined;
      const number = (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(imm));
      return withRegister(state, to, isNumber ? number : "other");
    }
    default:
      return state;
  }
}
