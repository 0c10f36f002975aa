const ALIGNMENT = 8;
const FIRST_ROOM = 16_384;

/** The bytes that a loader program works on, as they grow: attributes of system calls, code, types, contents, names. */
export interface LoaderData {
  bytes: Uint8Array;
  view: DataView;
  /** Bytes in use. */
  size: number;
  readonly littleEndian: boolean;
  /** Where texts are that were put in. */
  readonly texts: Map<string, number>;
}

/** Nothing yet. */
export function startData(littleEndian: boolean): LoaderData {
  const bytes = new Uint8Array(FIRST_ROOM);
  return { bytes, view: new DataView(bytes.buffer), size: 0, littleEndian, texts: new Map() };
}

/** Sets room aside, zero, at a multiple of 8; gives its place. */
export function reserve(data: LoaderData, size: number): number {
  const at = Math.ceil(data.size / ALIGNMENT) * ALIGNMENT;
  let room = data.bytes.length;
  while (room < at + size) room *= 2;
  if (room > data.bytes.length) {
    const bytes = new Uint8Array(room);
    bytes.set(data.bytes.subarray(0, data.size));
    data.bytes = bytes;
    data.view = new DataView(bytes.buffer);
  }
  data.size = at + size;
  return at;
}

/** Puts bytes in; gives their place. */
export function addBytes(data: LoaderData, bytes: Uint8Array): number {
  const at = reserve(data, bytes.length);
  data.bytes.set(bytes, at);
  return at;
}

/** Puts 32-bit numbers in. */
export function addWords(data: LoaderData, words: ArrayLike<number>): number {
  const at = reserve(data, words.length * 4);
  for (let i = 0; i < words.length; i++) setWord(data, at + i * 4, words[i] as number);
  return at;
}

/** Puts a text in with its NUL, each text once; gives its place and its bytes with the NUL. */
export function addText(data: LoaderData, text: string): { at: number; length: number } {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const known = data.texts.get(text);
  const at = known ?? addBytes(data, bytes);
  data.texts.set(text, at);
  return { at, length: bytes.length };
}

/** Writes a 32-bit number. */
export function setWord(data: LoaderData, at: number, value: number): void {
  data.view.setUint32(at, value >>> 0, data.littleEndian);
}

/** Writes a 64-bit number. */
export function setDouble(data: LoaderData, at: number, value: bigint): void {
  data.view.setBigUint64(at, BigInt.asUintN(64, value), data.littleEndian);
}

/** Writes a text into a field of so many bytes, of which the last stays NUL. */
export function setText(data: LoaderData, at: number, room: number, text: string): void {
  data.bytes.set(new TextEncoder().encode(text).subarray(0, room - 1), at);
}
