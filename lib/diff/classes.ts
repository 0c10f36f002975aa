import type { Btf } from "../btf/view.ts";
import { type NumberedSide, type Numbering, numberTypes } from "./numbering.ts";
import { isDeclaration } from "./root-kind.ts";
import { newSpeller, type Speller } from "./speller.ts";

/** Two BTFs whose types are numbered in common, and what spells them. */
export interface Classes extends Omit<Numbering, "sides"> {
  readonly views: readonly [ClassedView, ClassedView];
}

/** One side's types. */
export interface ClassedView extends NumberedSide {
  readonly btf: Btf;
  readonly speller: Speller;
  /** True for a type with a name of which its side has no other definition. */
  readonly isOnly: (id: number) => boolean;
}

/** Numbers the types of two BTFs. Linear in their size, whatever they refer to. */
export function classify(old: Btf, next: Btf): Classes {
  const { sides, unequal } = numberTypes(old, next);
  return { views: [classedView(old, sides[0]), classedView(next, sides[1])], unequal };
}

function classedView(btf: Btf, side: NumberedSide): ClassedView {
  let counts: ReadonlyMap<number, number> | undefined;
  const isOnly = (id: number) => {
    counts ??= countDefinitions(btf, side.references);
    return counts.get(side.references[id] as number) === 1;
  };
  return { ...side, btf, speller: newSpeller(btf), isOnly };
}

/** By reference class how many types there are, forward declarations aside. */
function countDefinitions(btf: Btf, references: Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (let id = 1; id < references.length; id++) {
    const own = references[id] as number;
    if (!isDeclaration(btf, id)) counts.set(own, (counts.get(own) ?? 0) + 1);
  }
  return counts;
}
