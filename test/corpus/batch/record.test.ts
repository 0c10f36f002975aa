import { describe, expect, it } from "vitest";
import { encodeRecord, readRecord, readRecords } from "../../../corpus/batch/record.ts";
import type { DoneKernel, FileResult } from "../../../corpus/batch/result.ts";

const IDENTITY = { id: "debian", versionId: "12", arch: "x86_64", release: "6.1.0" };
const COUNTS = {
  bytesBefore: 100,
  bytesAfter: 3,
  typesBefore: 9,
  typesAfter: 1,
  relocations: 2,
  resolved: 1,
  guarded: 0,
  absent: 0,
  poisoned: 1,
  ambiguous: 0,
  error: 0,
  pairs: 1,
  objects: 1,
  objectsSkipped: 0,
};

function done(origin: string, bytes: readonly number[]): DoneKernel {
  return {
    state: "done",
    identity: IDENTITY,
    origin,
    blobHash: "ab".repeat(32),
    bytes: Uint8Array.from(bytes),
    counts: COUNTS,
    unresolved: [{ object: 0, relocation: 1, status: "poisoned" }],
    notKept: [],
  };
}

const RESULT: FileResult = {
  key: "12".repeat(32),
  sourceHash: "cd".repeat(32),
  bytesRead: 1234,
  parts: [
    done("!a", [1, 2, 3]),
    { state: "skipped", identity: IDENTITY, origin: "!b", reason: "no object is for it" },
    done("!c", []),
    { state: "failed", origin: "!d", reason: "Grüße \u0000" },
    done("!e", [255]),
  ],
};

describe("records", () => {
  it("come back as they were", () => {
    const bytes = encodeRecord(RESULT);
    expect(readRecord(bytes)).toEqual({ result: RESULT, end: bytes.length });
  });

  it("follow each other", () => {
    const second = { ...RESULT, key: "34".repeat(32), parts: [] };
    const both = Buffer.concat([encodeRecord(RESULT), encodeRecord(second)]);
    expect([...readRecords(both)].map(({ result }) => result)).toEqual([RESULT, second]);
  });

  it("are not read where they are torn, wherever that is", () => {
    const bytes = encodeRecord(RESULT);
    for (let length = 0; length < bytes.length; length++) {
      expect(readRecord(bytes.subarray(0, length)), `${length} bytes`).toBeNull();
    }
  });

  it("are not read where a byte is another", () => {
    const bytes = encodeRecord(RESULT);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x41;
      expect(readRecord(damaged), `byte ${at}`).toBeNull();
    }
  });

  it("do not hold on to the bytes they are read from", () => {
    const bytes = Uint8Array.from(encodeRecord(RESULT));
    const [first] = readRecord(bytes)?.result.parts ?? [];
    bytes.fill(0);
    expect(first).toEqual(RESULT.parts[0]);
  });
});
