/** Kernels and objects for tests of what objects attach to and call. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import * as make from "../btf/builder.ts";
import { KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { buildObject, EXIT } from "./object-builder.ts";

/** A compiled object of test/fixtures. */
export function fixture(name: string): BpfObject {
  return parseBpfObject(readFileSync(join(import.meta.dirname, "../fixtures/objects", name)), name);
}

/** A real kernel, alone and with its modules. */
export function targetKernels(): { readonly kernel: Btf; readonly withModules: Btf } {
  const kernel = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes, { source: "vmlinux" });
  const modules = moduleSamples().map(({ bytes, name }) => ({ bytes, source: `${name}.btf` }));
  return { kernel, withModules: parseModules(kernel, modules) };
}

/** An object with a program `p` for each section, and types of its own. */
export function attached(sections: readonly string[], own: readonly make.Row[] = []): BpfObject {
  const programs = sections.map((section, i) => ({ name: i === 0 ? "p" : `p${i}`, section, insns: [EXIT], relos: [] }));
  return buildObject({ rows: [make.int("int", 4), ...own], programs });
}
