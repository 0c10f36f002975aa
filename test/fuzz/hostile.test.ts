/** Small input that asks for endless work: the answer, or a FormatError, comes within seconds. */
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { KIND_STRUCT } from "../../lib/btf/format.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { RELO_FIELD_BYTE_OFFSET } from "../../lib/core/relo-kind.ts";
import { runJob } from "../../lib/job/job.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import { MOV_K, objectBytes } from "../core/object-builder.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { HOSTILE } from "./hostile.ts";

/** Ten times what the slowest takes here. */
const MOST_MS = 20_000;

describe("hostile input", () => {
  it.each(HOSTILE)("$name", { timeout: 4 * MOST_MS }, ({ make, refused }) => {
    const { target, object } = make();
    const start = cpuMilliseconds();
    let code: string | null = null;
    try {
      const { proof } = runJob({ base: { bytes: target, source: "target" } }, [parseBpfObject(object)]);
      expect(proof.differences).toEqual([]);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      code = error.code;
    }
    expect(cpuMilliseconds() - start).toBeLessThan(MOST_MS);
    expect(code).toBe(refused);
  });
});

/** What mutations have found, one row each. */
describe("found by mutation", () => {
  const PTR: Row = ["", 2 << 24, 0];
  const bitfieldOf = (type: Row): Row[] => [
    int("int", 4, 1),
    // Types of no interest, so that ids, and with them a pointer's third word, differ in the small BTF.
    PTR,
    type,
    ["foo", info(KIND_STRUCT, 2, 1), 16, "a", 3, (33 << 24) | 29, "b", 1, 64],
  ];
  const rows: readonly (readonly [string, Row])[] = [
    ["a pointer as a bitfield", ["", 2 << 24, 1]],
    ["an array as a bitfield", ["", 3 << 24, 8, 1, 1, 2]],
    ["an integer as a bitfield", int("unsigned long", 8)],
  ];
  it.each(rows)("%s", (_name, type) => {
    const local = [int("int", 4, 1), PTR, type, ["foo", info(KIND_STRUCT, 1), 8, "a", 3, 0] as Row];
    const relos = [{ kind: RELO_FIELD_BYTE_OFFSET, typeId: 4, access: "0:0" }];
    const object = parseBpfObject(objectBytes({ rows: local, programs: [{ name: "p", insns: [MOV_K], relos }] }));
    const { proof } = runJob({ base: { bytes: blob(bitfieldOf(type)), source: "target" } }, [object]);
    expect(proof.differences).toEqual([]);
  });
});
