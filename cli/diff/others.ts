import type { ObjectTag } from "../../corpus/batch/object-tag.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";

/**
 * True where a tag says that an object is for other kernels. Unlike for compat and batch, which take kernels by what they are,
 * a kernel of which nothing is known is one that somebody has named: it is compared.
 */
export function isForOthers(tag: ObjectTag | null, { arch }: Pick<KernelIdentity, "arch">): boolean {
  return tag !== null && arch !== null && !tag.arches.includes(arch);
}
