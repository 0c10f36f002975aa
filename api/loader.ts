/**
 * `btfgen/loader`: a plan as a program that the kernel runs, which creates the maps and loads the programs of an object;
 * and sources that embed it. Nothing here runs it: docs/FORMATS.md says how that is done.
 *
 * ```ts
 * const object = parseBpfObject(readFileSync("exec.bpf.o"), "exec.bpf.o");
 * const loader = buildLoader(object, prepare(object, null));
 * if ("refusals" in loader) throw new Error(loader.refusals.join("\n"));
 * writeFileSync("exec.loader.h", emitC(loader));
 * ```
 */

export { buildLoader, type LoaderOptions } from "../lib/loader/build.ts";
export { sealInstructions } from "../lib/loader/check-data.ts";
export { emitC } from "../lib/loader/emit-c.ts";
export { emitGo } from "../lib/loader/emit-go.ts";
export { emitTypeScript } from "../lib/loader/emit-ts.ts";
export {
  CONTEXT,
  type Loader,
  type LoaderMap,
  type LoaderProgram,
  type LoaderRefusal,
  type LoaderStep,
  type LoaderVariable,
  type SignatureScheme,
  type StepAction,
} from "../lib/loader/loader.ts";
