import { pack } from "tar-stream";

/** A file of a bundle, as a name with `/` and its bytes. */
export interface BundleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const MODE = 0o644;

/**
 * A tar of the files, in the order given: time, user and group 0, mode 0644, no user names, no directories. The same
 * files give the same bytes everywhere.
 */
export async function packTar(files: readonly BundleFile[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { name, bytes } of files) {
    const header = { name, size: bytes.length, mode: MODE, mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
    archive.entry(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
