/**
 * liblzma.so.5 through koffi: the encoder of the `xz` program, in this process. Its bytes are the same as those of
 * `xz -9 -T1` with the same version of the library.
 */

const LIBRARY = "liblzma.so.5";
const STREAM_BYTES = 136;
/** LZMA_CHECK_CRC64, LZMA_FINISH, LZMA_OK and LZMA_STREAM_END of lzma.h. */
const CHECK_CRC64 = 4;
const FINISH = 3;
const OK = 0;
const STREAM_END = 1;
const RESERVED_WORDS = 8;

/** `lzma_stream` of lzma/base.h, as koffi has it: pointers are Uint8Array, or what liblzma has put there. */
interface Stream {
  next_in: Uint8Array | null;
  avail_in: number;
  total_in: number;
  next_out: Uint8Array | null;
  avail_out: number;
  total_out: number;
  allocator: null;
  internal: unknown;
  reserved: number[];
  rest: number[];
}

/** Compresses all of the bytes to one .xz file. */
export type XzEncoder = (bytes: Uint8Array, preset: number) => Uint8Array;

let loaded: Promise<XzEncoder | null> | undefined;

/** The encoder, or null where koffi or the library is not installed, or is of another shape. Loaded once. */
export function loadXzEncoder(): Promise<XzEncoder | null> {
  loaded ??= load().catch(() => null);
  return loaded;
}

async function load(): Promise<XzEncoder | null> {
  const { default: koffi } = await import("koffi");
  const library = koffi.load(LIBRARY);
  const bytePointer = koffi.pointer("uint8_t");
  const stream = koffi.struct({
    next_in: bytePointer,
    avail_in: "size_t",
    total_in: "uint64_t",
    next_out: bytePointer,
    avail_out: "size_t",
    total_out: "uint64_t",
    allocator: "void *",
    internal: "void *",
    reserved: koffi.array("uint64_t", RESERVED_WORDS),
    rest: koffi.array("uint32_t", 2),
  });
  if (koffi.sizeof(stream) !== STREAM_BYTES) return null;
  const inout = koffi.inout(koffi.pointer(stream));
  const easyEncoder = library.func("lzma_easy_encoder", "int", [inout, "uint32_t", "int"]);
  const code = library.func("lzma_code", "int", [inout, "int"]);
  const end = library.func("lzma_end", "void", [inout]);
  const bound = library.func("lzma_stream_buffer_bound", "size_t", ["size_t"]);
  return (bytes, preset) => {
    const state = newStream();
    if (easyEncoder(state, preset, CHECK_CRC64) !== OK) throw new Error("liblzma has no memory for its encoder");
    try {
      // With room for the worst case one call does all.
      const out = new Uint8Array(Number(bound(bytes.length)) + (1 << 16));
      state.next_in = bytes;
      state.avail_in = bytes.length;
      state.next_out = out;
      state.avail_out = out.length;
      if (code(state, FINISH) !== STREAM_END) throw new Error("liblzma did not finish");
      return out.slice(0, Number(state.total_out));
    } finally {
      end(state);
    }
  };
}

function newStream(): Stream {
  return {
    next_in: null,
    avail_in: 0,
    total_in: 0,
    next_out: null,
    avail_out: 0,
    total_out: 0,
    allocator: null,
    internal: null,
    reserved: new Array<number>(RESERVED_WORDS).fill(0),
    rest: [0, 0],
  };
}
