import {
  INT_BOOL,
  INT_CHAR,
  INT_SIGNED,
  KIND_DATASEC,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_INT,
  KIND_TYPEDEF,
  KIND_VAR,
} from "../btf/format.ts";
import { intBits, intEncoding, intOffset } from "../btf/members.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, sizeOf, targetOf } from "../btf/view.ts";
import type { Change, PlaceSide } from "./change.ts";
import type { ClassedView } from "./classes.ts";
import { type CompositePair, diffComposites } from "./composite.ts";
import { diffEnums } from "./enums.ts";
import type { FieldBudget } from "./fields.ts";
import { diffFunctions } from "./functions.ts";
import { isDeclaration } from "./root-kind.ts";
import { differentTexts, linkageText, varLinkage } from "./spell.ts";
import { diffTags } from "./tags.ts";

/** What differs between two types of one kind and name whose records differ: at least one thing. */
export function changesOf(pair: CompositePair, budget: FieldBudget): Change[] {
  const { old, oldId, next, newId } = pair;
  const changes = [...ownChanges(pair, budget), ...diffTags(old, oldId, next, newId)];
  return changes.length === 0 ? [{ what: "order" }] : changes;
}

function ownChanges(pair: CompositePair, budget: FieldBudget): Change[] {
  const { old, oldId, next, newId } = pair;
  const [a, b] = [isDeclaration(old.btf, oldId), isDeclaration(next.btf, newId)];
  if (a !== b) return [{ what: "definition", old: definitionText(a), new: definitionText(b) }];
  const kind = kindOf(next.btf, newId);
  if (isComposite(kind)) return diffComposites(pair, budget);
  if (isEnum(kind)) return diffEnums(old.speller, oldId, next.speller, newId);
  switch (kind) {
    case KIND_TYPEDEF:
      return diffTypedefs(pair, budget);
    case KIND_FUNC:
      return diffFunctions(old, oldId, next, newId);
    case KIND_VAR:
      return diffVariables(pair);
    case KIND_INT:
      return [...sizeChange(old.btf, oldId, next.btf, newId), ...encodingChange(old.btf, oldId, next.btf, newId)];
    case KIND_FLOAT:
    case KIND_DATASEC:
      return sizeChange(old.btf, oldId, next.btf, newId);
    default:
      return [];
  }
}

const definitionText = (declared: boolean) => (declared ? "declared" : "defined");

/** A typedef of an anonymous type is a name for it: what changed in that is said. */
function diffTypedefs(pair: CompositePair, budget: FieldBudget): Change[] {
  const { old, oldId, next, newId } = pair;
  const [a, b] = [targetOf(old.btf, oldId), targetOf(next.btf, newId)];
  const kind = kindOf(old.btf, a);
  const anonymous = nameOffsetOf(old.btf, a) === 0 && nameOffsetOf(next.btf, b) === 0;
  if (anonymous && isComposite(kind) && kind === kindOf(next.btf, b)) {
    return diffComposites({ ...pair, oldId: a, newId: b }, budget);
  }
  if (anonymous && isEnum(kind) && isEnum(kindOf(next.btf, b))) return diffEnums(old.speller, a, next.speller, b);
  return targetChange("target", old, a, next, b);
}

function diffVariables({ old, oldId, next, newId }: CompositePair): Change[] {
  const changes = targetChange("type", old, targetOf(old.btf, oldId), next, targetOf(next.btf, newId));
  const [a, b] = [varLinkage(old.btf, oldId), varLinkage(next.btf, newId)];
  if (a !== b) changes.push({ what: "linkage", old: linkageText(a), new: linkageText(b) });
  const [x, y] = [placeOf(old, oldId), placeOf(next, newId)];
  if (JSON.stringify(x) !== JSON.stringify(y)) changes.push({ what: "place", old: x, new: y });
  return changes;
}

/** Where a section has a variable; the first place by the section's name where there are several. */
function placeOf({ btf, attached }: ClassedView, id: number): PlaceSide | null {
  const places = (attached.places.get(id) ?? []).map(({ nameOffset, offset, size }) => {
    return { section: stringAt(btf.strings, nameOffset), offset, size };
  });
  places.sort((a, b) => (a.section < b.section ? -1 : Number(a.section > b.section)));
  return places[0] ?? null;
}

function targetChange(what: "target" | "type", old: ClassedView, a: number, next: ClassedView, b: number): Change[] {
  if (old.references[a] === next.references[b]) return [];
  const [x, y] = differentTexts(old.speller, a, next.speller, b);
  return [{ what, old: x, new: y }];
}

function sizeChange(old: Btf, oldId: number, next: Btf, newId: number): Change[] {
  const [a, b] = [sizeOf(old, oldId), sizeOf(next, newId)];
  return a === b ? [] : [{ what: "size", old: a, new: b }];
}

function encodingChange(old: Btf, oldId: number, next: Btf, newId: number): Change[] {
  const [a, b] = [encodingText(old, oldId), encodingText(next, newId)];
  return a === b ? [] : [{ what: "encoding", old: a, new: b }];
}

function encodingText(btf: Btf, id: number): string {
  const encoding = intEncoding(btf, id);
  const words = [(encoding & INT_SIGNED) === 0 ? "unsigned" : "signed"];
  if ((encoding & INT_CHAR) !== 0) words.push("char");
  if ((encoding & INT_BOOL) !== 0) words.push("bool");
  const bits = intBits(btf, id);
  const offset = intOffset(btf, id);
  if (bits !== sizeOf(btf, id) * 8) words.push(`${bits} bits`);
  if (offset !== 0) words.push(`at bit ${offset}`);
  return words.join(" ");
}
