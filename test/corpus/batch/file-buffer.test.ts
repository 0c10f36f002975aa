import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fileBuffer } from "../../../corpus/batch/file-buffer.ts";

const directory = mkdtempSync(join(tmpdir(), "btfgen-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(size: number, byte: number): string {
  const path = join(directory, `${size}-${byte}`);
  writeFileSync(path, Buffer.alloc(size, byte));
  return path;
}

describe("a buffer for files", () => {
  it.each([0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 40 << 20])("reads %i bytes, and no others", (size) => {
    const buffer = fileBuffer();
    buffer.read(file(100, 7));
    const bytes = buffer.read(file(size, 3));
    expect(bytes.length).toBe(size);
    expect(Buffer.alloc(size, 3).equals(bytes)).toBe(true);
  });

  it("gives a short file after a long one nothing of that", () => {
    const buffer = fileBuffer();
    buffer.read(file(1000, 1));
    expect([...buffer.read(file(3, 2))]).toEqual([2, 2, 2]);
  });

  it("uses one piece of memory for all", () => {
    const buffer = fileBuffer();
    expect(buffer.read(file(5, 1)).buffer).toBe(buffer.read(file(6, 1)).buffer);
  });

  it("throws what the system says, and reads on", () => {
    const buffer = fileBuffer();
    expect(() => buffer.read(join(directory, "none"))).toThrow("ENOENT");
    expect(() => buffer.read(directory)).toThrow("EISDIR");
    expect(buffer.read(file(2, 9)).length).toBe(2);
  });
});
