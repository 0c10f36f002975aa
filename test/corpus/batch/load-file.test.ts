import { describe, expect, it } from "vitest";
import { fileBuffer } from "../../../corpus/batch/file-buffer.ts";
import { hashOfFile, loadFile } from "../../../corpus/batch/load-file.ts";
import { holes, workspace } from "../../cli/workspace.ts";

const { put } = workspace();
const buffer = fileBuffer();

describe("loadFile", () => {
  it.each<[size: number, isWhole: boolean, b2sum: RegExp]>([
    [0, true, /^786a02f742015903c6c6fd852552d272912f4740e/],
    [4096, true, /^f18c1ba69b093034faa8ef722382f086547fdd178186ae21/],
    [256 << 20, false, /^ee72a7d11d622238ec611890690109a0318549f89f3a133d/],
  ])("gives of %i zeros what b2sum prints, and the bytes: %s", async (size, isWhole, b2sum) => {
    const path = holes(put("zeros", ""), size);
    const { bytes, ...file } = await loadFile(path, buffer);
    expect(file).toEqual({ size, sourceHash: expect.stringMatching(b2sum) });
    expect(bytes?.length).toBe(isWhole ? size : undefined);
    expect(await hashOfFile(path, buffer)).toBe(file.sourceHash);
  });
});
