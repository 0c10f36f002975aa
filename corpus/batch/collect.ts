import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options?: { readonly type: "minor" }) => void;

/** Files between two calls of collectAll, in each thread: a run over 4,000 grows by a tenth so, with 256 by a fifth. */
export const COLLECT_EVERY = 64;

let collect: Collect | undefined;

/**
 * Lets go of the buffers of the file that was just done. A file's bytes, unpacked, are 5 to 10 MB outside of V8's heap,
 * and V8 lets 64 MB of such garbage pile up in each worker before it looks; a look at the young objects alone, which is
 * where those buffers are held, takes about a millisecond.
 */
export function collectYoung(): void {
  collect ??= exposed();
  collect({ type: "minor" });
}

/**
 * Lets go of everything that nothing holds. What a run holds of a file is about 1 KB, but V8 looks at old objects only
 * when there is memory to win, and lets a run over thousands of files grow by 20 KB each. A look takes 10 ms.
 * (Without options: Node 20 takes any for a look at young objects, whatever they say.)
 */
export function collectAll(): void {
  collect ??= exposed();
  collect();
}

function exposed(): Collect {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("gc");
  // A runtime without it does without.
  return typeof found === "function" ? (found as Collect) : () => {};
}
