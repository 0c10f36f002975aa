import { INSN_BYTES, INSN_IMM } from "../core/instruction.ts";
import {
  add,
  DOUBLE,
  IF_EQUAL,
  landIfNegative,
  load,
  loadMap,
  loadNumberToCome,
  move,
  skipIf,
  subtract,
  WORD,
} from "./assemble.ts";
import { beginStep, type LoaderCode, RESULT } from "./emit.ts";
import type { Loader } from "./loader.ts";

/** `struct bpf_map` begins with the SHA-256 of its contents and whether it is one program's alone (Linux 6.18). */
const SHA = 0;
const EXCLUSIVE = 32;
const HASH_PARTS = 4;
const PART_BYTES = 8;
const EBADMSG = 74;

/**
 * Compares the data's hash, as the kernel has computed it, with one in the instructions, which a signature covers; and sees
 * that no other program can change the data meanwhile. Gives the instructions that want the hash.
 */
export function emitDataCheck(writing: LoaderCode): number[] {
  const { code, fail } = writing;
  const failUnlessZero = () => {
    skipIf(code, IF_EQUAL, 2, () => {
      move(code, RESULT, -EBADMSG);
      landIfNegative(code, fail, RESULT);
    });
  };
  beginStep(writing, "check-data", "");
  loadMap(code, 1);
  load(code, WORD, 2, 1, EXCLUSIVE);
  add(code, 2, -1);
  failUnlessZero();
  return Array.from({ length: HASH_PARTS }, (_, i) => {
    loadMap(code, 1);
    load(code, DOUBLE, 2, 1, SHA + i * PART_BYTES);
    const at = loadNumberToCome(code, 3);
    subtract(code, 2, 3);
    failUnlessZero();
    return at;
  });
}

/** A copy of a loader's instructions with the hash (32 bytes) in its place. */
export function sealInstructions(
  { instructions, hashAt, littleEndian }: Pick<Loader, "instructions" | "hashAt" | "littleEndian">,
  hash: Uint8Array,
): Uint8Array {
  const sealed = instructions.slice();
  hashAt.forEach((at, i) => {
    const part = hash.subarray(i * PART_BYTES, (i + 1) * PART_BYTES);
    // The number whose bytes in memory are those of the hash; its low half is in the first instruction.
    const [low, high] = littleEndian ? [0, 4] : [4, 0];
    sealed.set(part.subarray(low, low + 4), at * INSN_BYTES + INSN_IMM);
    sealed.set(part.subarray(high, high + 4), (at + 1) * INSN_BYTES + INSN_IMM);
  });
  return sealed;
}
