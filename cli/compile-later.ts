/**
 * V8 optimizes code early, which a short process does not live to see, and which takes the second core from the garbage
 * collector: a diff of two kernels takes 270 ms in place of 340 on a busy machine of two cores, and minimizing for 52
 * objects 177 in place of 240, when V8 waits for about three times as much work (bytes of bytecode that a function has
 * run; 135,168 otherwise). What lives longer is as fast either way. Only Node 20's V8 has the number; later ones have a
 * quick compiler in between (Maglev).
 *
 * To be called when Node's modules are loaded: for other flags it has no compiled code of them at hand.
 */
export function compileLater(): void {
  if (process.versions.v8.startsWith("11.")) {
    process.getBuiltinModule("node:v8").setFlagsFromString("--interrupt-budget=400000");
  }
}
