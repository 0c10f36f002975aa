import type { Btf } from "../../lib/btf/view.ts";
import { UsageError } from "../errors.ts";
import { type BtfBlob, parseTarget, readKernel, readModules } from "./btf-input.ts";

/** A kernel, with modules or without, as read. */
export interface TargetInput {
  readonly target: Btf;
  /** The kernel's own raw BTF. */
  readonly base: Uint8Array;
  /** Bytes of BTF that were read, all blobs together. */
  readonly bytes: number;
}

/**
 * Reads a kernel's BTF and its modules' (split BTF; an archive of them counts as all of them).
 * Throws InputError, or FormatError.
 */
export async function readTarget(kernel: string, modulePaths: readonly string[]): Promise<TargetInput> {
  const base = await readKernel(kernel);
  const modules: BtfBlob[] = [];
  for (const path of modulePaths) modules.push(...(await readModules(path)));
  const bytes = modules.reduce((sum, blob) => sum + blob.bytes.length, base.bytes.length);
  return { target: parseTarget(base, modules), base: base.bytes, bytes };
}

/** Standard input can be read only once: asked before anything is read of it. Throws UsageError where `-` stands for more than one input. */
export function checkStandardInput(command: string, paths: readonly (string | undefined)[]): void {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new UsageError(`${command}: - is given more than once, but standard input can be read only once`);
  }
}
