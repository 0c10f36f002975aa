/** Objects relocated ahead of time on real kernels: loaded with no BTF to be seen, as the originals are with the kernel's own. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBtf } from "../../cli/inputs/btf-input.ts";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type CpioEntry, cpioArchive } from "../../vm/cpio.ts";
import { workspace } from "../cli/workspace.ts";
import { type BothSides, loaderProgram, readLoads, relocateFiles, withoutSide } from "../oracle/relocated-loads.ts";
import { FIXTURES, TOOLS } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const packages = readdirSync(kernels).filter((name) => /amd64.*\.deb$/.test(name));
/** Where the table of docs/VERIFY.md is made anew, all of libbpf-tools; else some stand for the others. */
const isWhole = process.env.BTFGEN_VM_TABLE !== undefined;
const SOME = /\/(capable|execsnoop|exitsnoop|mountsnoop|opensnoop|syscount|tcpconnect|tcplife|tcpstates)$/;
const OBJECTS = [...FIXTURES, ...TOOLS.filter((path) => isWhole || SOME.test(path))];
const LEAST_LOADED = isWhole ? 60 : 20;
/** A run takes 20 s, with all of libbpf-tools a few minutes. */
const RUN_MS = isWhole ? 400_000 : 120_000;
const { directory } = workspace();

/** A root file system of the loader alone, as the first process. */
function rootOf(loader: Uint8Array, { before, after }: BothSides): Uint8Array {
  const entries: CpioEntry[] = ["proc", "sys", "boot", "dev", "objects", "objects/before", "objects/after"].map(
    (path) => ({
      path,
      kind: "directory",
    }),
  );
  entries.push({ path: "dev/console", kind: "device", major: 5, minor: 1 });
  entries.push({ path: "dev/ttyS1", kind: "device", major: 4, minor: 65 });
  entries.push({ path: "init", kind: "file", bytes: loader, executable: true });
  for (const [name, bytes] of before) entries.push({ path: `objects/before/${name}`, kind: "file", bytes });
  for (const [name, bytes] of after) entries.push({ path: `objects/after/${name}`, kind: "file", bytes });
  return Buffer.concat(cpioArchive(entries));
}

/** What the loader says, once more where the emulated machine hangs, as it sometimes does. */
function boot(place: string): string {
  const args = [
    ...["-accel", "tcg", "-cpu", "max,la57=off", "-m", "1024", "-smp", "1", "-nodefaults", "-display", "none"],
    ...["-no-reboot", "-serial", `file:${join(place, "console")}`, "-serial", "stdio"],
    ...["-kernel", join(place, "kernel"), "-initrd", join(place, "root")],
    ...["-append", "console=ttyS0 8250.nr_uarts=4 panic=-1"],
  ];
  const start = () =>
    spawnSync("qemu-system-x86_64", args, { timeout: RUN_MS, maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
  const first = start();
  return (first.signal === null ? first : start()).stdout.toString();
}

describe("relocated objects in virtual machines", () => {
  it("has three kernels", () => {
    expect(packages.length).toBeGreaterThanOrEqual(3);
  });

  it.each(packages)(
    "%s takes them without BTF as the originals with it",
    async (name) => {
      const path = join(kernels, name);
      const { bytes } = await readBtf(path);
      const sides = relocateFiles(OBJECTS, indexCandidates(parseBtf(bytes, { source: name })));
      const built = loaderProgram();
      if ("missing" in built) throw new Error(built.missing);
      const { image } = await bootImageOf(readFileSync(path), path);
      const place = join(directory, name);
      mkdirSync(place);
      writeFileSync(join(place, "kernel"), image);
      writeFileSync(join(place, "root"), rootOf(readFileSync(built.path), sides));
      const said = boot(place);
      const { before, after } = readLoads(said);
      expect(withoutSide(after)).toEqual(withoutSide(before));
      expect(after.filter(({ errno }) => errno === 0).length).toBeGreaterThan(LEAST_LOADED);
    },
    2 * RUN_MS,
  );
});
