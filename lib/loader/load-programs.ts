import { INSN_BYTES, INSN_IMM, INSN_OFF, INSN_REGS } from "../core/instruction.ts";
import { codeOf, destinationOf } from "../prepare/code-access.ts";
import { kernelName } from "../prepare/map-name.ts";
import type { InfoRecords, Plan, PlannedProgram, Reference } from "../prepare/plan.ts";
import {
  BYTE,
  DOUBLE,
  HALF,
  IF_NEGATIVE_WORD,
  IF_NOT_EQUAL,
  load,
  shiftRight,
  skipIf,
  storeNumber,
  WORD,
} from "./assemble.ts";
import { LOAD, NAME_ROOM, PROG_LOAD } from "./attributes.ts";
import { type CarriedRelocations, RELOCATION_WORDS, relocationsOfProgram } from "./carried-relocations.ts";
import { addBytes, addText, addWords, type LoaderData, reserve, setText, setWord } from "./data.ts";
import {
  beginStep,
  copyWord,
  type LoaderCode,
  near,
  RESULT,
  slotAt,
  storeAddress,
  storeWord,
  systemCall,
  takeLog,
} from "./emit.ts";
import { emitLookups, type Lookup, type Lookups, lookupOf, lookupOfTarget } from "./lookups.ts";

const WORD_BYTES = 4;
const HALF_BITS = 32;

/** Sets room aside for a program's attributes; with relocations to carry or without. */
export function placeProgram(data: LoaderData, carriesRelocations: boolean): number {
  return reserve(data, carriesRelocations ? LOAD.bytesWithRelocations : LOAD.bytes);
}

/** What all programs are loaded with. */
export interface ProgramContext {
  readonly plan: Plan;
  /** Empty where they are applied. */
  readonly carried: CarriedRelocations;
  readonly lookups: Lookups;
  /** Keys of what is looked up already. */
  readonly found: Set<string>;
}

/** Loads a program; its descriptor goes to `slot`. */
export function emitProgram(
  writing: LoaderCode,
  context: ProgramContext,
  program: PlannedProgram,
  at: number,
  slot: number,
): void {
  const { plan, lookups, found } = context;
  const { data } = writing;
  const carried = relocationsOfProgram(context.carried, program);
  emitLookups(writing, plan, lookups, program, found);
  beginStep(writing, "load-program", program.name);
  const instructions = addBytes(data, program.instructions);
  setWord(data, at + LOAD.type, program.typeNumber);
  setWord(data, at + LOAD.count, program.instructions.length / INSN_BYTES);
  setWord(data, at + LOAD.kernelVersion, plan.kernelVersion);
  setWord(data, at + LOAD.flags, program.flags);
  setText(data, at + LOAD.name, NAME_ROOM, kernelName(program.name));
  setWord(data, at + LOAD.attachType, program.attachType);
  storeAddress(writing, at + LOAD.instructions, instructions);
  storeAddress(writing, at + LOAD.license, addText(data, plan.license).at);
  storeAddress(writing, at + LOAD.descriptors, slotAt(writing.slots.map(0)));
  if (plan.btf !== null) {
    copyWord(writing, at + LOAD.btf, slotAt(writing.slots.types));
    describeInfo(writing, at, program.functions, LOAD.functionBytes, LOAD.functionCount, LOAD.functions);
    describeInfo(writing, at, program.lines, LOAD.lineBytes, LOAD.lineCount, LOAD.lines);
  }
  if (carried.length > 0) {
    setWord(data, at + LOAD.relocationBytes, RELOCATION_WORDS * WORD_BYTES);
    setWord(data, at + LOAD.relocationCount, carried.length / RELOCATION_WORDS);
    storeAddress(writing, at + LOAD.relocations, addWords(data, carried));
  }
  takeLog(writing, { level: at + LOAD.logLevel, size: at + LOAD.logSize, log: at + LOAD.log });
  const target = program.attachTarget === null ? null : lookupOfTarget(lookups, program.attachTarget);
  if (target !== null) {
    copyWord(writing, at + LOAD.attachId, target.at);
    ifInModule(writing, target, () => storeWord(writing, at + LOAD.attachBtf, 0));
  }
  const code = codeOf(program.instructions, plan.littleEndian);
  for (const reference of program.references) {
    const lookup = lookupOf(lookups, plan, reference);
    const insn = instructions + reference.insn * INSN_BYTES;
    if (lookup !== null) emitReference(writing, reference, lookup, insn, destinationOf(code, reference.insn), plan);
  }
  systemCall(writing, PROG_LOAD, at, carried.length > 0 ? LOAD.bytesWithRelocations : LOAD.bytes);
  storeWord(writing, slotAt(slot), RESULT);
}

function describeInfo(
  writing: LoaderCode,
  at: number,
  info: InfoRecords | null,
  bytesField: number,
  countField: number,
  field: number,
): void {
  if (info === null) return;
  const { data } = writing;
  setWord(data, at + bytesField, info.recordBytes);
  setWord(data, at + countField, (info.words.length * WORD_BYTES) / info.recordBytes);
  storeAddress(writing, at + field, addWords(data, info.words));
}

/** Runs `body` with R0 the descriptor of the BTF of the module that has what was looked up; not for the kernel itself. */
function ifInModule(writing: LoaderCode, { slot }: Lookup, body: () => void): void {
  const from = near(writing, slotAt(slot));
  load(writing.code, WORD, 0, from.register, from.offset);
  skipIf(writing.code, IF_NEGATIVE_WORD, 0, body);
}

/** Puts what was looked up into an instruction, as the kernel wants it there. */
function emitReference(
  writing: LoaderCode,
  { kind }: Reference,
  lookup: Lookup,
  insn: number,
  destination: number,
  { littleEndian }: Plan,
): void {
  const { code } = writing;
  const second = insn + INSN_BYTES + INSN_IMM;
  if (kind === "ksym") {
    const from = near(writing, lookup.at);
    load(code, DOUBLE, 0, from.register, from.offset);
    storeWord(writing, insn + INSN_IMM, 0);
    shiftRight(code, 0, HALF_BITS);
    storeWord(writing, second, 0);
    return;
  }
  copyWord(writing, insn + INSN_IMM, lookup.at);
  if (kind === "kfunc") {
    ifInModule(writing, lookup, () => {
      const to = near(writing, insn + INSN_OFF);
      storeNumber(code, HALF, to.register, to.offset, lookup.slot);
    });
    return;
  }
  // Of a weak variable that is not there nothing but 0 is loaded: the mark of a type goes.
  skipIf(code, IF_NOT_EQUAL, 0, () => {
    const to = near(writing, insn + INSN_REGS);
    storeNumber(code, BYTE, to.register, to.offset, littleEndian ? destination : destination << 4);
  });
  ifInModule(writing, lookup, () => storeWord(writing, second, 0));
}
