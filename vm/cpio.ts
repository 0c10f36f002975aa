/** Writes the "new ASCII" cpio format (cpio(5)), which Linux unpacks as its first root file system (initramfs). */

/** One entry of an archive. Directories must come before what is in them. */
export type CpioEntry = { readonly path: string } & (
  | { readonly kind: "directory" }
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly executable?: boolean }
  | { readonly kind: "link"; readonly target: string }
  /** A character device: nothing is needed of the machine that writes the archive, as it is only a number there. */
  | { readonly kind: "device"; readonly major: number; readonly minor: number }
);

const MAGIC = "070701";
const ALIGNMENT = 4;
const END: CpioEntry = { path: "TRAILER!!!", kind: "file", bytes: new Uint8Array(0) };
/** File types and permissions: inode(7). */
const MODES = { directory: 0o040755, file: 0o100644, program: 0o100755, link: 0o120777, device: 0o020666 } as const;
const FIRST_INODE = 1;

/** The archive, in pieces in order: the files' bytes are not copied. Owner is root, times are 0. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const add = (bytes: Uint8Array) => {
    pieces.push(bytes);
    const rest = bytes.length % ALIGNMENT;
    if (rest !== 0) pieces.push(new Uint8Array(ALIGNMENT - rest));
  };
  for (const [i, entry] of [...entries, END].entries()) {
    const content = contentOf(entry);
    add(headerOf(entry, i === entries.length ? 0 : FIRST_INODE + i, content.length));
    add(content);
  }
  return pieces;
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "link" ? Buffer.from(entry.target) : new Uint8Array(0);
}

/** Thirteen fields of 8 hexadecimal digits behind the magic number, then the name. */
function headerOf(entry: CpioEntry, inode: number, size: number): Uint8Array {
  const name = Buffer.from(`${entry.path.replace(/^\/+/, "")}\0`);
  const device = entry.kind === "device" ? entry : { major: 0, minor: 0 };
  const mode = inode === 0 ? 0 : modeOf(entry);
  const links = entry.kind === "directory" ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, device.major, device.minor, name.length, 0];
  const text = fields.map((field) => field.toString(16).padStart(8, "0").toUpperCase()).join("");
  return Buffer.concat([Buffer.from(MAGIC + text), name]);
}

function modeOf(entry: CpioEntry): number {
  return entry.kind === "file" && entry.executable === true ? MODES.program : MODES[entry.kind];
}
