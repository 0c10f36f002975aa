import { rawName } from "../btf/dump-sink.ts";
import { ENUMERATOR_VALUE_WORD, KIND_ENUM64 } from "../btf/format.ts";
import { enumeratorAt, enumeratorName, enumeratorValue } from "../btf/members.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, kindFlagOf, kindOf, nameOffsetOf, sizeOf, vlenOf } from "../btf/view.ts";
import { takeName } from "./identifiers.ts";
import { declTagText } from "./tags.ts";
import type { Writer } from "./writer.ts";

const INT_MIN = -0x80000000;
const INT_MAX = 0x7fffffff;
const UINT_MAX = 0xffffffff;
const LONG_MIN = -(1n << 63n);

/** The mode of an enum whose size is not the one that its values ask for. */
const MODES: ReadonlyMap<number, string> = new Map([
  [1, "byte"],
  [2, "HI"],
  [4, "SI"],
  [8, "DI"],
]);

/** An enum from its brace to its attributes; it takes the names of its enumerators. */
export function enumBody(writer: Writer, id: number): string {
  const { btf, sink, names, indent, tags } = writer;
  const isWide = kindOf(btf, id) === KIND_ENUM64;
  const isOwn = isTruth(btf, id);
  let lowest = 0;
  let highest = 0;
  let text = " {\n";
  for (let i = 0; i < vlenOf(btf, id); i++) {
    // Only 64-bit values are worth a bigint each.
    const wide = isWide ? enumeratorValue(btf, id, i) : 0n;
    const value = isWide ? Number(wide) : narrowValue(btf, id, i);
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
    const name = takeName(names.ordinary, rawName(sink, enumeratorName(btf, id, i)), isOwn);
    text += `${indent}\t${name} = ${isWide ? wideText(wide) : value},\n`;
  }
  const fits = highest <= (lowest < 0 ? INT_MAX : UINT_MAX) && lowest >= INT_MIN;
  // C has no enum without an enumerator.
  if (vlenOf(btf, id) === 0) text += `${indent}\t${takeName(names.ordinary, `__enum_${id}`)} = 0,\n`;
  return `${text}${indent}}${modeText(sizeOf(btf, id), fits)}${declTagText(btf, tags, id, -1)}`;
}

/** True for the enum of `false` and `true`, which later C has by itself. */
export function isTruth(btf: Btf, id: number): boolean {
  if (nameOffsetOf(btf, id) !== 0 || vlenOf(btf, id) !== 2) return false;
  const names = [0, 1].map((i) => stringAt(btf.strings, enumeratorName(btf, id, i)));
  return names.includes("true") && names.includes("false");
}

function narrowValue(btf: Btf, id: number, index: number): number {
  const word = btf.words[enumeratorAt(btf, id, index) + ENUMERATOR_VALUE_WORD] as number;
  return kindFlagOf(btf, id) === 1 ? word | 0 : word;
}

/** Compilers take 4 bytes for an enum if its values fit, else 8. */
function modeText(size: number, fits: boolean): string {
  const mode = MODES.get(size);
  return mode === undefined || size === (fits ? 4 : 8) ? "" : ` __attribute__((mode(${mode})))`;
}

/** A value as C reads it back: of 64 bits with a suffix, the least without an overflow. */
function wideText(value: bigint): string {
  if (value === LONG_MIN) return `(${LONG_MIN + 1n}LL - 1)`;
  if (value > UINT_MAX) return `${value}ULL`;
  return value < INT_MIN ? `${value}LL` : `${value}`;
}
