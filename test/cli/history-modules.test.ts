import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { HistoryReport } from "../../cli/diff/history-report.ts";
import { bzImage, moduleFile, vmlinux } from "../corpus/kernels.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const RELEASE = KERNEL_OF_MODULES.split("/").at(-1) as string;
const OBJECT = join(import.meta.dirname, "../fixtures/objects/modules.o");
/** A field of nf_conntrack's, which the fixture reads. */
const FIELD = "nf_conn_acct.counter[1].packets.counter";
const { bytes: base } = kernelSample(KERNEL_OF_MODULES);
const modules = moduleSamples();
const archive = join(import.meta.dirname, `../../corpus/samples/${KERNEL_OF_MODULES}.btf.tar.xz`);

async function history(...args: readonly string[]) {
  const { stdout, stderr, code } = await runText(["diff", ...args, "--object", OBJECT, "--json"]);
  if (code === 2) return { code, stderr, statuses: [] };
  const { rows, states, kernels, unreadable }: HistoryReport = JSON.parse(stdout);
  const cells = rows.find(({ path }) => path === FIELD)?.cells ?? [];
  const statuses = kernels.map(({ release }, i) => `${release} ${states[cells[i] ?? -1]?.status}`);
  return { code, stderr, statuses, unreadable };
}

/** Each puts the kernel and its modules below a directory. */
const LAYOUTS: readonly (readonly [what: string, lay: (at: string) => void])[] = [
  [
    "as extract leaves them",
    (at) => {
      put(`${at}/${RELEASE}.btf`, base);
      for (const { name, bytes } of modules) put(`${at}/${RELEASE}.modules/${name}.btf`, bytes);
    },
  ],
  [
    "as extract leaves them in BTFHub's tree",
    (at) => {
      mkdirSync(join(directory, at, "debian/12/x86_64"), { recursive: true });
      copyFileSync(archive, join(directory, at, `${KERNEL_OF_MODULES}.btf.tar.xz`));
      for (const { name, bytes } of modules) put(`${at}/${KERNEL_OF_MODULES}.modules/${name}.btf`, bytes);
    },
  ],
  [
    "as a package unpacked has them",
    (at) => {
      put(`${at}/boot/vmlinuz-${RELEASE}`, bzImage(gzipSync(vmlinux(base, RELEASE)), null));
      for (const [i, { name, bytes }] of modules.entries()) {
        const file = moduleFile(name, RELEASE, bytes);
        const path = `${at}/lib/modules/${RELEASE}/kernel/${name}.ko`;
        if (i % 2 === 0) put(path, file);
        else put(`${path}.gz`, gzipSync(file));
      }
    },
  ],
];

describe("a history with modules in files of their own", () => {
  it.each(LAYOUTS)("reads each behind its kernel, %s", async (what, lay) => {
    lay(what);
    const other = kernelSample(KERNEL_6_1);
    const tree = join(directory, what);
    put(`${what}/6.1.0-56-cloud-amd64.btf`, other.bytes);
    expect(await history(tree, "--modules")).toMatchObject({
      statuses: [`6.1.0-56-cloud-amd64 poisoned`, `${RELEASE} resolved`],
      unreadable: [],
      code: 0,
    });
    expect((await history(tree, "--modules")).stderr).toContain("warning: no modules come with 6.1.0-56-cloud-amd64\n");
    expect(await history(tree)).toMatchObject({
      stderr: expect.not.stringContaining("no modules"),
      statuses: [`6.1.0-56-cloud-amd64 poisoned`, `${RELEASE} poisoned`],
      unreadable: [],
      code: 0,
    });
  });

  it("reads those beside vmlinux, as in /sys/kernel/btf", async () => {
    put("sys/vmlinux", base);
    for (const { name, bytes } of modules) put(`sys/${name}`, bytes);
    expect(await history(join(directory, "sys"), "--modules")).toMatchObject({ statuses: ["null resolved"], code: 0 });
  });

  it("names those whose kernel is not there, and refuses a source of modules alone", async () => {
    put("others/6.1.0-56-cloud-amd64.btf", kernelSample(KERNEL_6_1).bytes);
    for (const { name, bytes } of modules) put(`others/${RELEASE}.modules/${name}.btf`, bytes);
    const names = modules.map(({ name }) => name.replaceAll("-", "_"));
    const some = `${names.slice(0, 4).join(", ")}${names.length > 4 ? ` and ${names.length - 4} more` : ""}`;
    const others = join(directory, "others");
    expect(await history(others, "--modules")).toMatchObject({
      statuses: ["6.1.0-56-cloud-amd64 poisoned"],
      unreadable: [{ origin: others, reason: `modules whose kernel is not there: ${some}` }],
      code: 1,
    });
    const lone = join(others, `${RELEASE}.modules`);
    const { code, stderr } = await history(lone, "--modules");
    expect(code).toBe(2);
    expect(stderr).toContain(`${lone}: has modules, and not the kernel that they are of`);
  });

  it("leaves a kernel out one of whose modules is damaged, and goes on", async () => {
    put("damaged/6.1.0-56-cloud-amd64.btf", kernelSample(KERNEL_6_1).bytes);
    put(`damaged/${RELEASE}.btf`, base);
    const whole = modules[0]?.bytes ?? new Uint8Array();
    // The first type's name lies beyond all strings.
    const damaged = Buffer.from(whole);
    damaged.writeUInt32LE(0x7fff_ffff, 24);
    put(`damaged/${RELEASE}.modules/odd.btf`, damaged);
    const { code, statuses, unreadable } = await history(join(directory, "damaged"), "--modules");
    expect(statuses).toEqual(["6.1.0-56-cloud-amd64 poisoned"]);
    expect(unreadable).toEqual([
      { origin: join(directory, `damaged/${RELEASE}.btf`), reason: expect.stringMatching(/^odd: BTF types.*name/) },
    ]);
    expect(code).toBe(1);
  });
});
