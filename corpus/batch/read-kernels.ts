import { FormatError } from "../../lib/btf/error.ts";
import { looksLikeBtf } from "../../lib/btf/header.ts";
import { btfBytes } from "../../lib/elf/btf-section.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import { knownArch } from "../arch.ts";
import type { KernelBtf, KernelIdentity } from "../kernel.ts";

/** Temporary: raw BTF, ELF, and BTFHub's .btf.tar.xz. */
export async function* readKernels(bytes: Uint8Array, name: string, path: string): AsyncGenerator<KernelBtf> {
  const identity = identityOfPath(path);
  if (looksLikeBtf(bytes)) {
    yield { identity, origin: name, btf: { bytes, source: name }, modules: [] };
    return;
  }
  if (looksLikeElf(bytes)) {
    yield { identity, origin: name, btf: { bytes: btfBytes(bytes, name), source: name }, modules: [] };
    return;
  }
  const { ArchiveReader, libarchiveWasm } = await import("libarchive-wasm");
  try {
    const reader = new ArchiveReader(
      await libarchiveWasm(),
      new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    );
    for (const entry of reader.entries()) {
      if (!entry.getPathname().endsWith(".btf")) continue;
      const data = entry.readData();
      if (data === undefined || data.length !== entry.getSize()) throw new Error("truncated");
      const btf = { bytes: new Uint8Array(data.buffer, data.byteOffset, data.length), source: name };
      yield { identity, origin: name, btf, modules: [] };
    }
    reader.free();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError("truncated", `the archive cannot be read: ${String(error)}`, { source: name });
  }
}

function identityOfPath(path: string): KernelIdentity {
  const parts = path.split("/").slice(-4);
  const [id = null, versionId = null, arch = null, file = ""] = parts;
  const known = arch === null ? null : knownArch(arch);
  const release = file.replace(/\.btf(\.tar\.\w+)?$/, "");
  return known === null ? { id: null, versionId: null, arch: null, release } : { id, versionId, arch: known, release };
}
