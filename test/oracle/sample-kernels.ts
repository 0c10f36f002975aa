/** The sample kernels of corpus/samples as raw files, for oracles that want a path. Unpacked once, by tar and xz. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describeFailure, runProcess } from "./process.ts";

const SAMPLES = join(import.meta.dirname, "../../corpus/samples");
const KERNEL_SUFFIX = ".btf.tar.xz";
const MODULES_SUFFIX = ".modules.tar.xz";

/** Sample kernels, sorted: "debian/12/x86_64/6.1.0-56-cloud-amd64", ... */
export function sampleKernels(): string[] {
  return readdirSync(SAMPLES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(KERNEL_SUFFIX))
    .map((path) => path.slice(0, -KERNEL_SUFFIX.length))
    .sort();
}

/** Path of a sample kernel's raw BTF file; `name` is one of {@link sampleKernels} or the end of just one. */
export function sampleKernelPath(name: string): string {
  const matches = sampleKernels().filter((kernel) => kernel === name || kernel.endsWith(`/${name}`));
  const [kernel] = matches;
  if (kernel === undefined || matches.length > 1) throw new Error(`${name}: ${String(matches.length)} sample kernels`);
  const directory = unpacked(`${kernel}${KERNEL_SUFFIX}`);
  const [file] = files(directory, ".btf");
  if (file === undefined) throw new Error(`${kernel}: no .btf in the archive`);
  return file;
}

/** Paths of the split BTF files of a release's sample modules, by module name, sorted by name. */
export function sampleModulePaths(release: string): Map<string, string> {
  const directory = unpacked(`modules/${release}${MODULES_SUFFIX}`);
  const pairs = files(directory, ".btf").map((path): [string, string] => [moduleName(path), path]);
  return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const moduleName = (path: string): string => (path.split("/").at(-1) ?? "").replace(/\.btf$/, "");

function files(directory: string, suffix: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(suffix))
    .map((path) => join(directory, path))
    .filter((path) => statSync(path).isFile());
}

function unpacked(archive: string): string {
  const source = join(SAMPLES, archive);
  // The time of change names the copy: a refreshed sample is unpacked anew.
  const stamp = String(Math.trunc(statSync(source).mtimeMs));
  const user = String(process.getuid?.() ?? 0);
  const directory = join(
    tmpdir(),
    `btfgen-samples-${user}`,
    `${relative(SAMPLES, source).replaceAll("/", "-")}-${stamp}`,
  );
  if (existsSync(directory)) return directory;
  mkdirSync(join(directory, ".."), { recursive: true });
  const temporary = mkdtempSync(`${directory}-`);
  const result = runProcess(["tar", "-xJf", source, "-C", temporary]);
  if (result.code !== 0) throw new Error(`${archive}: ${describeFailure(result)}`);
  try {
    renameSync(temporary, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
    rmSync(temporary, { recursive: true, force: true }); // another test process was faster
  }
  return directory;
}
