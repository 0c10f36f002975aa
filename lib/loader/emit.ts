/** Pieces of code that the steps of a loader program are made of. */
import {
  type Assembly,
  add,
  call,
  copy,
  DOUBLE,
  exit,
  IF_NEGATIVE_WORD,
  IF_NOT_EQUAL,
  type Landing,
  landIfNegative,
  load,
  loadMapValue,
  move,
  type Register,
  skip,
  skipIf,
  startAssembly,
  store,
  storeNumber,
  WORD,
} from "./assemble.ts";
import { addText, type LoaderData, startData } from "./data.ts";
import { CONTEXT, type LoaderStep, type StepAction } from "./loader.ts";

/** Helpers by their numbers (linux/bpf.h). */
const SYS_BPF = 166;
const FIND_BY_NAME_KIND = 167;
const SYS_CLOSE = 168;
const KALLSYMS_LOOKUP_NAME = 179;

/** What the registers that survive calls hold: the context, the last result, the step's number, the data. */
export const CONTEXT_REGISTER = 6;
export const RESULT = 7;
const STEP = 8;
export const DATA = 9;
/** Holds the address of what is too far from the start of the data for an instruction's offset. */
const FAR: Register = 5;
const FARTHEST_OFFSET = 0x7fff - 8;
const WORD_BYTES = 4;
/** What is in the table of descriptors, and in the context, where there is none. */
export const NO_DESCRIPTOR = -1;

/** Places in the table of file descriptors at the start of the data, which is `fd_array` of the programs, too. */
export interface Slots {
  readonly count: number;
  readonly map: (index: number) => number;
  /** The module whose BTF has what was looked up. */
  readonly found: (index: number) => number;
  readonly types: number;
  readonly inner: number;
  readonly program: (index: number) => number;
}

/** A loader program being written. */
export interface LoaderCode {
  readonly code: Assembly;
  readonly data: LoaderData;
  readonly steps: LoaderStep[];
  readonly slots: Slots;
  /** Where to go when a step fails. */
  readonly fail: Landing;
}

/** Lays the table out. A module's place is never 0, which in a call of a function stands for the kernel itself. */
export function slotsOf(maps: number, found: number, programs: number): Slots {
  const modules = maps + 2;
  return {
    count: modules + found + programs,
    map: (index) => index,
    types: maps,
    inner: maps + 1,
    found: (index) => modules + index,
    program: (index) => modules + found + index,
  };
}

/** Place in the data of a slot. */
export function slotAt(slot: number): number {
  return slot * WORD_BYTES;
}

/** `descriptors` are the slots that the context shows, in its order. The table must be put into the data first. */
export function startCode(littleEndian: boolean, slots: Slots, descriptors: readonly number[]): LoaderCode {
  const code = startAssembly(littleEndian);
  const fail: Landing = { at: 0 };
  const writing: LoaderCode = { code, data: startData(littleEndian), steps: [], slots, fail };
  copy(code, CONTEXT_REGISTER, 1);
  loadMapValue(code, DATA);
  skip(code, () => {
    fail.at = code.count;
    store(code, WORD, CONTEXT_REGISTER, CONTEXT.error, RESULT);
    store(code, WORD, CONTEXT_REGISTER, CONTEXT.step, STEP);
    // The youngest first: a program holds its maps.
    for (let slot = slots.count - 1; slot >= 0; slot--) close(writing, slot);
    // From a register: kernels before 6.5 let no number be written to a context.
    move(code, 0, NO_DESCRIPTOR);
    descriptors.forEach((_, i) => {
      store(code, WORD, CONTEXT_REGISTER, CONTEXT.descriptors + i * WORD_BYTES, 0);
    });
    copy(code, 0, RESULT);
    exit(code);
  });
  return writing;
}

/** The end where all went well: descriptors go to the context, what is not kept is closed. */
export function finishCode(writing: LoaderCode, descriptors: readonly number[]): void {
  const { code, slots } = writing;
  descriptors.forEach((slot, i) => {
    const from = near(writing, slotAt(slot));
    load(code, WORD, 0, from.register, from.offset);
    store(code, WORD, CONTEXT_REGISTER, CONTEXT.descriptors + i * WORD_BYTES, 0);
  });
  const kept = new Set(descriptors);
  for (let slot = slots.count - 1; slot >= 0; slot--) if (!kept.has(slot)) close(writing, slot);
  move(code, 0, 0);
  exit(code);
}

/** A register and an offset from it by which a place in the data is met. */
export function near({ code }: LoaderCode, at: number): { register: Register; offset: number } {
  if (at <= FARTHEST_OFFSET) return { register: DATA, offset: at };
  copy(code, FAR, DATA);
  add(code, FAR, at);
  return { register: FAR, offset: 0 };
}

/** `to` = address of a place in the data. */
export function address({ code }: LoaderCode, to: Register, at: number): void {
  copy(code, to, DATA);
  if (at !== 0) add(code, to, at);
}

/** `to` = address of a place in the data that is not known yet; gives the instruction to tell it to by setImmediate. */
export function addressToCome({ code }: LoaderCode, to: Register): number {
  copy(code, to, DATA);
  add(code, to, 0);
  return code.count - 1;
}

/** Writes the address of `target` to `at`. */
export function storeAddress(writing: LoaderCode, at: number, target: number): void {
  address(writing, 0, target);
  const to = near(writing, at);
  store(writing.code, DOUBLE, to.register, to.offset, 0);
}

/** Copies 32 bits. */
export function copyWord(writing: LoaderCode, to: number, from: number): void {
  const source = near(writing, from);
  load(writing.code, WORD, 0, source.register, source.offset);
  storeWord(writing, to, 0);
}

/** Writes the low 32 bits of a register. */
export function storeWord(writing: LoaderCode, at: number, register: Register): void {
  const to = near(writing, at);
  store(writing.code, WORD, to.register, to.offset, register);
}

/** Takes the log's place and size from the context into a command's attributes, if this step's log is asked for. */
export function takeLog(writing: LoaderCode, at: { level: number; size: number; log: number }): void {
  const { code, steps } = writing;
  load(code, WORD, 0, CONTEXT_REGISTER, CONTEXT.step);
  add(code, 0, -steps.length);
  skipIf(code, IF_NOT_EQUAL, 0, () => {
    load(code, WORD, 0, CONTEXT_REGISTER, CONTEXT.logLevel);
    storeWord(writing, at.level, 0);
    load(code, WORD, 0, CONTEXT_REGISTER, CONTEXT.logSize);
    storeWord(writing, at.size, 0);
    load(code, DOUBLE, 0, CONTEXT_REGISTER, CONTEXT.log);
    const to = near(writing, at.log);
    store(code, DOUBLE, to.register, to.offset, 0);
  });
}

/** What comes next is a step of its own. */
export function beginStep({ code, steps }: LoaderCode, action: StepAction, name: string): void {
  steps.push({ action, name });
  move(code, STEP, steps.length);
}

/** Issues a command; its result is in RESULT. Leaves where it fails. */
export function systemCall(writing: LoaderCode, command: number, attributes: number, bytes: number): void {
  trySystemCall(writing, command, attributes, bytes);
  landIfNegative(writing.code, writing.fail, RESULT);
}

/** Issues a command; its result, which may be a negative errno, is in RESULT. */
export function trySystemCall(writing: LoaderCode, command: number, attributes: number, bytes: number): void {
  const { code } = writing;
  move(code, 1, command);
  address(writing, 2, attributes);
  move(code, 3, bytes);
  call(code, SYS_BPF);
  copy(code, RESULT, 0);
}

/** Looks a type of the kernel up: RESULT is its id, and in the high half its module's BTF, or a negative errno. */
export function findType(writing: LoaderCode, name: string, kind: number): void {
  const { code } = writing;
  const text = addText(writing.data, name);
  address(writing, 1, text.at);
  move(code, 2, text.length);
  move(code, 3, kind);
  move(code, 4, 0);
  call(code, FIND_BY_NAME_KIND);
  copy(code, RESULT, 0);
}

/** Looks an address of the kernel up and writes it to `at`, 64 bits: RESULT is 0 or a negative errno. */
export function findAddress(writing: LoaderCode, name: string, at: number): void {
  const { code } = writing;
  const text = addText(writing.data, name);
  address(writing, 1, text.at);
  move(code, 2, text.length);
  move(code, 3, 0);
  address(writing, 4, at);
  call(code, KALLSYMS_LOOKUP_NAME);
  copy(code, RESULT, 0);
}

/** Closes what a slot holds, if it holds something, and makes it hold nothing. */
export function close(writing: LoaderCode, slot: number): void {
  const { code } = writing;
  const from = near(writing, slotAt(slot));
  load(code, WORD, 1, from.register, from.offset);
  skipIf(code, IF_NEGATIVE_WORD, 1, () => {
    storeNumber(code, WORD, from.register, from.offset, NO_DESCRIPTOR);
    call(code, SYS_CLOSE);
  });
}
