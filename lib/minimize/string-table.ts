/**
 * The strings of one blob: each distinct string once, and, where tails are shared, one that is another's tail inside
 * that other (`pid` in `tgpid`). Texts hold one byte a character, so that any bytes survive.
 */
export interface StringTable {
  readonly bytes: Uint8Array;
  /** Offset of the first byte: 0, or behind the base's strings. */
  readonly start: number;
  /** Offset of every string asked for, those of the base included. */
  readonly offsets: ReadonlyMap<string, number>;
}

/**
 * Lays strings out in the order given. With a base, its strings are used and own offsets start behind them. libbpf and
 * the kernel read a string from wherever it begins; cilium/ebpf takes no string that begins inside another
 * (btf/strings.go), so for it every one stands by itself.
 */
export function buildStringTable(texts: Iterable<string>, base?: StringTable, shareTails = true): StringTable {
  const start = base === undefined ? 0 : base.start + base.bytes.length;
  const offsets = new Map<string, number>(base?.offsets ?? [["", 0]]);
  const own = [...new Set(texts)].filter((text) => !offsets.has(text));
  const holders = shareTails ? findHolders(own) : new Map<string, string>();
  const written = own.filter((text) => !holders.has(text));
  // The empty string comes first in a base; a module has that of its base.
  let size = base === undefined ? 1 : 0;
  for (const text of written) {
    offsets.set(text, start + size);
    size += text.length + 1;
  }
  const bytes = new Uint8Array(size);
  for (const text of written) {
    const at = (offsets.get(text) as number) - start;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  }
  for (const [text, holder] of holders) {
    offsets.set(text, (offsets.get(holder) as number) + holder.length - text.length);
  }
  return { bytes, start, offsets };
}

/** For each text that is the tail of another: the longest such other, which is no tail itself. */
function findHolders(texts: readonly string[]): Map<string, string> {
  const holders = new Map<string, string>();
  // Sorted by reversed text, whatever ends in a text follows it without a gap; from the end, holders come first.
  const reversed = texts.map((text) => ({ text, key: [...text].reverse().join("") }));
  reversed.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (let i = reversed.length - 2; i >= 0; i--) {
    const entry = reversed[i] as { text: string; key: string };
    const next = reversed[i + 1] as { text: string; key: string };
    if (next.key.startsWith(entry.key)) holders.set(entry.text, holders.get(next.text) ?? next.text);
  }
  return holders;
}

/** Offset of a string that was asked for when the table was built. */
export function offsetOf(table: StringTable, text: string): number {
  const offset = table.offsets.get(text);
  if (offset === undefined) throw new RangeError(`"${text}" is not in the string table`);
  return offset;
}

/** A NUL-terminated string as a text of one byte a character. */
export function byteText(strings: Uint8Array, offset: number): string {
  let text = "";
  for (let at = offset; at < strings.length && strings[at] !== 0; at++)
    text += String.fromCharCode(strings[at] as number);
  return text;
}
