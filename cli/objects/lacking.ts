import type { LackedSection } from "../../lib/core/lacked-section.ts";
import type { AllowRule } from "../inputs/allow-list.ts";
import { counted, firstLines } from "../table.ts";

/** An object that may have lost its CO-RE relocations before it came here, and whether that is known. */
export interface LackingObject {
  readonly object: string;
  readonly section: LackedSection;
  /** Line of the allow-list that lets it pass; null where none does. */
  readonly allowedBy: number | null;
}

/** What commands say of each object. */
export interface ObjectSections {
  readonly name: string;
  /** See lackedSection. */
  readonly lacks: LackedSection | null;
}

/** Objects named before the rest is counted. */
const MOST_LINES = 20;
const CAUSES: Readonly<Record<LackedSection, string>> = {
  ".BTF": "has no .BTF, and so no CO-RE relocation: was it compiled without -g?",
  ".BTF.ext": "has no .BTF.ext, but had CO-RE relocations: was it stripped?",
};

/** For standard error, where small BTF is made for no relocation at all. */
export const NOTHING_TO_RELOCATE = "warning: no object has a CO-RE relocation, so no type is kept for one";

/** The objects that lack a section, held against rules for its name as the path (`x.o:*:.BTF`); those that serve become `used`. */
export function lackingObjects<R extends AllowRule>(
  objects: readonly ObjectSections[],
  rules: readonly R[] = [],
  used: Set<R> = new Set(),
): LackingObject[] {
  return objects.flatMap(({ name: object, lacks: section }): LackingObject[] => {
    if (section === null) return [];
    const place = { object, program: null, section, path: section, kind: "missing" };
    const accepting = rules.filter((rule) => rule.accepts(place));
    for (const rule of accepting) used.add(rule);
    return [{ object, section, allowedBy: accepting[0]?.line ?? null }];
  });
}

/** True where one is not let pass. */
export function isLacking(lacking: readonly LackingObject[]): boolean {
  return lacking.some(({ allowedBy }) => allowedBy === null);
}

/** Warnings of those that are not let pass, for standard error, and with `strict` how many they are. */
export function lackingNotes(lacking: readonly LackingObject[], strict: boolean): string[] {
  const open = lacking.filter(({ allowedBy }) => allowedBy === null);
  const all = open.map(({ object, section }) => `${object} ${CAUSES[section]}`);
  const lines = firstLines(all, MOST_LINES, "objects without .BTF or .BTF.ext").map((line) => `warning: ${line}`);
  if (strict && open.length > 0) lines.push(`--strict: ${counted(open.length, "object")} without .BTF or .BTF.ext`);
  return lines;
}
