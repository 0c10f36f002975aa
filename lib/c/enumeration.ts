import { rawName } from "../btf/dump-sink.ts";
import { enumeratorName, enumeratorValue } from "../btf/members.ts";
import { type Btf, sizeOf, vlenOf } from "../btf/view.ts";
import { takeName } from "./identifiers.ts";
import { declTagText } from "./tags.ts";
import type { Writer } from "./writer.ts";

const INT_MIN = -(1n << 31n);
const INT_MAX = (1n << 31n) - 1n;
const UINT_MAX = (1n << 32n) - 1n;
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
  let lowest = 0n;
  let highest = 0n;
  let text = " {\n";
  for (let i = 0; i < vlenOf(btf, id); i++) {
    const value = enumeratorValue(btf, id, i);
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
    const name = takeName(names.ordinary, rawName(sink, enumeratorName(btf, id, i)));
    text += `${indent}\t${name} = ${valueText(value)},\n`;
  }
  // C has no enum without an enumerator.
  if (vlenOf(btf, id) === 0) text += `${indent}\t${takeName(names.ordinary, `__enum_${id}`)} = 0,\n`;
  return `${text}${indent}}${modeText(btf, id, lowest, highest)}${declTagText(btf, tags, id, -1)}`;
}

function modeText(btf: Btf, id: number, lowest: bigint, highest: bigint): string {
  const size = sizeOf(btf, id);
  const fits = highest <= (lowest < 0n ? INT_MAX : UINT_MAX) && lowest >= INT_MIN;
  const mode = MODES.get(size);
  return mode === undefined || size === (fits ? 4 : 8) ? "" : ` __attribute__((mode(${mode})))`;
}

/** A value as C reads it back: of 64 bits with a suffix, the least without an overflow. */
function valueText(value: bigint): string {
  if (value === LONG_MIN) return `(${LONG_MIN + 1n}LL - 1)`;
  if (value > UINT_MAX) return `${value}ULL`;
  return value < INT_MIN ? `${value}LL` : `${value}`;
}
