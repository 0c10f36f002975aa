import { spawn } from "node:child_process";
import { gzipSync } from "node:zlib";
import { encodeXz, loadLiblzma } from "../codec/liblzma.ts";
import { CouldNotRunError } from "../could-not-run.ts";

/** What a bundle is put into. */
export const CONTAINERS = ["directory", "tar", "tar.gz", "tar.zst", "tar.xz"] as const;

/** One of CONTAINERS. */
export type Container = (typeof CONTAINERS)[number];

const GZIP_LEVEL = 9;
const GZIP_OS_AT = 9;
const GZIP_OS_UNKNOWN = 255;
const XZ_PRESET = 9;
const ZSTD_LEVEL = 19;

/** What to write by the output's name: one of the suffixes, or else a directory. */
export function containerOf(path: string): Container {
  const suffixes: readonly [string, Container][] = [
    [".tar", "tar"],
    [".tar.gz", "tar.gz"],
    [".tgz", "tar.gz"],
    [".tar.zst", "tar.zst"],
    [".tar.xz", "tar.xz"],
    [".txz", "tar.xz"],
  ];
  return suffixes.find(([suffix]) => path.endsWith(suffix))?.[1] ?? "directory";
}

/**
 * Compresses a tar. The same encoder of the same version gives the same bytes; where another version may have been at
 * work, what identifies a bundle is the digest of the tar inside.
 *
 * - gz: zlib's deflate of Node at level 9, no time and no name in the header, operating system 255.
 * - xz: liblzma, preset 9, one thread, CRC64; where koffi cannot load it, the `xz` program with the same settings,
 *   which gives the same bytes for the same version of liblzma.
 * - zst: libzstd, level 19, as packed in @cloudpss/zstd (one version for every Node), else that of Node.
 * @throws CouldNotRunError where no encoder can be had.
 */
export async function compressTar(tar: Uint8Array, container: Exclude<Container, "directory">): Promise<Uint8Array> {
  if (container === "tar.gz") return gzip(tar);
  if (container === "tar.xz") return xz(tar);
  if (container === "tar.zst") return zstd(tar);
  return tar;
}

function gzip(tar: Uint8Array): Uint8Array {
  const out = gzipSync(tar, { level: GZIP_LEVEL });
  // zlib writes no time; the operating system is the machine's.
  out[GZIP_OS_AT] = GZIP_OS_UNKNOWN;
  return out;
}

async function xz(tar: Uint8Array): Promise<Uint8Array> {
  const library = await loadLiblzma();
  if (library !== null) {
    try {
      return encodeXz(library, tar, XZ_PRESET);
    } catch (error) {
      throw new CouldNotRunError(`.tar.xz: ${error instanceof Error ? error.message : error}`);
    }
  }
  return piped("xz", [`-${XZ_PRESET}`, "-T1", "--check=crc64", "-c"], tar, ".tar.xz needs liblzma or the xz program");
}

async function zstd(tar: Uint8Array): Promise<Uint8Array> {
  try {
    const { compress } = await import("@cloudpss/zstd/napi");
    return compress(tar, ZSTD_LEVEL);
  } catch {
    return nodeZstd(tar);
  }
}

/** node:zlib has zstd since 22.15, and the types of Node 20 do not know it. */
async function nodeZstd(tar: Uint8Array): Promise<Uint8Array> {
  const zlib: unknown = await import("node:zlib");
  if (hasZstd(zlib)) {
    const { ZSTD_c_compressionLevel: level } = zlib.constants;
    return zlib.zstdCompressSync(tar, { params: { [level]: ZSTD_LEVEL } });
  }
  return piped("zstd", [`-${ZSTD_LEVEL}`, "-T1", "--no-check", "-c"], tar, ".tar.zst needs the zstd program");
}

interface ZlibWithZstd {
  zstdCompressSync(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array;
  constants: { ZSTD_c_compressionLevel: number };
}

function hasZstd(zlib: unknown): zlib is ZlibWithZstd {
  return typeof zlib === "object" && zlib !== null && "zstdCompressSync" in zlib;
}

/** Runs a program with the bytes as its input. @throws CouldNotRunError where it is missing or fails. */
function piped(program: string, args: readonly string[], input: Uint8Array, missing: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", () => reject(new CouldNotRunError(missing)));
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new CouldNotRunError(`${program} ended with ${code ?? "a signal"}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
