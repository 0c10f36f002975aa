import { BTF_MAGIC, BTF_VERSION, HEADER_BYTES, HEADER_WITH_LAYOUT_BYTES } from "./format.ts";
import { layoutOfKnownKinds } from "./layout.ts";
import { mapReferences } from "./shift.ts";
import type { Btf, BtfSegment } from "./view.ts";
import { writeWords } from "./words.ts";

/** Contents of one BTF blob. */
export interface BtfContents {
  /** The type section's words, host byte order, references numbered as in the file. */
  readonly words: Uint32Array;
  readonly strings: Uint8Array;
  readonly littleEndian: boolean;
  /** The layout section, byte for byte; absent or empty for a 24-byte header without one. */
  readonly layout?: Uint8Array;
  readonly flags?: number;
  /** Bytes of the header when it is longer than its fields need; they are written as zeros. */
  readonly headerLength?: number;
}

/** How encodeBtf's result may differ from the file that was parsed. */
export interface EncodeOptions {
  /** Which segment to write: 0, the base, by default; a module is written as split BTF. */
  readonly segment?: number;
  /** Byte order of the result; that of the file by default. */
  readonly littleEndian?: boolean;
  /**
   * True for a 32-byte header with a layout section (the file's own where it has one), false for a 24-byte header, with
   * which kinds that are not known here cannot be read any more; as it was by default.
   */
  readonly layout?: boolean;
}

/**
 * Writes a parsed segment back to bytes. Without options the result equals the file it was parsed from, so long as
 * that had no gaps between its sections and nothing behind them.
 */
export function encodeBtf(btf: Btf, options: EncodeOptions = {}): Uint8Array {
  const segment = btf.segments[options.segment ?? 0];
  if (segment === undefined) throw new RangeError(`encodeBtf: no segment ${options.segment}`);
  const { header } = segment;
  const littleEndian = options.littleEndian ?? header.littleEndian;
  const from = btf.offsets[segment.startId] as number;
  const to = btf.offsets[segment.endId] as number;
  const words = ownNumbering(btf, segment);
  const strings = btf.strings.subarray(segment.stringStart, segment.stringEnd);
  const asItWas = options.layout === undefined;
  const layout = options.layout === false ? new Uint8Array(0) : layoutOf(segment, littleEndian, asItWas);
  const contents: BtfContents = { words: words.subarray(from, to), strings, littleEndian, layout, flags: header.flags };
  return assembleBtf(asItWas ? { ...contents, headerLength: header.headerLength } : contents);
}

/** Lays out header, types, layout (if any) and strings, in this order, as every writer of BTF does. */
export function assembleBtf(contents: BtfContents): Uint8Array {
  const { words, strings, littleEndian, layout = new Uint8Array(0) } = contents;
  const fields = layout.length === 0 ? HEADER_BYTES : HEADER_WITH_LAYOUT_BYTES;
  const headerLength = Math.max(fields, contents.headerLength ?? 0);
  const typeLength = words.length * 4;
  const stringOffset = typeLength + layout.length;
  const bytes = new Uint8Array(headerLength + stringOffset + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, BTF_MAGIC, littleEndian);
  view.setUint8(2, BTF_VERSION);
  view.setUint8(3, contents.flags ?? 0);
  const head = [headerLength, 0, typeLength, stringOffset, strings.length];
  if (layout.length !== 0) head.push(typeLength, layout.length);
  head.forEach((value, i) => {
    view.setUint32(4 + i * 4, value, littleEndian);
  });
  writeWords(words, 0, words.length, littleEndian, bytes, headerLength);
  bytes.set(layout, headerLength + typeLength);
  bytes.set(strings, headerLength + stringOffset);
  return bytes;
}

/** The words with a moved module's references back in its file's own numbering. */
function ownNumbering(btf: Btf, segment: BtfSegment): Uint32Array {
  const { idShift, stringShift } = segment;
  if (idShift === 0 && stringShift === 0) return btf.words;
  const words = btf.words.slice();
  mapReferences(
    words,
    btf.offsets,
    segment.startId,
    segment.endId,
    (id) => (id >= segment.startId ? id - idShift : id),
    (name) => (name >= segment.stringStart ? name - stringShift : name),
  );
  return words;
}

/** A layout's flags are u16 in the file's byte order. */
function inByteOrder(segment: BtfSegment, littleEndian: boolean): Uint8Array {
  const layout = new Uint8Array(segment.layout);
  if (littleEndian !== segment.header.littleEndian) {
    for (let at = 0; at + 4 <= layout.length; at += 4) {
      layout.set([layout[at + 3] as number, layout[at + 2] as number], at + 2);
    }
  }
  return layout;
}

/** The file's own layout if it has one, which may describe kinds that are not known here; else, if wanted, one made. */
function layoutOf(segment: BtfSegment, littleEndian: boolean, asItWas: boolean): Uint8Array {
  return segment.layout.length !== 0 || asItWas ? inByteOrder(segment, littleEndian) : layoutOfKnownKinds();
}
