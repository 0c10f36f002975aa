/**
 * `btfgen/bundle`: find a kernel's BTF in a bundle. Pure functions over the index of a store, or the names of a tree:
 * reading the files is the caller's.
 *
 * ```ts
 * const index = parseIndex(readFileSync("bundle/index.json"), "bundle");
 * const { id, versionId } = parseOsRelease(readFileSync("/etc/os-release", "utf8"));
 * const found = selectKernel(kernelsOfIndex(index), { id, versionId, arch: os.machine(), release: os.release() });
 * if (found.outcome === "exact") readFileSync(`bundle/${blobName(found.entry.blobHash)}`);
 * ```
 */

export { canonicalArch, knownArch, machineOf } from "../corpus/arch.ts";
export { aliasesOf, identityOfName, NAMINGS, type Naming, nameOf } from "../corpus/bundle/naming.ts";
export { type OsRelease, parseOsRelease } from "../corpus/bundle/os-release.ts";
export { type KernelRelease, parseRelease, releaseDistance } from "../corpus/bundle/release-distance.ts";
export { type KernelQuery, type Selectable, type Selection, selectKernel } from "../corpus/bundle/select.ts";
export {
  blobName,
  INDEX_NAME,
  INDEX_VERSION,
  type IndexedKernel,
  kernelsOfIndex,
  parseIndex,
  type StoreIndex,
} from "../corpus/bundle/store-index.ts";
export { type KernelIdentity, kernelKey } from "../corpus/kernel.ts";
export { FormatError, type FormatErrorCode, type FormatErrorPlace } from "../lib/btf/error.ts";
