import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileBuffer } from "../../../corpus/batch/file-buffer.ts";
import { fileHash } from "../../../corpus/batch/file-hash.ts";
import { type FileTask, processFile } from "../../../corpus/batch/process-file.ts";
import { parseSetup } from "../../../corpus/batch/process-kernel.ts";
import { workspace } from "../../cli/workspace.ts";
import { tinyKernel, tinySetup } from "./tiny-corpus.ts";

const { directory, put } = workspace();
const NAME = "debian/12/x86_64/6.1.btf";
const [SEEN, OTHER] = [tinyKernel(0), tinyKernel(8)];

describe("processFile", () => {
  const path = put(NAME, SEEN);
  const context = {
    parsed: parseSetup(tinySetup()),
    cache: join(directory, "cache"),
    known: new Set<string>(),
    buffer: fileBuffer(),
  };
  const from = async (task: Partial<FileTask>, known = context.known) => {
    const outcome = await processFile({ path, name: NAME, isNamed: false, ...task }, { ...context, known });
    return outcome.from === "known" ? outcome : { from: outcome.from, result: outcome.result };
  };

  it("answers for the file that is expected alone, whatever it knows of the one that is there", async () => {
    const expectedHash = fileHash(SEEN);
    const first = await from({ expectedHash });
    expect(first).toMatchObject({ from: "work", result: { sourceHash: expectedHash, parts: [{ state: "done" }] } });
    expect(await from({ expectedHash })).toMatchObject({ ...first, from: "cache" });

    const other = { expectedHash: fileHash(OTHER) };
    const refusal = { parts: [{ state: "failed", reason: expect.stringContaining("another file") }] };
    const known = new Set("result" in first ? [first.result.key] : []);
    for (const keys of [context.known, known]) {
      expect(await from(other, keys)).toMatchObject({ from: "work", result: { key: "", ...refusal } });
    }
    expect((await from({}, known)).from).toBe("known");

    writeFileSync(path, OTHER);
    expect(await from(other)).toMatchObject({ from: "work", result: { parts: [{ state: "done" }] } });
  });

  it.each([
    ["a file that is not there", "nowhere", "no such file or directory"],
    ["a directory", "debian", "is a directory"],
  ])("says what the system says of %s", async (_, name, reason) => {
    expect(await from({ path: join(directory, name) })).toMatchObject({ result: { parts: [{ reason }] } });
  });
});
