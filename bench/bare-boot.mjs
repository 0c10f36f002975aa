// @ts-check
// A boot of a kernel with nothing around it but bpftool, which loads one object as the first process and ends: what a
// check in a virtual machine is compared with. The machine is the one that the command makes.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./inputs.mjs";
import { exists } from "./measure.mjs";

const QEMU = "qemu-system-x86_64";
const LIMIT_MS = 300_000;
/** Where bpftool pins the program; it mounts a BPF file system there itself. */
const PIN = "/pins/program";

/** The newest kernel package that `npm run test:vm` has fetched; null for none. */
export function imageToBoot() {
  const directory = process.env.BTFGEN_VM_KERNELS ?? join(root, "node_modules/.cache/btfgen-vm-kernels");
  try {
    const names = readdirSync(directory).filter((name) => /^linux-image-.*\.deb$/.test(name));
    const name = names.sort(new Intl.Collator("en", { numeric: true }).compare).at(-1);
    return name === undefined ? null : join(directory, name);
  } catch {
    return null;
  }
}

/**
 * What boots once, or why that cannot be.
 * @param {string} image a kernel package
 * @param {string} object a BPF object without relocations: there is no sysfs, and so no BTF
 * @param {string} directory
 * @returns {Promise<(() => void) | string>}
 */
export async function bareBoot(image, object, directory) {
  if (!exists(QEMU)) return `${QEMU} is not installed`;
  const bpftool = pathOf("bpftool");
  if (bpftool === null) return "bpftool is not installed";
  const { bootImageOf, cpioArchive, librariesOf } = await ours();
  const kernel = join(directory, "bare-kernel");
  const initrd = join(directory, "bare-initrd");
  writeFileSync(kernel, (await bootImageOf(readFileSync(image), image)).image);
  const { libraries, linker } = librariesOf([bpftool]);
  /** @param {string} path */
  const directoryEntry = (path) => ({ path, kind: "directory" });
  /** @param {string} path @param {Uint8Array} bytes */
  const file = (path, bytes) => ({ path, kind: "file", bytes, executable: true });
  const places = [...new Set(["dev", "lib", "pins", ...(linker?.path.split("/").slice(1, -1) ?? [])])];
  const archive = cpioArchive([
    ...places.map(directoryEntry),
    { path: "dev/console", kind: "device", major: 5, minor: 1 },
    file("bpftool", readFileSync(bpftool)),
    file("object.o", readFileSync(object)),
    ...libraries.map((/** @type {{ name: string, bytes: Uint8Array }} */ { name, bytes }) =>
      file(`lib/${name}`, bytes),
    ),
    ...(linker === null ? [] : [file(linker.path, linker.bytes)]),
  ]);
  writeFileSync(initrd, Buffer.concat(archive));
  const words = ["console=ttyS0", "panic=-1", "rdinit=/bpftool", "LD_LIBRARY_PATH=/lib", "--"];
  const args = [
    ...["-accel", "tcg", "-cpu", "max,la57=off,cx16=off", "-m", "1024", "-smp", "1", "-nodefaults", "-no-user-config"],
    ...["-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-initrd", initrd],
    ...["-append", [...words, "prog", "load", "/object.o", PIN].join(" ")],
  ];
  return () => {
    let said = "";
    // Emulators make mistakes, rarely.
    for (let tries = 0; tries < 2; tries++) {
      const { stdout, status } = spawnSync(QEMU, args, { encoding: "latin1", timeout: LIMIT_MS });
      // Where it ends, the kernel panics, and says with which code: 0 is bpftool's success.
      if (status === 0 && /Attempted to kill init! exitcode=0x00000000/.test(stdout)) return;
      said = stdout.slice(-2000);
    }
    throw new Error(`bpftool did not load the object in ${image}:\n${said}`);
  };
}

/** @param {string} program */
function pathOf(program) {
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/** The command's own parts, which are not in the library. */
async function ours() {
  const directory = join(root, "node_modules/.cache/btfgen-bench");
  mkdirSync(directory, { recursive: true });
  const outfile = join(directory, "vm.mjs");
  const parts = ["corpus/source/boot-image.ts", "vm/cpio.ts", "vm/shared-libraries.ts"];
  await build({
    stdin: {
      contents: parts.map((path) => `export * from "./${path}";`).join("\n"),
      resolveDir: root,
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    packages: "external",
    logLevel: "error",
  });
  return import(pathToFileURL(outfile).href);
}
