import { extract } from "tar-stream";
import { FormatError } from "../../lib/btf/error.ts";
import type { BundleFile } from "./tar.ts";

const BLOCK_BYTES = 512;
/** A tar ends with two blocks of zeros. */
const END_BYTES = 2 * BLOCK_BYTES;
/** Printable ASCII without a backslash: names of bundles have nothing else, and so show as they are in messages. */
const PRINTABLE = /^[ -[\]-~]+$/;

/**
 * The files of a tar that is a bundle, in its order; their bytes are views of the tar's. Directories are passed over.
 * A bundle has nothing but files under relative names, so anything else is refused, and so is a tar whose end is
 * missing: it would be a shorter bundle.
 * @throws FormatError `truncated` or `bad-archive`.
 */
export async function untarBundle(tar: Uint8Array, source: string): Promise<BundleFile[]> {
  if (tar.length === 0) throw new FormatError("truncated", "is empty", { source });
  const files: BundleFile[] = [];
  const seen = new Set<string>();
  let end = 0;
  const reader = extract();
  try {
    // Fed in one piece, which the reader takes apart without copying.
    reader.end(Buffer.from(tar.buffer, tar.byteOffset, tar.length));
    for await (const entry of reader) {
      entry.resume();
      const { name, type, size = 0 } = entry.header;
      const at = byteOffsetOf(entry.header);
      end = at + Math.ceil((type === "file" ? size : 0) / BLOCK_BYTES) * BLOCK_BYTES;
      if (type === "directory") continue;
      if (type !== "file") throw refused(source, `${JSON.stringify(name)} in it is a ${type}, not a file`);
      checkMemberName(name, source);
      if (seen.has(name)) throw refused(source, `${JSON.stringify(name)} is in it twice`);
      seen.add(name);
      if (at + size > tar.length) throw new FormatError("truncated", `the tar ends inside ${name}`, { source });
      files.push({ name, bytes: new Uint8Array(tar.buffer, tar.byteOffset + at, size) });
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const isCut = reason === "Unexpected end of data" && tar.length >= BLOCK_BYTES;
    if (isCut) throw new FormatError("truncated", "the tar ends early", { source });
    throw refused(source, "is no bundle: not a directory, nor a tar, or a damaged one");
  }
  const rest = tar.subarray(end);
  if (rest.length < END_BYTES) throw new FormatError("truncated", "the tar's end is missing", { source });
  if (rest.some((byte) => byte !== 0)) throw refused(source, "something follows the tar's last file");
  return files;
}

/**
 * Refuses a name that leads out of where it is unpacked, or is none.
 * @throws FormatError `bad-archive`.
 */
export function checkMemberName(name: string, source: string): void {
  const parts = name.split("/");
  if (name.startsWith("/") || parts.includes("..") || !PRINTABLE.test(name)) {
    throw refused(source, `${JSON.stringify(name)} is no name for a file in a bundle`);
  }
}

function refused(source: string, reason: string): FormatError {
  return new FormatError("bad-archive", reason, { source });
}

/** tar-stream says where a member's bytes start; its types do not know. */
function byteOffsetOf(header: object): number {
  return "byteOffset" in header && typeof header.byteOffset === "number" ? header.byteOffset : 0;
}
