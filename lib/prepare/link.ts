import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfObject, BpfProgram } from "../core/object.ts";
import {
  type Code,
  codeOf,
  destinationOf,
  immediateOf,
  isCall,
  isLoad64,
  offsetOf,
  PSEUDO_FUNC,
  setImmediate,
  setSource,
  sourceOf,
} from "./code-access.ts";
import { type CodeRelocation, LIBRARY_SECTION } from "./code-relocations.ts";

/** A function's place in a program. */
export interface LinkedPart {
  /** Index into `BpfObject.programs`. */
  readonly index: number;
  /** First instruction. */
  readonly start: number;
  /** The function's code, a copy with calls put right; of the same bytes as the whole. */
  readonly code: Code;
}

/** A program with the subprograms it calls, or why it cannot be linked. */
export interface LinkedCode {
  readonly parts: readonly LinkedPart[];
  readonly refusal: string | null;
}

const PSEUDO_CALL = 1;
/** A kernel takes 256 functions in a program (BPF_MAX_SUBPROGS). */
const MAX_PARTS = 1024;

/**
 * Puts subprograms behind a program, each when the first call of it is met, and what it calls itself right behind it
 * (libbpf.c, bpf_object__reloc_code). `code` is each function's own, with CO-RE applied; it is not changed. `callback` is a
 * function that goes behind all others although nothing refers to it; null for none.
 */
export function linkProgram(
  object: BpfObject,
  main: number,
  code: readonly Uint8Array[],
  relocations: readonly (readonly CodeRelocation[])[],
  callback: number | null,
): LinkedCode {
  const parts: LinkedPart[] = [];
  const startOf = new Map<number, number>();
  let end = 0;
  const place = (index: number): LinkedPart => {
    const part = { index, start: end, code: codeOf(new Uint8Array(code[index] ?? []), object.littleEndian) };
    for (const { kind, insn } of relocations[index] ?? []) {
      // Told from constants by this mark; so a loader does it.
      if (kind === "function") setSource(part.code, insn, PSEUDO_FUNC);
    }
    startOf.set(index, end);
    end += part.code.bytes.length / INSN_BYTES;
    parts.push(part);
    return part;
  };
  // Each entry is a function and the instruction to go on at: what libbpf does by calling itself.
  const stack = [{ part: place(main), insn: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { part } = top;
    const callee = nextReference(object, part, top.insn, relocations[part.index] ?? []);
    if (callee === null) {
      stack.pop();
      if (stack.length === 0 && callback !== null && !startOf.has(callback)) {
        stack.push({ part: place(callback), insn: 0 });
      }
      continue;
    }
    if ("refusal" in callee) return { parts, refusal: callee.refusal };
    const { insn, index } = callee;
    top.insn = insn + 1;
    const isNew = !startOf.has(index);
    if (isNew && parts.length === MAX_PARTS) return { parts, refusal: `calls more than ${MAX_PARTS} functions` };
    if (isNew) stack.push({ part: place(index), insn: 0 });
    setImmediate(part.code, insn, (startOf.get(index) ?? 0) - (part.start + insn) - 1);
  }
  return { parts, refusal: null };
}

/** The whole program's bytes. */
export function joinParts(parts: readonly LinkedPart[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { code }) => sum + code.bytes.length, 0));
  for (const { start, code } of parts) bytes.set(code.bytes, start * INSN_BYTES);
  return bytes;
}

/** The next instruction that refers to a function, from `from` on; null for none. */
function nextReference(
  { programs }: BpfObject,
  { index, code }: LinkedPart,
  from: number,
  relocations: readonly CodeRelocation[],
): { readonly insn: number; readonly index: number } | { readonly refusal: string } | null {
  const home = programs[index] as BpfProgram;
  for (let insn = from; insn < code.bytes.length / INSN_BYTES; insn++) {
    const isAddress = isLoad64(code, insn) && sourceOf(code, insn) === PSEUDO_FUNC;
    if (!isAddress && !isSubprogramCall(code, insn)) continue;
    const relocation = relocations.find((one) => one.insn === insn);
    if (relocation?.kind === "extern-call") continue;
    const immediate = immediateOf(code, insn);
    let target: number;
    if (relocation === undefined) {
      if (isAddress) return { refusal: `insn #${insn} loads a function's address without a relocation` };
      // A static function of the same section: the immediate counts from where the instruction was.
      target = home.offset + (insn + immediate + 1) * INSN_BYTES;
    } else if (relocation.kind === "call") target = relocation.offset + (immediate + 1) * INSN_BYTES;
    else if (relocation.kind === "function") target = relocation.offset + immediate;
    else return { refusal: `insn #${insn} is a call with another relocation` };
    const callee = programs.findIndex(
      ({ section, offset, size }) => section === LIBRARY_SECTION && target >= offset && target < offset + size,
    );
    if (callee === -1) return { refusal: `insn #${insn} refers to a function that is not in .text` };
    return { insn, index: callee };
  }
  return null;
}

function isSubprogramCall(code: Code, insn: number): boolean {
  return (
    isCall(code, insn) &&
    sourceOf(code, insn) === PSEUDO_CALL &&
    destinationOf(code, insn) === 0 &&
    offsetOf(code, insn) === 0
  );
}
