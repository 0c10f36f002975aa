import { sectionBytes } from "../elf/section-bytes.ts";
import { accessBytes, CLASS_LDX, CLASS_MASK, CLASS_ST, CLASS_STX, INSN_BYTES } from "./instruction.ts";
import { patchInstruction } from "./patch.ts";
import type { ReloRecord } from "./resolve.ts";

/** What writing a record's value would do to its instruction. */
export interface PatchEffect {
  /** Why the instruction cannot take it, in words; null when it can. */
  readonly failure: string | null;
  readonly poisoned: boolean;
  /** A load or store that would move another number of bytes. */
  readonly resized: boolean;
  /** Bytes that it then moves; null for any other instruction. */
  readonly moves: number | null;
}

const NO_EFFECT: PatchEffect = { failure: null, poisoned: false, resized: false, moves: null };

/**
 * Patches a copy of one instruction, to see whether it takes the value: an offset may be too great for it, or it may
 * not hold what the relocation says. Nothing of the object changes.
 */
export function tryPatch({ object, relocation, value }: ReloRecord): PatchEffect {
  const section = object.elf.sections[relocation.sectionIndex];
  if (value === null || section === undefined) return NO_EFFECT;
  const { insnOffset } = relocation;
  // A 64-bit immediate takes two.
  // Not bytes.slice(), which shares memory when the bytes are a Buffer.
  const code = new Uint8Array(sectionBytes(object.elf, section).subarray(insnOffset, insnOffset + 2 * INSN_BYTES));
  const opcodeClass = (code[0] ?? 0) & CLASS_MASK;
  const outcome = patchInstruction(code, 0, value, object.littleEndian);
  if (typeof outcome === "object") return { ...NO_EFFECT, failure: outcome.failure };
  if (outcome === "poisoned") return { ...NO_EFFECT, poisoned: true };
  const isMemory = opcodeClass === CLASS_LDX || opcodeClass === CLASS_ST || opcodeClass === CLASS_STX;
  if (!isMemory) return NO_EFFECT;
  return { ...NO_EFFECT, resized: value.size !== value.originalSize, moves: accessBytes(code[0] ?? 0) };
}
