import { execFileSync, spawnSync } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { compressTar } from "../../../corpus/bundle/container.ts";
import { CouldNotRunError } from "../../../corpus/could-not-run.ts";

// As on a machine without koffi, without liblzma and without the optional package.
vi.mock("../../../corpus/codec/liblzma.ts", () => ({ loadLiblzma: () => Promise.resolve(null) }));
vi.mock("@cloudpss/zstd/napi", () => {
  throw new Error("Cannot find package '@cloudpss/zstd'");
});

const TAR = new Uint8Array(100_000).map((_, i) => (i * i) >> 7);
const nodeHasZstd = "zstdCompressSync" in process.getBuiltinModule("node:zlib");
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("where the libraries are missing", () => {
  it.skipIf(!has("xz"))("the xz program does it", async () => {
    const packed = await compressTar(TAR, "tar.xz");
    expect(Buffer.compare(execFileSync("xz", ["-dc"], { input: packed }), TAR)).toBe(0);
  });

  it.skipIf(!has("zstd"))("Node, or the zstd program, does it", async () => {
    const packed = await compressTar(TAR, "tar.zst");
    expect(Buffer.compare(execFileSync("zstd", ["-dc"], { input: packed }), TAR)).toBe(0);
  });

  it("says what is missing where the program is not there either", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    await expect(compressTar(TAR, "tar.xz")).rejects.toThrow(CouldNotRunError);
    await expect(compressTar(TAR, "tar.xz")).rejects.toThrow(".tar.xz needs liblzma or the xz program");
    if (!nodeHasZstd) await expect(compressTar(TAR, "tar.zst")).rejects.toThrow(".tar.zst needs");
  });

  it("needs nothing for .tar and .tar.gz", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    expect(await compressTar(TAR, "tar")).toBe(TAR);
    expect((await compressTar(TAR, "tar.gz")).length).toBeLessThan(TAR.length);
  });
});
