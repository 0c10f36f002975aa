import { KIND_FUNC_PROTO } from "../btf/format.ts";
import { paramName, paramType } from "../btf/members.ts";
import { kindOf, targetOf, vlenOf } from "../btf/view.ts";
import type { Change, ParameterChange, ParameterSide } from "./change.ts";
import type { ClassedView } from "./classes.ts";
import { differentTexts, linkageText } from "./spell.ts";
import type { Speller } from "./speller.ts";

/** What differs between two functions. */
export function diffFunctions(old: ClassedView, oldId: number, next: ClassedView, newId: number): Change[] {
  const changes: Change[] = [];
  // A function's linkage is its vlen.
  const [oldLinkage, newLinkage] = [vlenOf(old.btf, oldId), vlenOf(next.btf, newId)];
  if (oldLinkage !== newLinkage) {
    changes.push({ what: "linkage", old: linkageText(oldLinkage), new: linkageText(newLinkage) });
  }
  const [a, b] = [targetOf(old.btf, oldId), targetOf(next.btf, newId)];
  if (old.references[a] === next.references[b]) return changes;
  if (kindOf(old.btf, a) !== KIND_FUNC_PROTO || kindOf(next.btf, b) !== KIND_FUNC_PROTO) {
    const [x, y] = differentTexts(old.speller, a, next.speller, b);
    return [...changes, { what: "type", old: x, new: y }];
  }
  return [...changes, ...diffPrototypes(old, a, next, b)];
}

/** A parameter, by the class of its type. */
interface Parameter {
  readonly position: number;
  readonly name: string;
  readonly typeId: number;
  readonly typeClass: number;
  readonly isVariadic: boolean;
}

function diffPrototypes(old: ClassedView, a: number, next: ClassedView, b: number): Change[] {
  const changes: Change[] = [];
  const [oldReturn, newReturn] = [targetOf(old.btf, a), targetOf(next.btf, b)];
  if (old.references[oldReturn] !== next.references[newReturn]) {
    const [x, y] = differentTexts(old.speller, oldReturn, next.speller, newReturn);
    changes.push({ what: "returns", old: x, new: y });
  }
  const left = parametersOf(old, a);
  const right = parametersOf(next, b);
  const partners = matchParameters(left, right);
  const order = [...partners].filter((j) => j !== -1).sort((x, y) => x - y);
  let rank = 0;
  left.forEach((parameter, i) => {
    const j = partners[i] as number;
    if (j === -1) {
      changes.push(parameterChange("removed", side(old.speller, parameter), null));
      return;
    }
    const other = right[j] as Parameter;
    const sides = [side(old.speller, parameter), side(next.speller, other)] as const;
    const isMoved = order[rank++] !== j;
    if (parameter.typeClass !== other.typeClass || parameter.isVariadic !== other.isVariadic) {
      const [x, y] = differentTexts(old.speller, parameter.typeId, next.speller, other.typeId);
      const texts = sides[0].type === sides[1].type ? [x, y] : [sides[0].type, sides[1].type];
      const [oldSide, newSide] = [
        { ...sides[0], type: texts[0] ?? "" },
        { ...sides[1], type: texts[1] ?? "" },
      ];
      changes.push(parameterChange("retyped", oldSide, newSide));
    } else if (parameter.name !== other.name) changes.push(parameterChange("renamed", ...sides));
    else if (isMoved) changes.push(parameterChange("moved", ...sides));
  });
  const matched = new Set(partners);
  for (const parameter of right) {
    if (!matched.has(parameter.position)) changes.push(parameterChange("added", null, side(next.speller, parameter)));
  }
  return changes;
}

function parameterChange(
  status: ParameterChange["status"],
  old: ParameterSide | null,
  next: ParameterSide | null,
): ParameterChange {
  return { what: "parameter", status, old, new: next };
}

function parametersOf({ btf, references, speller }: ClassedView, id: number): Parameter[] {
  const count = vlenOf(btf, id);
  return Array.from({ length: count }, (_, position) => {
    const typeId = paramType(btf, id, position);
    const name = speller.nameAt(paramName(btf, id, position));
    const isVariadic = typeId === 0 && name === "" && position === count - 1;
    return { position, name, typeId, typeClass: references[typeId] as number, isVariadic };
  });
}

/** Index in `right` of each parameter of `left`, -1 for none: by name first, then what is left at the same position. */
function matchParameters(left: readonly Parameter[], right: readonly Parameter[]): Int32Array {
  const partners = new Int32Array(left.length).fill(-1);
  const taken = new Uint8Array(right.length);
  const byName = new Map<string, number>();
  for (const { name, position } of right) if (name !== "" && !byName.has(name)) byName.set(name, position);
  const seen = new Set<string>();
  left.forEach(({ name }, i) => {
    const j = seen.has(name) ? undefined : byName.get(name);
    if (j === undefined) return;
    seen.add(name);
    partners[i] = j;
    taken[j] = 1;
  });
  left.forEach((parameter, i) => {
    const other = right[i];
    if (partners[i] !== -1 || other === undefined || taken[i] === 1) return;
    // Another name and another type is another parameter, where there are names.
    const isStrange = parameter.name !== "" && other.name !== "" && parameter.typeClass !== other.typeClass;
    if (isStrange || parameter.isVariadic !== other.isVariadic) return;
    partners[i] = i;
    taken[i] = 1;
  });
  return partners;
}

function side(speller: Speller, { position, name, typeId, isVariadic }: Parameter): ParameterSide {
  return { position, name, type: isVariadic ? "..." : speller.declare(typeId, "") };
}
