import { randomWord } from "../btf/hash.ts";
import { NUMBERING_BASE64 } from "./numbering-wasm.ts";
import { WebAssemblyError } from "./web-assembly-error.ts";

/** What assembly/index.ts exports. Addresses come as signed 32-bit numbers. */
interface Exports {
  readonly kindTable: { readonly value: number };
  seedHashes(low: number, high: number): void;
  allocateWords(count: bigint): number;
  allocateStrings(bytes: number): number;
  newSide(wordCount: number, types: number, stringStart: number): number;
  wordsOf(side: number): number;
  offsetsOf(side: number): number;
  referencesOf(side: number): number;
  referencedOf(side: number): number;
  bodiesOf(side: number): number;
  lastOf(side: number): number;
  beforeOf(side: number): number;
  speakingOf(side: number): number;
  speakingCount(side: number): number;
  unnamedEnumsOf(side: number): number;
  unnamedEnumCount(side: number): number;
  attach(side: number, attached: number): void;
  numberNames(old: number, next: number): void;
  classify(old: number, next: number): void;
  nameClassEnd(): number;
  findUnequal(old: number, next: number): number;
  unequalClasses(): number;
}

/** The code, and the memory that it works in. */
export interface NumberingCode extends Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** The part of the JavaScript API that is used; TypeScript has it among what browsers have only. */
interface WebAssemblyApi {
  readonly Module: new (code: Uint8Array) => object;
  readonly Memory: new (size: { readonly initial: number }) => NumberingCode["memory"];
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, object>>,
  ) => { readonly exports: object };
}

/** Of a WebAssembly memory. */
const PAGE_BYTES = 1 << 16;

/** Compiled when it is first wanted. */
let compiled: object | undefined;

/**
 * New memory with the code of assembly/ for it. That is WebAssembly, since a process that compares two kernels ends
 * before V8 has compiled the same in JavaScript: docs/DIFF.md has figures.
 * @param bytes Memory to begin with; V8 counts what is added later twice, and collects garbage for it.
 * @param tooLarge Makes what is thrown when memory ends.
 * @throws WebAssemblyError where the engine runs none (`node --jitless`), or gets no addresses for its memory.
 */
export function instantiate(bytes: number, tooLarge: () => Error): NumberingCode {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyApi };
  if (WebAssembly === undefined)
    throw new WebAssemblyError("diff needs WebAssembly, which node --jitless does without");
  compiled ??= new WebAssembly.Module(bytesOfBase64(NUMBERING_BASE64));
  const stop = () => {
    throw tooLarge();
  };
  const memory = newMemory(WebAssembly, bytes);
  const { exports } = new WebAssembly.Instance(compiled, { memory: { tooLarge: stop }, env: { memory } });
  // Made of assembly/index.ts by scripts/assembly.mjs, and checked with it.
  const code = { ...(exports as Exports), memory };
  code.seedHashes(randomWord(), randomWord());
  return code;
}

/** Node 20 reserves 10 GB of addresses for each memory, whatever its size; later ones do with less where they must. */
function newMemory({ Memory }: WebAssemblyApi, bytes: number): NumberingCode["memory"] {
  try {
    return new Memory({ initial: Math.ceil(bytes / PAGE_BYTES) + 1 });
  } catch {
    const hint = "run it without ulimit -v, or by node --disable-wasm-trap-handler";
    throw new WebAssemblyError(`diff needs WebAssembly, for whose memory the system gives no addresses: ${hint}`);
  }
}

function bytesOfBase64(text: string): Uint8Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** Words of the code's memory, in place until it allocates the next time. */
export function wordsAt(code: NumberingCode, address: number, count: number): Int32Array {
  return new Int32Array(code.memory.buffer, address >>> 0, count);
}
