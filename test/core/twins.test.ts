/** Objects of both byte orders from one source, on one kernel in both byte orders. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { memberBitfieldSize } from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { applyRecords, isFailure } from "../../lib/core/apply.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { RELO_FIELD_LSHIFT_U64, RELO_TYPE_ID_LOCAL, reloClass } from "../../lib/core/relo-kind.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { KERNEL_BIG_ENDIAN, kernelSample } from "../samples.ts";

const LITTLE = new URL("../fixtures/objects/", import.meta.url);
const BIG = new URL("../fixtures/objects-be/", import.meta.url);
const NAMES = readdirSync(BIG).filter((name) => name.endsWith(".o"));

const big = parseBtf(kernelSample(KERNEL_BIG_ENDIAN).bytes);
const little = parseBtf(encodeBtf(big, { littleEndian: true }));
const onBig = indexCandidates(big);
const onLittle = indexCandidates(little);

/**
 * What a record asks and what it gets; left out: left shifts, and bitfields, whose place depends on the byte order. A set: the
 * macro for bitfields asks for the size once more in big-endian code.
 */
function answers(object: BpfObject, records: readonly ReloRecord[]): Set<string> {
  const { btf } = object;
  const lines = records.flatMap(({ relocation: { kind, typeId, accessString }, local, status, value, candidates }) => {
    if (btf === null || kind === RELO_FIELD_LSHIFT_U64 || "reason" in local) return [];
    const last = local.accessors.at(-1);
    const isNamedField = reloClass(kind) === "field" && last !== undefined && last.nameOffset !== 0;
    if (isNamedField && memberBitfieldSize(btf, last.typeId, last.index) > 0) return [];
    const outcomes = candidates.map(({ id, outcome, spec }) => `${id}:${outcome}:${spec.raw.join(".")}`);
    // Type ids of the objects differ.
    const numbers = kind === RELO_TYPE_ID_LOCAL ? "" : `${value?.original} ${value?.value}`;
    return [`${kind} ${nameOf(btf, typeId)} ${accessString} ${status} ${numbers} ${outcomes.join(" ")}`];
  });
  return new Set(lines);
}

describe("twins of both byte orders", () => {
  it.each(NAMES)("%s", (name) => {
    const bigObject = parseBpfObject(readFileSync(new URL(name, BIG)), name);
    const littleObject = parseBpfObject(readFileSync(new URL(name, LITTLE)), name);
    const bigRecords = resolveObject(bigObject, onBig);
    expect(answers(bigObject, bigRecords)).toEqual(answers(littleObject, resolveObject(littleObject, onLittle)));
    const failures = applyRecords(bigObject, bigRecords).flatMap(({ patched }) =>
      patched.filter(({ outcome }) => isFailure(outcome)),
    );
    expect(failures).toEqual([]);
  });
});
