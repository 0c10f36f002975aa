/** Containers for tests, written here so that what is tested does not judge itself. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** Names and contents. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** What else may be in a tar, by name. */
export type Links = Readonly<
  Record<string, { readonly type: "link" | "symlink" | "fifo"; readonly linkname?: string }>
>;

/** A tar of the files, in their order, names as they are, then of links. */
export async function tarOf(files: Files, links: Links = {}): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, Buffer.from(bytes as Uint8Array));
  for (const [name, link] of Object.entries(links)) archive.entry({ name, ...link });
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An ar archive (ar(5)). */
export function arOf(files: Files): Buffer {
  const parts: Buffer[] = [Buffer.from("!<arch>\n")];
  for (const [name, text] of Object.entries(files)) {
    const bytes = Buffer.from(text as Uint8Array);
    const fields = [name.padEnd(16), "0".padEnd(12), "0".padEnd(6), "0".padEnd(6), "100644".padEnd(8)];
    parts.push(Buffer.from(`${fields.join("")}${String(bytes.length).padEnd(10)}\`\n`), bytes);
    if (bytes.length % 2 === 1) parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

/** A .deb with the given control fields; its md5sums are right unless told otherwise. */
export async function debOf(control: string, files: Files, sums?: string): Promise<Buffer> {
  const right = Object.entries(files).map(([name, text]) => {
    const digest = createHash("md5").update(text).digest("hex");
    return `${digest}  ${name.replace(/^\.\//, "")}\n`;
  });
  return arOf({
    "debian-binary": "2.0\n",
    "control.tar.gz": gzipSync(await tarOf({ "./control": control, "./md5sums": sums ?? right.join("") })),
    "data.tar.gz": gzipSync(await tarOf(files)),
  });
}

/** A cpio archive of the new format. */
export function cpioOf(files: Files): Buffer {
  const parts: Buffer[] = [];
  const pad = () => {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    parts.push(Buffer.alloc((4 - (size % 4)) % 4));
  };
  for (const [name, text] of [...Object.entries(files), ["TRAILER!!!", ""] as const]) {
    const bytes = Buffer.from(text as Uint8Array);
    const fields = [1, 0o100644, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0];
    parts.push(Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`));
    pad();
    parts.push(bytes);
    pad();
  }
  return Buffer.concat(parts);
}

/** An rpm package with string tags and a gzip'ed payload. */
export function rpmOf(tags: Readonly<Record<number, string>>, files: Files): Buffer {
  const lead = Buffer.alloc(96);
  lead.set([0xed, 0xab, 0xee, 0xdb, 3]);
  const payload = gzipSync(cpioOf(files));
  return Buffer.concat([lead, rpmHeader({ 1000: "" }, 8), rpmHeader(tags, 1), payload]);
}

function rpmHeader(tags: Readonly<Record<number, string>>, alignment: number): Buffer {
  const entries = Object.entries(tags);
  const data: Buffer[] = [];
  const index = Buffer.alloc(16 * entries.length);
  let offset = 0;
  for (const [i, [tag, text]] of entries.entries()) {
    index.writeUInt32BE(Number(tag), 16 * i);
    index.writeUInt32BE(6, 16 * i + 4);
    index.writeUInt32BE(offset, 16 * i + 8);
    index.writeUInt32BE(1, 16 * i + 12);
    data.push(Buffer.from(`${text}\0`));
    offset += Buffer.byteLength(text) + 1;
  }
  const intro = Buffer.from([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  intro.writeUInt32BE(entries.length, 8);
  intro.writeUInt32BE(offset, 12);
  const header = Buffer.concat([intro, index, ...data]);
  return Buffer.concat([header, Buffer.alloc((alignment - (header.length % alignment)) % alignment)]);
}
