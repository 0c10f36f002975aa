/** A corpus in BTFHub's layout whose kernels have a few types each: thousands of them are made and read in a moment. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BatchOptions, type BatchSetup, batchObject, batchSetup } from "../../../corpus/batch/setup.ts";
import { UNKNOWN_IDENTITY } from "../../../corpus/source/identity.ts";
import { parseBpfObject } from "../../../lib/core/object.ts";
import { btf, int, m, ptr, struct } from "../../btf/builder.ts";

/** An object with two relocations, both in `struct getdents_callback`. */
export const TINY_OBJECT = fileURLToPath(
  new URL("../../fixtures/defects/01-two-types-of-one-name/local.o", import.meta.url),
);

const OPTIONS: BatchOptions = {
  keepNames: false,
  keepLong: false,
  layoutSection: false,
  padding: "offsets",
  keep: [],
  keepAttachTargets: false,
  loaders: ["libbpf"],
  modules: false,
  maxBytes: 1 << 20,
  identity: UNKNOWN_IDENTITY,
  paths: null,
};

/** A batch of the tiny object, by a program that calls itself `build`. */
export function tinySetup(build = "test"): BatchSetup {
  const object = parseBpfObject(readFileSync(TINY_OBJECT), TINY_OBJECT);
  return batchSetup(build, [batchObject(object, null)], OPTIONS);
}

/** Raw BTF in which the object's field is `shift` bytes further on: another shift, another output. */
export function tinyKernel(shift: number, littleEndian = true): Uint8Array {
  return btf(
    [
      int("char", 1),
      ptr(1),
      struct("dir_context", 8, [m("actor", 2, 0)]),
      struct("getdents_callback", 16 + shift, [m("ctx", 3, 0), m("name", 2, 64 + 8 * shift)]),
      struct("never_asked_for", 8, [m("nothing", 2, 0)]),
    ],
    { littleEndian },
  );
}

/** Distinct outputs that a tiny corpus of at least so many kernels has. */
export const TINY_DISTINCT = 5;

/** Writes a tree of kernels below a directory and gives back their names in it, in the order of a walk. */
export function writeTinyCorpus(directory: string, kernels: number): string[] {
  const names = Array.from({ length: kernels }, (_, i) => {
    const name = `debian/${10 + (i % 3)}/${i % 2 === 0 ? "x86_64" : "arm64"}/6.1.${String(i).padStart(5, "0")}.btf`;
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, tinyKernel(8 * (i % TINY_DISTINCT)));
    return name;
  });
  return names.sort();
}
