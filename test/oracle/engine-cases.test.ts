/** The cases of the unit tests, put to libbpf: what they expect is what it does. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { type Case, caseObject, caseTarget } from "../core/case.ts";
import { FIELD_CASES } from "../core/field-cases.ts";
import { objectBytes } from "../core/object-builder.ts";
import { TYPE_CASES } from "../core/type-cases.ts";
import { VALUE_CASES } from "../core/value-cases.ts";
import { compareRun, noComparison } from "./engine-compare.ts";
import { libbpfRelocate } from "./libbpf.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

describeOracle("cases of the unit tests as libbpf decides them", ["libbpf"], () => {
  const directory = temporaryDirectory();

  function differences(it: Case): string[] {
    const objectPath = join(directory(), "case.o");
    const targetPath = join(directory(), "case.btf");
    const bytes = objectBytes(caseObject(it));
    const target = caseTarget(it);
    writeFileSync(objectPath, bytes);
    writeFileSync(targetPath, target);
    const sum = noComparison();
    const index = indexCandidates(parseBtf(target, { source: it.name }));
    compareRun(parseBpfObject(bytes, "case.o"), index, libbpfRelocate(objectPath, targetPath), sum);
    return sum.relocations === 1 ? sum.differences : [`${it.name}: nothing was compared`, ...sum.differences];
  }

  it.each([
    ["fields", FIELD_CASES],
    ["types", TYPE_CASES],
    ["values", VALUE_CASES],
  ])("%s", (_, cases) => {
    expect(cases.filter(({ unchecked }) => unchecked !== true).flatMap(differences)).toEqual([]);
  });
});
