/** The root file system of a virtual machine: this machine's Node and libraries, the checker, and what is asked of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { RunLoaderRequest, RunLoadersRequest } from "../checker/loader-protocol.ts";
import { KOFFI_MISSING } from "../checker/native.ts";
import { type CheckRequest, NATIVE_LEVELS, type NativeLevel } from "../checker/protocol.ts";
import { CouldNotRunError } from "../corpus/could-not-run.ts";
import { type CpioEntry, cpioArchive } from "./cpio.ts";
import { GUEST, type GuestSettings } from "./protocol.ts";
import { type LibraryClosure, librariesOf } from "./shared-libraries.ts";

/** What a virtual machine is to check. */
export interface VmCheck {
  readonly level: NativeLevel;
  /** Raw BTF. */
  readonly full: Uint8Array;
  readonly small: Uint8Array;
  /** The objects' bytes, in order. */
  readonly objects: readonly Uint8Array[];
  /** How long the checker may say nothing, in milliseconds. */
  readonly silenceMs: number;
  /** A libbpf to use instead of the system's: its path here; null for the system's. */
  readonly libbpf: string | null;
  /** The kernel's release and configuration, which kconfig externs are read from; null for unknown. */
  readonly config: { readonly release: string; readonly bytes: Uint8Array } | null;
}

const LIBBPF = "libbpf.so.1";
const C_LIBRARY = "libc.so.6";
const MOUNT_POINTS = ["proc", "sys", "tmp", "dev"];
/** Documentation/admin-guide/devices.txt. The kernel opens the console before its first process starts. */
const DEVICES = [
  ["console", 5, 1],
  ["null", 1, 3],
  ["urandom", 1, 9],
  ["ttyS1", 4, 65],
] as const;
/** Parts of koffi that only serve to build it. */
const NOT_FOR_RUNNING = new Set(["vendor", "doc", "lib"]);

/** A loader program that a virtual machine is to run: its code and data, and what is asked. */
export interface VmLoader {
  readonly instructions: Uint8Array;
  readonly data: Uint8Array;
  readonly question: Omit<RunLoaderRequest, "instructions" | "data">;
}

/** The archive, in pieces. `programs` is the directory of guest.cjs and checker.cjs. Throws CouldNotRunError. */
export function initramfs(programs: string, check: VmCheck): Uint8Array[] {
  const tree = machineTree(programs, "checker.cjs", (roots) => withLoader(roots, check));
  const { config } = check;
  // The name does not become a path to anywhere else in the guest.
  if (config !== null && !config.release.includes("/")) tree.file(`/boot/config-${config.release}`, config.bytes);
  addRequest(tree, check);
  return cpioArchive(tree.entries);
}

/** The archive of a machine that runs loader programs. `programs` is the directory of runner.cjs. Throws CouldNotRunError. */
export function runnerInitramfs(programs: string, loaders: readonly VmLoader[], silenceMs: number): Uint8Array[] {
  const tree = machineTree(programs, "runner.cjs", librariesOf);
  const request: RunLoadersRequest = {
    loaders: loaders.map(({ instructions, data, question }, i) => {
      const paths = { instructions: `/check/loader${i}.code`, data: `/check/loader${i}.data` };
      tree.file(paths.instructions, instructions);
      tree.file(paths.data, data);
      return { ...question, ...paths };
    }),
  };
  addJson(tree, request, silenceMs);
  return cpioArchive(tree.entries);
}

/** Node, its libraries, and the program that the guest's first process starts. */
function machineTree(programs: string, program: string, closure: (roots: readonly string[]) => LibraryClosure): Tree {
  const tree = new Tree();
  for (const place of MOUNT_POINTS) tree.directory(place);
  for (const [name, major, minor] of DEVICES) tree.add({ path: `/dev/${name}`, kind: "device", major, minor });
  tree.file(GUEST.node, readFileSync(process.execPath), true);
  tree.file(GUEST.init, readFileSync(join(programs, "guest.cjs")));
  tree.file(GUEST.checker, readFileSync(join(programs, program)));
  const addons = addKoffi(tree, programs);
  const { libraries, linker } = closure([process.execPath, ...addons, C_LIBRARY]);
  for (const { name, bytes } of libraries) tree.file(`${GUEST.libraries}/${name}`, bytes);
  if (linker !== null) tree.file(linker.path, linker.bytes, true);
  return tree;
}

function addJson(tree: Tree, request: CheckRequest | RunLoadersRequest, silenceMs: number): void {
  const settings: GuestSettings = { silenceMs };
  tree.file(GUEST.request, Buffer.from(JSON.stringify(request)));
  tree.file(GUEST.settings, Buffer.from(JSON.stringify(settings)));
}

/** @throws CouldNotRunError where a guest could not ask libbpf: nothing of it, or of koffi, is on this machine. */
export function requireLoader(programs: string, libbpf: string | null): void {
  const addons = addKoffi(new Tree(), programs);
  try {
    librariesOf([...addons, libbpf ?? LIBBPF]);
  } catch (error) {
    // A library that was named is a file, which may not be there.
    const said = error instanceof Error ? error.message : String(error);
    throw new CouldNotRunError(`${said}: install libbpf (libbpf1 on Debian, libbpf on Fedora)`);
  }
}

/** Without libbpf the checker says itself what it cannot do: the levels before need none. */
function withLoader(roots: readonly string[], { level, libbpf }: VmCheck): LibraryClosure {
  if (NATIVE_LEVELS.indexOf(level) > 0 && (libbpf === null || existsSync(libbpf))) {
    try {
      return librariesOf([...roots, libbpf ?? LIBBPF]);
    } catch (error) {
      if (!(error instanceof CouldNotRunError)) throw error;
    }
  }
  return librariesOf(roots);
}

function addRequest(tree: Tree, check: VmCheck): void {
  const own = `${GUEST.libraries}/own-libbpf.so`;
  if (check.libbpf !== null && existsSync(check.libbpf)) tree.file(own, readFileSync(check.libbpf));
  const objects = check.objects.map((bytes, i) => {
    const path = `/check/object${i}.o`;
    tree.file(path, bytes);
    return { name: `object${i}`, path };
  });
  const { full, small } = GUEST;
  const libbpf = check.libbpf === null ? null : own;
  const request: CheckRequest = { level: check.level, full, small, objects, from: 0, libbpf };
  tree.file(full, check.full);
  tree.file(small, check.small);
  addJson(tree, request, check.silenceMs);
}

/** Adds the package koffi with this machine's native part; gives the paths of that here. */
function addKoffi(tree: Tree, programs: string): string[] {
  const from = createRequire(join(programs, "guest.cjs"));
  const addons: string[] = [];
  const add = (name: string, directory: string) => {
    for (const file of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      const inside = path.slice(directory.length + 1);
      const isBuilding = [...NOT_FOR_RUNNING].some((part) => inside.startsWith(`${part}/`));
      const isWanted = /\.(json|c?js)$/.test(file.name) || (file.name.endsWith(".node") && !inside.startsWith("musl"));
      if (!file.isFile() || isBuilding || !isWanted) continue;
      tree.file(`${GUEST.modules}/${name}/${inside}`, readFileSync(path));
      if (file.name.endsWith(".node")) addons.push(path);
    }
  };
  const native = `@koromix/koffi-linux-${process.arch}`;
  let [koffi, addon]: [string, string] = ["", ""];
  try {
    koffi = dirname(from.resolve("koffi"));
    addon = dirname(createRequire(join(koffi, "index.cjs")).resolve(native));
  } catch {
    throw new CouldNotRunError(KOFFI_MISSING);
  }
  add("koffi", koffi);
  add(native, addon);
  return addons;
}

/** Entries in an order that can be unpacked: each directory before what is in it, and once. */
class Tree {
  readonly entries: CpioEntry[] = [];
  readonly #directories = new Set<string>();

  directory(path: string): void {
    const parts = path.split("/").filter((part) => part !== "");
    for (let i = 1; i <= parts.length; i++) {
      const one = parts.slice(0, i).join("/");
      if (this.#directories.has(one)) continue;
      this.#directories.add(one);
      this.entries.push({ path: one, kind: "directory" });
    }
  }

  file(path: string, bytes: Uint8Array, executable = false): void {
    this.add({ path, kind: "file", bytes, executable });
  }

  add(entry: CpioEntry): void {
    this.directory(dirname(entry.path));
    this.entries.push(entry);
  }
}
