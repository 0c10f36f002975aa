/** The sample kernels of corpus/samples for tests, read from a cache under node_modules that `setup` fills. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SAMPLES = join(ROOT, "corpus", "samples");
const CACHE = join(ROOT, "node_modules", ".cache", "btfgen-samples");
const KERNEL_SUFFIX = ".btf.tar.xz";
const MODULES_SUFFIX = ".modules.tar.xz";

/** A BTF blob out of an archive. */
export interface Sample {
  /** `debian/12/x86_64/6.1.0-56-cloud-amd64` for a kernel, the module's name for a module. */
  readonly name: string;
  /** The unpacked file, for programs that want a path. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The baseline kernel of tests and tables, the base of the sample modules, the big-endian one. */
export const KERNEL_6_1 = "debian/12/x86_64/6.1.0-56-cloud-amd64";
export const KERNEL_OF_MODULES = "debian/12/x86_64/6.12.117+deb12-amd64";
export const KERNEL_BIG_ENDIAN = "debian/13/s390x/6.12.107+deb13-s390x";

/** Names of all sample kernels, sorted. */
export const KERNEL_NAMES: readonly string[] = filesUnder(SAMPLES)
  .filter((path) => path.endsWith(KERNEL_SUFFIX))
  .map((path) => relative(SAMPLES, path).slice(0, -KERNEL_SUFFIX.length).split(sep).join("/"))
  .sort();

/** Set by `npm run test:thorough`, which takes minutes: every kernel and more cases. */
export const THOROUGH: boolean = process.env.BTFGEN_THOROUGH === "1";

/** The kernels that slow tests go through: the baseline and the big-endian one, or all when thorough. */
export const KERNELS_TO_ASK: readonly string[] = THOROUGH ? KERNEL_NAMES : [KERNEL_6_1, KERNEL_BIG_ENDIAN];

/** One sample kernel by its name in KERNEL_NAMES. */
export function kernelSample(name: string): Sample {
  const path = kernelPath(name);
  return { name, path, bytes: readFileSync(path) };
}

/** The file of one sample kernel's raw BTF. */
export function kernelPath(name: string): string {
  const [path] = filesOf(join(SAMPLES, ...name.split("/")) + KERNEL_SUFFIX);
  if (path === undefined) throw new Error(`${name}: an empty archive`);
  return path;
}

/** The modules of KERNEL_OF_MODULES, sorted by name. */
export function moduleSamples(): Sample[] {
  const archive = join(SAMPLES, "modules", basename(KERNEL_OF_MODULES) + MODULES_SUFFIX);
  return filesOf(archive).map((path) => ({ name: basename(path, ".btf"), path, bytes: readFileSync(path) }));
}

/** Unpacks all samples that are not unpacked yet: once a run, before its tests (`globalSetup` in vitest.config.ts). */
export async function setup(): Promise<void> {
  for (const archive of filesUnder(SAMPLES).filter((path) => path.endsWith(".tar.xz"))) {
    const directory = unpackedDirectory(archive);
    if (!existsSync(directory)) await unpack(archive, directory);
  }
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function filesOf(archive: string): string[] {
  return filesUnder(unpackedDirectory(archive)).sort();
}

/** Where an archive is unpacked. Its size and time are in the name, so that a new archive is unpacked anew. */
function unpackedDirectory(archive: string): string {
  const { size, mtimeMs } = statSync(archive);
  return join(CACHE, `${relative(SAMPLES, archive).split(sep).join("-")}-${size}-${Math.floor(mtimeMs)}`);
}

/** Unpacks beside the final place and renames: two runs may start at once. */
async function unpack(archive: string, directory: string): Promise<void> {
  const { ArchiveReader, libarchiveWasm } = await import("libarchive-wasm");
  const reader = new ArchiveReader(await libarchiveWasm(), new Int8Array(readFileSync(archive)));
  const temporary = `${directory}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    for (const entry of reader.entries()) {
      const data = entry.readData();
      if (data !== undefined) writeFileSync(join(temporary, basename(entry.getPathname())), data);
    }
    renameSync(temporary, directory);
  } catch (error) {
    // Another run was faster, and a directory that is not empty cannot be replaced.
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    reader.free();
  }
}
