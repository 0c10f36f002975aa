/**
 * Tools that compare what symbols lead to. Each struct that one of them finds changed and btfgen does not, or the other way
 * round, must be of a sort that docs/DIFF.md explains; what the sorts are, the rules here say.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { KERNEL_OF_MODULES, kernelSample, type Sample } from "../samples.ts";
import { abidiffChanges, isOfMembersAlone } from "./abidiff.ts";
import type { ChangedStructs } from "./changed-structs.ts";
import { KERNEL_STEPS } from "./kernel-steps.ts";
import { describeOracle } from "./requirements.ts";
import { isOfMembersOrDeclaration, STGDIFF, stgdiffChanges } from "./stgdiff.ts";
import { functionsOf, writeSymbolObject } from "./symbol-object.ts";
import { temporaryDirectory } from "./temporary.ts";
import { outlineOf, type Pair, reachedPairs } from "./type-pairs.ts";

/** Of 40,000 functions, each hundredth gets a symbol: abidiff takes 3 s for those, and minutes for all. */
const FUNCTIONS_APART = 100;
/** What stgdiff reads of the samples: no tags, and no two functions of one name. */
const STGDIFF_STEP = ["debian/11/x86_64/5.10.0-46-cloud-amd64", KERNEL_OF_MODULES] as const;

const directory = temporaryDirectory();

/** What a tool found, and which words of it say nothing of the struct itself. */
interface Tool {
  readonly changes: (oldPath: string, newPath: string) => ChangedStructs;
  readonly saysNothing: (words: readonly string[]) => boolean;
}

function compare(names: readonly [string, string], apart: number, { changes, saysNothing }: Tool): void {
  const samples = names.map(kernelSample) as [Sample, Sample];
  const [old, next] = samples.map(({ bytes }) => parseBtf(bytes)) as [Btf, Btf];
  const ofNew = functionsOf(next);
  const common = [...functionsOf(old)].filter(([name]) => ofNew.has(name)).filter((_, i) => i % apart === 0);
  const objects = samples.map(({ path }, i) => {
    const object = join(directory(), `${i}.o`);
    writeSymbolObject(
      object,
      path,
      common.map(([name]) => name),
    );
    return object;
  });
  const theirs = changes(...(objects as [string, string]));
  const changed = diffTypes(old, next).types.filter(({ status }) => status === "changed");
  const ours = new Set(changed.map(({ kind, name }) => `${kind} ${name}`));
  const both = [...theirs.keys()].filter((name) => ours.has(name));
  expect(both.length).toBeGreaterThan(150);

  // A typedef of a struct without a name is a struct of that name to some.
  const isOurs = (name: string) => ours.has(name) || ours.has(name.replace(/^\w+/, "typedef"));
  const onlyTheirs = [...theirs].filter(([name]) => !isOurs(name));
  expect(onlyTheirs.filter(([, words]) => !saysNothing(words))).toEqual([]);

  const functions = common.map(([name, id]): Pair => [id, ofNew.get(name) as number]);
  const silent = [...reachedPairs(old, next, functions)].filter(([name]) => ours.has(name) && !theirs.has(name));
  expect(silent.length).toBeLessThan(both.length / 10);
  const unlike = silent.filter(([, [a, b]]) => outlineOf(old, a) !== outlineOf(next, b));
  expect(unlike.map(([name]) => name)).toEqual([]);
}

describeOracle("btfgen diff beside abidiff", ["abidiff", "clang"], () => {
  it.each(KERNEL_STEPS)(
    "differs only where there is a reason: %s to %s",
    (...names) => {
      compare(names, FUNCTIONS_APART, { changes: abidiffChanges, saysNothing: isOfMembersAlone });
    },
    600_000,
  );
});

const missing = STGDIFF === undefined ? " [skipped: Debian has no package of stgdiff; BTFGEN_STGDIFF names one]" : "";

describe.skipIf(missing !== "")(`btfgen diff beside stgdiff${missing}`, () => {
  it("differs only where there is a reason", () => {
    compare(STGDIFF_STEP, 1, { changes: stgdiffChanges, saysNothing: isOfMembersOrDeclaration });
  }, 600_000);
});
