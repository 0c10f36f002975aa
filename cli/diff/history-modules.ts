import { basename, dirname } from "node:path";
import type { KernelBtf } from "../../corpus/kernel.ts";
import { withoutBtfSuffix } from "../../corpus/source/identity.ts";
import { isLooseModule, isProblem, type LooseModule, type SourceOptions } from "../../corpus/source/item.ts";
import { isModuleName } from "../../corpus/source/module.ts";
import { withModules } from "../../corpus/source/package.ts";
import { readFileKernels } from "../../corpus/source/read-kernels.ts";
import { type SourceFile, walkFiles } from "../../corpus/source/walk.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { looksLikeBtf } from "../../lib/btf/header.ts";
import { headOf } from "../inputs/input.ts";

/** A module's file below a directory, without its BTF, which is read again when its kernel comes: of many kernels, one at a time. */
interface ModuleFile {
  readonly file: SourceFile;
  readonly name: string;
  readonly arch: string | null;
  readonly release: string | null;
}

/** Modules in files of their own, and which of them no kernel has taken. */
export interface DirectoryModules {
  /** A kernel of the directory with those that are its own; what is wrong where one does not fit it. */
  readonly join: (kernel: KernelBtf) => Promise<KernelBtf | Misfit>;
  /** Names of those that no kernel has had. */
  readonly left: () => string[];
}

/** A kernel that cannot be read with its modules. */
interface Misfit {
  readonly origin: string;
  readonly problem: string;
}

const MAGIC_BYTES = 4;

/** Finds modules in files of their own: `.ko`, compressed or not, and raw split BTF. */
export async function directoryModules(directory: string, options: SourceOptions): Promise<DirectoryModules> {
  const files: ModuleFile[] = [];
  for (const file of walkFiles(directory)) {
    if (isProblem(file) || !(isModuleName(file.path) || looksLikeBtf(headOf(file.path, MAGIC_BYTES)))) continue;
    for (const { module: name, identity } of await modulesOf(file, options)) {
      files.push({ file, name, arch: identity.arch, release: identity.release });
    }
  }
  const taken = new Set<ModuleFile>();
  return {
    join: async (kernel) => {
      const own = files.filter((file) => isOf(file, kernel));
      for (const one of own) taken.add(one);
      // What comes with a kernel in its package is whole.
      if (kernel.modules.length > 0 || own.length === 0) return kernel;
      const modules: LooseModule[] = [];
      for (const { file } of own) modules.push(...(await modulesOf(file, options)));
      try {
        return withModules(kernel, modules);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        return { origin: kernel.origin, problem: error.message };
      }
    },
    left: () => files.filter((file) => !taken.has(file)).map(({ name }) => name),
  };
}

async function modulesOf(file: SourceFile, options: SourceOptions): Promise<LooseModule[]> {
  const modules: LooseModule[] = [];
  for await (const item of readFileKernels(file, { ...options, modules: "alone" })) {
    if (isLooseModule(item)) modules.push(item);
  }
  return modules;
}

/**
 * By the release that a module tells; where it tells none, by its place: `RELEASE.modules/` beside the kernel's `RELEASE.btf`, as extract
 * has them, or beside `vmlinux`, as in /sys/kernel/btf.
 */
function isOf({ file, arch, release }: ModuleFile, { identity, origin }: KernelBtf): boolean {
  if (release !== null && identity.release !== null) {
    return release === identity.release && (arch === null || identity.arch === null || arch === identity.arch);
  }
  const [path = origin] = origin.split("!");
  const place = dirname(file.path);
  return place === `${withoutBtfSuffix(path)}.modules` || (basename(path) === "vmlinux" && place === dirname(path));
}
