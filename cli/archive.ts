import { systemReason } from "./errors.ts";

/** A file out of an archive. */
export interface ArchiveFile {
  /** Its path in the archive. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const BZIP2_MAGIC = [0x42, 0x5a, 0x68];
/** `ustar`, at its place in the first header of a tar. */
const TAR_MAGIC = [0x75, 0x73, 0x74, 0x61, 0x72];
const TAR_MAGIC_AT = 257;
const REGULAR_FILE = "File";
/** More than any BTF has (4 GiB is what its offsets could say, the largest kernel's is 10 MB): a bound for bombs. */
const MAX_FILE_BYTES = 1 << 30;

/** An archive that cannot be read, in words without its name. */
export class ArchiveError extends Error {}

/** True when the bytes start as a tar does, plain or in xz or bzip2 (gzip is undone before). */
export function looksLikeArchive(bytes: Uint8Array): boolean {
  return (
    startsWith(bytes, 0, XZ_MAGIC) || startsWith(bytes, 0, BZIP2_MAGIC) || startsWith(bytes, TAR_MAGIC_AT, TAR_MAGIC)
  );
}

function startsWith(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte);
}

/**
 * The regular files of an archive whose path is wanted, in the archive's order. The reader is WebAssembly and loaded
 * here, when there is an archive to read (15 ms). Throws ArchiveError for what is truncated, damaged or no archive.
 */
export async function readArchive(bytes: Uint8Array, wanted: (path: string) => boolean): Promise<ArchiveFile[]> {
  const { ArchiveReader, libarchiveWasm } = await import("libarchive-wasm");
  const library = await libarchiveWasm();
  const files: ArchiveFile[] = [];
  // On junk libarchive may fail inside WebAssembly ("memory access out of bounds"), also when it is freed.
  try {
    const reader = new ArchiveReader(library, new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    for (const entry of reader.entries()) {
      const path = entry.getPathname();
      if (entry.getFiletype() !== REGULAR_FILE || !wanted(path)) continue;
      if (entry.getSize() > MAX_FILE_BYTES) throw new ArchiveError(`${path} in it has ${entry.getSize()} bytes`);
      const data = entry.readData() ?? new Int8Array();
      // readData hands out less than it promised where the archive ends early.
      if (data.length !== entry.getSize()) throw new ArchiveError(`the archive ends inside ${path}`);
      files.push({ path, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
    }
    reader.free();
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw new ArchiveError(`the archive cannot be read: ${reasonOf(error)}`);
  }
  return files;
}

/** libarchive's own words are for people; those of a WebAssembly.RuntimeError are not. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "RuntimeError")
    return "it is damaged, or of a kind that is not supported";
  return systemReason(error).replace(/^Error: /, "");
}
