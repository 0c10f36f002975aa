import { INSN_BYTES, INSN_IMM, JMP_CALL, JMP_EXIT, OP_LDIMM64 } from "../core/instruction.ts";

/** A register: R0 holds results, R1 to R5 arguments, R6 to R9 survive calls, R10 is the stack. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Operations with a 64-bit immediate or register (linux/bpf.h, bpf_common.h). */
const MOVE = 0xb7;
const MOVE_REGISTER = 0xbf;
const ADD = 0x07;
const SHIFT_RIGHT = 0x77;
const SUBTRACT_REGISTER = 0x1f;
const JUMP = 0x05;
const CALL = 0x05 | JMP_CALL;
const EXIT = 0x05 | JMP_EXIT;

/** Loads and stores, to which the size's bits are added. */
const LOAD = 0x61;
const STORE = 0x63;
const STORE_IMMEDIATE = 0x62;

/** Size of what is loaded or stored, as its bits in the opcode. */
export const BYTE = 0x10;
export const HALF = 0x08;
export const WORD = 0x00;
export const DOUBLE = 0x18;
type Size = typeof BYTE | typeof HALF | typeof WORD | typeof DOUBLE;

/** Conditions of a jump that compares with an immediate; the last compares 32 bits. */
export const IF_EQUAL = 0x15;
export const IF_NOT_EQUAL = 0x55;
export const IF_NEGATIVE = 0xc5;
export const IF_NOT_NEGATIVE = 0x75;
export const IF_NEGATIVE_WORD = 0xc6;
type Condition =
  | typeof IF_EQUAL
  | typeof IF_NOT_EQUAL
  | typeof IF_NEGATIVE
  | typeof IF_NOT_NEGATIVE
  | typeof IF_NEGATIVE_WORD;

/** In an LDIMM64's source register: a map, by its index in `fd_array` (BPF_PSEUDO_MAP_IDX). */
const PSEUDO_MAP_INDEX = 5;
/** In an LDIMM64's source register: the value of a map, by its index in `fd_array` (BPF_PSEUDO_MAP_IDX_VALUE). */
const PSEUDO_MAP_INDEX_VALUE = 6;
/** How far a jump leads back: a signed 16-bit number. */
const FARTHEST = 0x7fff;
/** From here on a landing is put in between, so that what comes before the next look may be as long again. */
const FAR = FARTHEST >> 1;

const FIRST_ROOM = 4096;

/** Code as it grows. */
export interface Assembly {
  bytes: Uint8Array;
  view: DataView;
  /** Instructions so far. */
  count: number;
  /** True where a jump would have to lead farther than it can: the code is good for nothing then. */
  isTooLong: boolean;
  readonly littleEndian: boolean;
}

/** Where code goes from many places: jumps are backward, over landings in between where it is too far. */
export interface Landing {
  at: number;
}

/** Nothing yet. */
export function startAssembly(littleEndian: boolean): Assembly {
  const bytes = new Uint8Array(FIRST_ROOM);
  return { bytes, view: new DataView(bytes.buffer), count: 0, isTooLong: false, littleEndian };
}

/** The instructions so far, a copy. */
export function assembled({ bytes, count }: Assembly): Uint8Array {
  return bytes.slice(0, count * INSN_BYTES);
}

function emit(code: Assembly, opcode: number, to: number, from: number, offset: number, immediate: number): void {
  const at = code.count * INSN_BYTES;
  if (at + INSN_BYTES > code.bytes.length) {
    const bytes = new Uint8Array(code.bytes.length * 2);
    bytes.set(code.bytes);
    code.bytes = bytes;
    code.view = new DataView(bytes.buffer);
  }
  code.view.setUint8(at, opcode);
  code.view.setUint8(at + 1, code.littleEndian ? to | (from << 4) : (to << 4) | from);
  code.view.setInt16(at + 2, offset, code.littleEndian);
  code.view.setInt32(at + 4, immediate, code.littleEndian);
  code.count++;
}

/** `to = value`, a signed 32-bit number. */
export function move(code: Assembly, to: Register, value: number): void {
  emit(code, MOVE, to, 0, 0, value);
}

/** `to = from` */
export function copy(code: Assembly, to: Register, from: Register): void {
  emit(code, MOVE_REGISTER, to, from, 0, 0);
}

/** `to += value` */
export function add(code: Assembly, to: Register, value: number): void {
  emit(code, ADD, to, 0, 0, value);
}

/** `to >>= bits`, filled with zeros. */
export function shiftRight(code: Assembly, to: Register, bits: number): void {
  emit(code, SHIFT_RIGHT, to, 0, 0, bits);
}

/** `to = *(from + offset)`, filled with zeros. */
export function load(code: Assembly, size: Size, to: Register, from: Register, offset: number): void {
  emit(code, LOAD | size, to, from, offset, 0);
}

/** `*(to + offset) = from` */
export function store(code: Assembly, size: Size, to: Register, offset: number, from: Register): void {
  emit(code, STORE | size, to, from, offset, 0);
}

/** `*(to + offset) = value` */
export function storeNumber(code: Assembly, size: Size, to: Register, offset: number, value: number): void {
  emit(code, STORE_IMMEDIATE | size, to, 0, offset, value);
}

/** `to -= from` */
export function subtract(code: Assembly, to: Register, from: Register): void {
  emit(code, SUBTRACT_REGISTER, to, from, 0, 0);
}

/** `to` = the first map in `fd_array` itself. */
export function loadMap(code: Assembly, to: Register): void {
  emit(code, OP_LDIMM64, to, PSEUDO_MAP_INDEX, 0, 0);
  emit(code, 0, 0, 0, 0, 0);
}

/** `to` = a number of 64 bits that is told later, into the immediates of two instructions; gives the first's place. */
export function loadNumberToCome(code: Assembly, to: Register): number {
  emit(code, OP_LDIMM64, to, 0, 0, 0);
  emit(code, 0, 0, 0, 0, 0);
  return code.count - 2;
}

/** `to` = address of the value of the first map in `fd_array`. */
export function loadMapValue(code: Assembly, to: Register): void {
  emit(code, OP_LDIMM64, to, PSEUDO_MAP_INDEX_VALUE, 0, 0);
  emit(code, 0, 0, 0, 0, 0);
}

/** Calls a helper by its number: R1 to R5 are gone then, R0 is the result. */
export function call(code: Assembly, helper: number): void {
  emit(code, CALL, 0, 0, 0, helper);
}

/** Ends the program; R0 is its result. */
export function exit(code: Assembly): void {
  emit(code, EXIT, 0, 0, 0, 0);
}

/** Passes over what `body` emits where the condition (against 0) holds. */
export function skipIf(code: Assembly, condition: Condition, register: Register, body: () => void): void {
  const at = code.count;
  emit(code, condition, register, 0, 0, 0);
  body();
  setOffset(code, at);
}

/** Passes over what `body` emits. */
export function skip(code: Assembly, body: () => void): void {
  const at = code.count;
  emit(code, JUMP, 0, 0, 0, 0);
  body();
  setOffset(code, at);
}

/** Goes to a landing behind us where a register is negative. */
export function landIfNegative(code: Assembly, landing: Landing, register: Register): void {
  if (code.count - landing.at > FAR) {
    const before = landing.at;
    skip(code, () => {
      landing.at = code.count;
      jumpBack(code, JUMP, 0, before);
    });
  }
  jumpBack(code, IF_NEGATIVE, register, landing.at);
}

function jumpBack(code: Assembly, opcode: number, register: number, to: number): void {
  const offset = to - code.count - 1;
  if (-offset > FARTHEST) code.isTooLong = true;
  emit(code, opcode, register, 0, offset, 0);
}

/** Writes another immediate into an instruction that is there. */
export function setImmediate(code: Assembly, at: number, value: number): void {
  code.view.setInt32(at * INSN_BYTES + INSN_IMM, value, code.littleEndian);
}

/** Makes the jump at `at` lead to what comes next. */
function setOffset(code: Assembly, at: number): void {
  if (code.count - at - 1 > FARTHEST) code.isTooLong = true;
  code.view.setInt16(at * INSN_BYTES + 2, code.count - at - 1, code.littleEndian);
}
