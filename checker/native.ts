/** Foreign functions and memory, by way of koffi, which is optional: a machine without it has no native levels. */

/** The parts of koffi that are used here. */
export type Koffi = typeof import("koffi").default;

/** Why there is none, and the way out. */
export const KOFFI_MISSING = "the package koffi is not installed, or not for this machine: npm install koffi";

/** A pointer that a native function gave. */
export type Pointer = unknown;

/** Loads koffi; null where it is not installed, or not for this machine. */
export async function loadKoffi(): Promise<Koffi | null> {
  try {
    const { default: koffi } = await import("koffi");
    return koffi;
  } catch {
    return null;
  }
}

/** True when this machine keeps the low byte first. */
export const HOST_LITTLE_ENDIAN: boolean = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** A C string's bytes; keep the buffer for as long as C may read it. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** The text in a buffer up to its NUL, or to its end; bytes, not characters. */
export function textIn(buffer: Buffer): string {
  const end = buffer.indexOf(0);
  return buffer.toString("latin1", 0, end === -1 ? buffer.length : end);
}

/** A C structure to be filled field by field, in the host's byte order. */
export class CStruct {
  readonly bytes: Buffer;
  readonly #view: DataView;
  readonly #koffi: Koffi;
  /** What C reads through its pointers stays alive as long as the structure. */
  readonly #held: Buffer[] = [];

  constructor(koffi: Koffi, size: number) {
    this.bytes = Buffer.alloc(size);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
    this.#koffi = koffi;
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, HOST_LITTLE_ENDIAN);
  }

  setU64(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), HOST_LITTLE_ENDIAN);
  }

  setPointer(at: number, target: Buffer): void {
    this.#held.push(target);
    this.#view.setBigUint64(at, BigInt(this.#koffi.address(target)), HOST_LITTLE_ENDIAN);
  }

  /** Keeps what another structure points to alive, too. */
  hold(other: CStruct): void {
    this.#held.push(other.bytes, ...other.#held);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, HOST_LITTLE_ENDIAN);
  }
}
