import { type CodecOptions, codecError, trailingBytes, truncated } from "./codec.ts";
import { detectCodec } from "./detect.ts";
import { type HuffmanTable, huffmanTable } from "./huffman.ts";

const CODEC = "bzip2";
const HEADER_BYTES = 4;
const ASCII_0 = 0x30;
const LEVEL_BYTES = 100_000;
const MAX_LEVEL = 9;
/** Magic numbers of a block and of the end, 48 bits each as two halves. */
const BLOCK_HIGH = 0x314159;
const BLOCK_LOW = 0x265359;
const END_HIGH = 0x177245;
const END_LOW = 0x385090;
const MAX_TABLES = 6;
const MIN_TABLES = 2;
const GROUP_SYMBOLS = 50;
const MAX_CODE_BITS = 20;
const RUN_A = 0;
const RUN_B = 1;
/** Equal bytes after which a count follows (the first, outer run-length coding). */
const RUN_START = 4;

/** CRC-32 with the bits in the other order than zlib's. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  return crc >>> 0;
});

/** Reads bits, the highest of a byte first. Past the end it hands out zeros and counts; callers look at `at`. */
interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  value: number;
  count: number;
}

/** bzip2: one stream or several behind each other, a block (at most 900,000 bytes before run lengths) at a time. */
export async function* decodeBzip2(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  // For all streams: they may be 14 bytes each, and this is 3.6 MB.
  const links = new Uint32Array(MAX_LEVEL * LEVEL_BYTES);
  let at = 0;
  do at = yield* decodeStream(bytes, at, links, options);
  while (detectCodec(bytes, at) === "bzip2");
  if (options.trailing !== "ignore" && at < bytes.length) throw trailingBytes(CODEC, options, at);
}

function* decodeStream(
  bytes: Uint8Array,
  start: number,
  memory: Uint32Array,
  options: CodecOptions,
): Generator<Uint8Array, number> {
  if (start + HEADER_BYTES > bytes.length) throw truncated(CODEC, options);
  const level = (bytes[start + HEADER_BYTES - 1] ?? 0) - ASCII_0;
  const bits: Bits = { bytes, at: start + HEADER_BYTES, value: 0, count: 0 };
  const links = memory.subarray(0, level * LEVEL_BYTES);
  let combined = 0;
  for (;;) {
    const high = read(bits, 24);
    const low = read(bits, 24);
    const crc = ((read(bits, 16) << 16) | read(bits, 16)) >>> 0;
    checkEnd(bits, options);
    if (high === END_HIGH && low === END_LOW) {
      if (crc !== combined) throw damaged("the checksum does not match", bits, options);
      return bits.at - (bits.count >> 3);
    }
    if (high !== BLOCK_HIGH || low !== BLOCK_LOW) throw damaged("no block where one must be", bits, options);
    if (read(bits, 1) !== 0) throw damaged("a randomised block, which no program writes", bits, options);
    const origin = read(bits, 24);
    const length = readBlock(bits, links, options);
    checkEnd(bits, options);
    if (origin >= length) throw damaged("a block's origin is outside of it", bits, options);
    const block = expand(links, length, origin);
    if (crcOf(block) !== crc) throw damaged("a block's checksum does not match", bits, options);
    combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    yield block;
  }
}

/** Huffman codes, move-to-front and inner run lengths undone: the block's bytes, each in the low 8 bits of a link. */
function readBlock(bits: Bits, links: Uint32Array, options: CodecOptions): number {
  const bad = (what: string) => {
    checkEnd(bits, options);
    return damaged(what, bits, options);
  };
  const symbols = readSymbols(bits);
  if (symbols.length === 0) throw bad("a block without symbols");
  const tables = read(bits, 3);
  const selectorCount = read(bits, 15);
  if (tables < MIN_TABLES || tables > MAX_TABLES || selectorCount === 0) throw bad("a block with no tables");
  const selectors = readSelectors(bits, tables, selectorCount);
  if (selectors === null) throw bad("a table is not there");
  const codes: HuffmanTable[] = [];
  for (let i = 0; i < tables; i++) {
    const table = readTable(bits, symbols.length + 2);
    if (table === null) throw bad("a table of codes makes no sense");
    codes.push(table);
  }
  const endOfBlock = symbols.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; ; group++) {
    const selector = selectors[group];
    const table = selector === undefined ? undefined : codes[selector];
    if (table === undefined) throw bad("the block does not end");
    for (let i = 0; i < GROUP_SYMBOLS; i++) {
      const symbol = readSymbol(bits, table);
      if (symbol === -1) throw bad("a code that no symbol has");
      if (symbol === RUN_A || symbol === RUN_B) {
        run += symbol === RUN_A ? weight : 2 * weight;
        weight *= 2;
        if (run > links.length) throw bad("a block is longer than the level allows");
        continue;
      }
      if (run > 0) {
        if (length + run > links.length) throw bad("a block is longer than the level allows");
        links.fill(symbols[0] as number, length, length + run);
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === endOfBlock) return length;
      if (length >= links.length) throw bad("a block is longer than the level allows");
      const byte = symbols[symbol - 1] as number;
      // Mostly a few places: by hand that is faster than a call.
      for (let place = symbol - 1; place > 0; place--) symbols[place] = symbols[place - 1] as number;
      symbols[0] = byte;
      links[length++] = byte;
    }
    if (bits.at > bits.bytes.length + HEADER_BYTES) throw truncated(CODEC, options);
  }
}

function readSymbols(bits: Bits): Uint8Array {
  const ranges = read(bits, 16);
  const symbols: number[] = [];
  for (let high = 0; high < 16; high++) {
    if (!(ranges & (0x8000 >> high))) continue;
    const used = read(bits, 16);
    for (let low = 0; low < 16; low++) if (used & (0x8000 >> low)) symbols.push(high * 16 + low);
  }
  return Uint8Array.from(symbols);
}

/** Which table each group of 50 symbols uses, move-to-front coded in unary. */
function readSelectors(bits: Bits, tables: number, count: number): Uint8Array | null {
  const order = [0, 1, 2, 3, 4, 5];
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let index = 0;
    while (read(bits, 1) === 1) if (++index >= tables) return null;
    const [table] = order.splice(index, 1);
    order.unshift(table as number);
    selectors[i] = table as number;
  }
  return selectors;
}

function readTable(bits: Bits, symbols: number): HuffmanTable | null {
  const lengths = new Uint8Array(symbols);
  let length = read(bits, 5);
  for (let i = 0; i < symbols; i++) {
    while (read(bits, 1) === 1) {
      length += read(bits, 1) === 0 ? 1 : -1;
      if (length < 1 || length > MAX_CODE_BITS) return null;
    }
    if (length < 1 || length > MAX_CODE_BITS) return null;
    lengths[i] = length;
  }
  return huffmanTable(lengths, MAX_CODE_BITS);
}

/** Fills up to the longest code at once and compares prefixes: three times as fast as a bit at a time. */
function readSymbol(bits: Bits, { limits, bases, symbols }: HuffmanTable): number {
  while (bits.count < MAX_CODE_BITS) {
    bits.value = (bits.value << 8) | (bits.bytes[bits.at++] ?? 0);
    bits.count += 8;
  }
  const { value, count } = bits;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    const code = (value >>> (count - length)) & ((1 << length) - 1);
    if (code >= (limits[length] as number)) continue;
    bits.count = count - length;
    return symbols[code - (bases[length] as number)] ?? -1;
  }
  return -1;
}

/** Undoes the Burrows-Wheeler transform, then the outer run lengths. */
function expand(links: Uint32Array, length: number, origin: number): Uint8Array {
  const starts = new Uint32Array(256);
  for (let i = 0; i < length; i++) {
    const byte = (links[i] as number) & 0xff;
    starts[byte] = (starts[byte] as number) + 1;
  }
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    const count = starts[byte] as number;
    starts[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i++) {
    const byte = (links[i] as number) & 0xff;
    const at = starts[byte] as number;
    starts[byte] = at + 1;
    links[at] = (links[at] as number) | (i << 8);
  }
  // Two walks, to count and to write: runs can make a block 51 times as long.
  const out = new Uint8Array(walk(links, length, origin, null));
  walk(links, length, origin, out);
  return out;
}

function walk(links: Uint32Array, length: number, origin: number, out: Uint8Array | null): number {
  let at = (links[origin] as number) >>> 8;
  let size = 0;
  let same = 0;
  let last = -1;
  for (let i = 0; i < length; i++) {
    const link = links[at] as number;
    const byte = link & 0xff;
    at = link >>> 8;
    if (same === RUN_START) {
      if (out !== null) out.fill(last, size, size + byte);
      size += byte;
      same = 0;
      last = -1;
      continue;
    }
    same = byte === last ? same + 1 : 1;
    last = byte;
    if (out !== null) out[size] = byte;
    size++;
  }
  return size;
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ (bytes[i] as number)] as number);
  }
  return ~crc >>> 0;
}

/** At most 24 bits. */
function read(bits: Bits, wanted: number): number {
  while (bits.count < wanted) {
    bits.value = (bits.value << 8) | (bits.bytes[bits.at++] ?? 0);
    bits.count += 8;
  }
  bits.count -= wanted;
  return (bits.value >>> bits.count) & ((1 << wanted) - 1);
}

function checkEnd(bits: Bits, options: CodecOptions): void {
  // Up to three whole bytes may have been looked at but not used.
  if (bits.at - (bits.count >> 3) > bits.bytes.length) throw truncated(CODEC, options);
}

function damaged(what: string, bits: Bits, options: CodecOptions) {
  return codecError("bad-archive", CODEC, what, options, bits.at);
}
