import {
  CLASS_JMP,
  CLASS_MASK,
  INSN_BYTES,
  JMP_ALWAYS,
  JMP_CALL,
  JMP_EXIT,
  OP_CALL,
  OP_LDIMM64,
  OPERATION_MASK,
  SOURCE_MASK,
} from "./instruction.ts";
import { isTaken } from "./known-arithmetic.ts";
import { argumentsOf, callAnything, callHelper } from "./known-call.ts";
import { copyState, covers, entryState, joined, joinedKnown, type Known, type KnownState } from "./known-state.ts";
import {
  type CodeFunction,
  type Instruction,
  isJump,
  jumpTarget,
  jumpTargets,
  operand,
  readInstruction,
  step,
} from "./known-step.ts";

/** States told apart at one place of the code before what they have in common is all that is kept of them. */
const MOST_STATES = 4;
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
  /** By function, then by slot. */
  readonly #junctions = new Map<number, Map<number, Junction>>();
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

  /** Goes on from a place, unless what would be found there is known. The state is the walk's own from here on. */
  enter(at: number, slot: number, state: KnownState): void {
    const junction = this.#junctionAt(at, slot);
    for (const known of junction.states) if (covers(known, state)) return;
    let wider = state;
    if (junction.isJoined || junction.states.length === MOST_STATES) {
      wider = junction.states.reduce(joined, state);
      junction.isJoined = true;
      junction.states = [];
    }
    junction.states.push(wider);
    this.#todo.push({ function: at, slot, state: wider });
  }

  #junctionAt(at: number, slot: number): Junction {
    let ofFunction = this.#junctions.get(at);
    if (ofFunction === undefined) {
      ofFunction = new Map();
      this.#junctions.set(at, ofFunction);
    }
    let junction = ofFunction.get(slot);
    if (junction === undefined) {
      junction = { states: [], isJoined: false };
      ofFunction.set(slot, junction);
    }
    return junction;
  }

  /** Goes straight on until paths meet or part. */
  #follow({ function: at, slot: from, state: before }: Arrival): void {
    const own = this.#functions[at];
    const reached = this.#reached[at];
    if (own === undefined || reached === undefined) return;
    const targets = this.#targetsOf(at, own);
    const view = new DataView(own.code.buffer, own.code.byteOffset, own.code.byteLength);
    const slots = own.code.length / INSN_BYTES;
    const state = copyState(before);
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
      if (!isJump(opcode)) {
        step(insn, state, own.references.get(slot));
        const callback = opcode === OP_LDIMM64 ? own.references.get(slot) : undefined;
        if (callback !== undefined && callback >= 0) this.enter(callback, 0, entryState([]));
        if (opcode === OP_LDIMM64) slot++;
        continue;
      }
      const operation = opcode & OPERATION_MASK;
      if (operation === JMP_CALL) {
        if (!this.#call({ function: at, slot, state }, own, insn)) return;
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
      if (taken !== false) this.enter(at, target, copyState(state));
      if (taken === true) return;
    }
  }

  /** Makes a call; false where it is not known yet what it returns. */
  #call({ function: at, slot, state }: Arrival, own: CodeFunction, { opcode, from, imm }: Instruction): boolean {
    const callee = own.references.get(slot);
    if (callee === undefined || callee < 0) {
      if (opcode === OP_CALL && from === 0 && callee === undefined) callHelper(state, imm);
      else callAnything(state);
      return true;
    }
    if (this.#functions[callee]?.isGlobal === true) {
      callAnything(state);
      return true;
    }
    const args = argumentsOf(state);
    callAnything(state);
    const callers = this.#callers.get(callee) ?? [];
    this.#callers.set(callee, callers);
    const caller = { function: at, slot: slot + 1, state: copyState(state) };
    callers.push(caller);
    this.enter(callee, 0, entryState(args));
    const result = this.#returns.get(callee);
    if (result !== undefined) this.#goOn(caller, result);
    return false;
  }

  #goOn(caller: Arrival, result: Known): void {
    const state = copyState(caller.state);
    state.registers[0] = result;
    this.enter(caller.function, caller.slot, state);
  }

  #leave(at: number, state: KnownState): void {
    const before = this.#returns.get(at);
    const found = state.registers[0];
    const value = typeof found === "bigint" ? found : "other";
    const result = before === undefined ? value : joinedKnown(before, value);
    if (result === before) return;
    this.#returns.set(at, result);
    for (const caller of this.#callers.get(at) ?? []) this.#goOn(caller, result);
  }

  #targetsOf(at: number, own: CodeFunction): Uint8Array {
    const known = this.#targets.get(at);
    if (known !== undefined) return known;
    const targets = jumpTargets(own);
    this.#targets.set(at, targets);
    return targets;
  }
}
