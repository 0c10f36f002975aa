import { KIND_DATASEC, KIND_ENUM64, KIND_FUNC, KIND_FWD, KIND_VAR } from "../btf/format.ts";
import { equalBytes, essentialLength, nameOf } from "../btf/strings.ts";
import { type Btf, isEnum, kindOf, nameOffsetOf, typeCount } from "../btf/view.ts";
import { sameKind } from "./match-field.ts";
import { allowedEdits, nearest } from "./nearest.ts";
import { kindWords, typeText } from "./path-text.ts";

const DECODER = new TextDecoder();
/** Kinds that a person does not mean when a type is missing. */
const NO_TYPES = new Set([KIND_FUNC, KIND_VAR, KIND_DATASEC]);

/**
 * Why the target has no candidate at all: no type of that name and kind. Names what comes near: the same name with
 * another kind, else the nearest name of the kind. Goes through all types of the target (5 ms for 22,000 names), so
 * ask once a root type.
 */
export function explainMissing(local: Btf, rootId: number, target: Btf): string {
  const name = nameOffsetOf(local, rootId);
  const length = essentialLength(local.strings, name);
  const kind = kindOf(local, rootId);
  const text = DECODER.decode(local.strings.subarray(name, name + length));
  const namesakes = new Set<number>();
  const near: string[] = [];
  for (let id = 1; id < typeCount(target); id++) {
    const other = nameOffsetOf(target, id);
    if (target.strings[other] === 0) continue;
    const otherKind = kindOf(target, id);
    if (NO_TYPES.has(otherKind) && otherKind !== kind) continue;
    if (sameName(local, name, length, target, other)) namesakes.add(otherKind);
    else if (sameKind(kind, otherKind) && isShort(target, other, length)) near.push(nameOf(target, id));
  }
  const said = describeRoot(local, rootId, text, kind);
  if (namesakes.size > 0) {
    const kinds = [...namesakes].sort((a, b) => a - b).map((other) => kindWords(other));
    return `no ${said}; ${text} is ${kinds.join(" and ")} there`;
  }
  const best = nearest(text, near);
  return best === undefined ? `no ${said}` : `no ${said}; nearest: ${best}`;
}

/** The same without a look at the target: "no struct foo". */
export function nameMissing(local: Btf, rootId: number): string {
  const name = nameOffsetOf(local, rootId);
  const text = DECODER.decode(local.strings.subarray(name, name + essentialLength(local.strings, name)));
  return `no ${describeRoot(local, rootId, text, kindOf(local, rootId))}`;
}

function describeRoot(local: Btf, rootId: number, text: string, kind: number): string {
  if (isEnum(kind)) return `${kind === KIND_ENUM64 ? "enum64" : "enum"} ${text}`;
  if (kind === KIND_FWD) return `forward declaration of ${text}`;
  const type = typeText(local, rootId);
  const word = type.includes(" ") ? type.slice(0, type.indexOf(" ")) : "";
  return word === "struct" || word === "union" ? `${word} ${text}` : `${kindWords(kind).replace(/^an? /, "")} ${text}`;
}

function sameName(local: Btf, name: number, length: number, target: Btf, other: number): boolean {
  if (!equalBytes(local.strings, name, target.strings, other, length)) return false;
  return essentialLength(target.strings, other) === length;
}

/** A cheap look at the length, before a name is decoded and compared. */
function isShort(target: Btf, offset: number, length: number): boolean {
  const longest = length + allowedEdits(length, length * 2);
  for (let i = 0; i <= longest; i++) if (target.strings[offset + i] === 0) return i + allowedEdits(length, i) >= length;
  return false;
}
