import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { FormatError } from "../../lib/btf/error.ts";
import { decompress } from "../codec/decompress.ts";
import { detectCodec } from "../codec/detect.ts";
import { readStream } from "../read-stream.ts";
import { sha256 } from "./bundle.ts";
import type { Container } from "./container.ts";
import { checkMemberName, untarBundle } from "./untar.ts";

/** The files of a bundle, whatever they are in: a directory's are read when they are asked for. */
export interface BundleStorage {
  /** What the bundle was opened by, for messages. */
  readonly source: string;
  readonly container: Container;
  /** Sorted by bytes. */
  readonly names: readonly string[];
  /** SHA-256 of the tar, or null for a directory. */
  readonly tarSha256: string | null;
  /** The bytes of a name in `names`. */
  read(name: string): Uint8Array;
}

/** Bounds of what is read. */
export interface StorageLimits {
  /** Bytes of a bundle when unpacked: 1 GiB unless said otherwise. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 1 << 30;
/** `btfs/GOARCH/ID/VERSION_ID/ARCH/`. */
const MAX_DEPTH = 5;
const CONTAINER_OF_CODEC: Readonly<Record<string, Container>> = { gzip: "tar.gz", zstd: "tar.zst", xz: "tar.xz" };

/**
 * Opens a bundle by path. What a file holds is judged by its content.
 * @throws FormatError for what is no bundle, damaged or too large; what the system says of the path.
 */
export async function openStorage(path: string, limits: StorageLimits = {}): Promise<BundleStorage> {
  const stats = statSync(path);
  if (stats.isDirectory()) return directoryStorage(path);
  const most = limits.maxBytes ?? MAX_BYTES;
  if (stats.size > most) throw tooLarge(path, most);
  return fileStorage(stats.isFile() ? readFileSync(path) : await readStream(path, most), path, limits);
}

/** As openStorage, for a tar in memory, compressed or not. */
export async function fileStorage(
  bytes: Uint8Array,
  source: string,
  limits: StorageLimits = {},
): Promise<BundleStorage> {
  const maxBytes = limits.maxBytes ?? MAX_BYTES;
  const codec = detectCodec(bytes);
  const container = codec === null ? "tar" : CONTAINER_OF_CODEC[codec];
  if (container === undefined) {
    throw new FormatError(
      "bad-archive",
      `is in ${codec}; a bundle is a directory, .tar, .tar.gz, .tar.zst or .tar.xz`,
      {
        source,
      },
    );
  }
  const tar = codec === null ? bytes : await decompress(bytes, { source, maxBytes }, codec);
  if (tar.length > maxBytes) throw tooLarge(source, maxBytes);
  const files = new Map((await untarBundle(tar, source)).map((file) => [file.name, file.bytes]));
  return {
    source,
    container,
    names: [...files.keys()].sort(),
    tarSha256: sha256(tar),
    read: (name) => files.get(name) ?? missing(source, name),
  };
}

function directoryStorage(path: string): BundleStorage {
  const names = namesBelow(path, "", 0).sort();
  const known = new Set(names);
  return {
    source: path,
    container: "directory",
    names,
    tarSha256: null,
    read: (name) => (known.has(name) ? readBounded(join(path, name)) : missing(path, name)),
  };
}

/** The files below a directory. One deeper than any bundle's is no bundle, and is not walked to its end. */
function namesBelow(root: string, prefix: string, depth: number): string[] {
  if (depth > MAX_DEPTH) throw new FormatError("bad-archive", `${prefix} is deeper than a bundle is`, { source: root });
  const names: string[] = [];
  for (const entry of readdirSync(join(root, prefix), { withFileTypes: true })) {
    const name = prefix + entry.name;
    checkMemberName(name, root);
    if (entry.isDirectory()) for (const below of namesBelow(root, `${name}/`, depth + 1)) names.push(below);
    else if (entry.isFile()) names.push(name);
    else throw new FormatError("bad-archive", `${name} in it is not a file`, { source: root });
  }
  return names;
}

/** Reads a file that is not larger than anything in a bundle is. */
function readBounded(path: string): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw tooLarge(path, MAX_BYTES);
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const count = readSync(fd, bytes, done, size - done, null);
      if (count === 0) throw new FormatError("truncated", "became shorter while it was read", { source: path });
      done += count;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function missing(source: string, name: string): never {
  throw new FormatError("bad-archive", `${name} is missing`, { source });
}

function tooLarge(source: string, most: number): FormatError {
  return new FormatError("too-large", `more than ${most} bytes, which no bundle has`, { source });
}
