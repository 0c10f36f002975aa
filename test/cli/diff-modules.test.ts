import { mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import type { HistoryReport } from "../../cli/diff/history-report.ts";
import { INT_SIGNED } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { btf, int, m, ptr, type Row, struct } from "../btf/builder.ts";
import { debOf } from "../corpus/containers.ts";
import { bzImage, moduleFile, vmlinux } from "../corpus/kernels.ts";
import { KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { runText } from "./run.ts";
import { tar, workspace } from "./workspace.ts";

const { put, directory } = workspace();

/** Two kernels of one series: modules that differ, one with nothing of its own but a pointer, one that goes, one that comes. */
interface Kernel {
  readonly release: string;
  readonly base: Uint8Array;
  readonly modules: Readonly<Record<string, Uint8Array>>;
}
const INT = int("int", 4, 32, INT_SIGNED);
const word = (name: string, bytes: number) => struct(name, bytes, [m("x", 1, 0)]);
function kernel(release: string, size: number, lone: string): Kernel {
  const base = btf([INT, word("task", size)]);
  const split = (...rows: readonly Row[]) => btf(rows, { base: parseBtf(base) });
  const modules = {
    [lone]: split(word(`${lone}_priv`, 8), word(`${lone}_ops`, 8)),
    none: split(ptr(2)),
    tun: split(word("shared", size)),
    veth: split(word("veth_priv", 2 * size), word("shared", size)),
  };
  return { release, base, modules };
}
const OLD = kernel("6.9.1-test", 4, "gone");
const NEW = kernel("6.9.2-test", 8, "come");

const FOLDED = `+module come;  /* 2 types */
-module gone;  /* 2 types */
 struct shared;  /* size 4 -> 8; in tun, veth */
 struct task;  /* size 4 -> 8 */
 struct veth_priv;  /* size 8 -> 16; in veth */
`;
const COUNTS = "btfgen: modules: 1 added, 1 removed; types: 2 added, 2 removed, 3 changed\n";
const TALK = `${COUNTS}btfgen: 4 of them only in modules added or removed, which have a line each; --full shows all\n`;

/** As `extract --modules` leaves it. */
function asDirectory({ release, base, modules }: Kernel): string {
  put(`tree/${release}/${release}.btf`, base);
  for (const [name, bytes] of Object.entries(modules)) put(`tree/${release}/${release}.modules/${name}.btf`, bytes);
  return join(directory, "tree", release);
}

const control = (release: string) =>
  `Package: linux-image-${release}\nVersion: 6.9-1\nArchitecture: amd64\nMaintainer: Debian Kernel Team\n`;
function imageOf({ release, base }: Kernel) {
  return { [`./boot/vmlinuz-${release}`]: bzImage(gzipSync(vmlinux(base, release)), null) };
}
/** Every other module is compressed. */
function modulesOf({ release, modules }: Kernel) {
  const files = Object.entries(modules).map(([name, bytes], i) => {
    const path = `./lib/modules/${release}/kernel/${name}.ko`;
    const file = moduleFile(name, release, bytes);
    return i % 2 === 0 ? ([path, file] as const) : ([`${path}.gz`, gzipSync(file)] as const);
  });
  return Object.fromEntries(files);
}
async function asPackage(from: Kernel): Promise<string> {
  const files = { ...imageOf(from), ...modulesOf(from) };
  return put(`${from.release}.deb`, await debOf(control(from.release), files));
}
async function modulePackage(from: Kernel): Promise<string> {
  return put(`modules-${from.release}.deb`, await debOf(control(from.release), modulesOf(from)));
}

describe("btfgen diff --modules", () => {
  let [old, now] = ["", ""];
  beforeAll(async () => {
    [old, now] = [asDirectory(OLD), asDirectory(NEW)];
  });

  it.each<[string, () => Promise<readonly string[]>]>([
    ["directories", async () => [old, now, "--modules"]],
    ["packages", async () => [await asPackage(OLD), await asPackage(NEW), "--modules"]],
    ["a package and a directory", async () => [await asPackage(OLD), now, "--modules"]],
    [
      "kernels, and packages of their modules",
      async () => {
        const modules = ["--old-module", await modulePackage(OLD), "--new-module", await modulePackage(NEW)];
        return [put("old.btf", OLD.base), put("new.btf", NEW.base), ...modules];
      },
    ],
    [
      "kernels, and tars of their modules",
      async () => {
        const pack = (from: Kernel) =>
          tar(Object.fromEntries(Object.entries(from.modules).map(([name, bytes]) => [`${name}.btf`, bytes])));
        const modules = [
          "--old-module",
          put("old.tar", await pack(OLD)),
          "--new-module",
          put("new.tar", await pack(NEW)),
        ];
        return [put("old.btf", OLD.base), put("new.btf", NEW.base), ...modules];
      },
    ],
  ])("compares the modules of %s by name, and what they share once", async (_what, args) => {
    const { stdout, stderr, code } = await runText(["diff", ...(await args())]);
    expect(stdout).toBe(FOLDED);
    expect(stderr).toBe(TALK);
    expect(code).toBe(0);
  });

  it("compares modules alone, behind their own kernels", async () => {
    const bases = ["--old-base", put("old.btf", OLD.base), "--new-base", put("new.btf", NEW.base)];
    for (const args of [
      [join(old, "6.9.1-test.modules"), join(now, "6.9.2-test.modules")],
      [await modulePackage(OLD), await modulePackage(NEW)],
    ]) {
      const { stdout } = await runText(["diff", ...args, ...bases]);
      expect(stdout).toBe(FOLDED.replace(/^ struct task.*\n/m, ""));
    }
    // Two files are each other's counterparts, whatever they are called.
    const files = [put("a/gone.ko", OLD.modules.gone as Uint8Array), put("b/come.ko", NEW.modules.come as Uint8Array)];
    const { stdout, stderr } = await runText(["diff", ...files, ...bases]);
    expect(stdout.split("\n").filter((line) => line.includes("_priv"))).toEqual([
      "+struct come_priv;  /* 8 bytes, 1 member; in come */",
      "-struct gone_priv;  /* 8 bytes, 1 member; in gone */",
    ]);
    expect(stderr).not.toContain("modules:");
  });

  it("shows the types of modules that came or went in full, where they are asked for, and in JSON", async () => {
    const full = await runText(["diff", old, now, "--modules", "--full"]);
    expect(full.stdout).toContain("+module come;  /* 2 types */\n");
    expect(full.stdout).toContain("+struct come_ops {  /* 8 bytes, 1 member; in come */\n+\tint x;  /* 0 */\n+};\n");
    expect(full.stderr).toBe(COUNTS);
    const named = await runText(["diff", old, now, "--modules", "--type", "*_priv", "--only", "added"]);
    expect(named.stdout).toBe("+struct come_priv;  /* 8 bytes, 1 member; in come */\n");
    const kinds = await runText(["diff", old, now, "--modules", "--kind", "module"]);
    expect(kinds.stdout).toBe(FOLDED.split(" struct")[0]);
    const rules = put("ignore", "module gone\n");
    const ignored = await runText(["diff", old, now, "--modules", "--ignore", rules, "--only", "removed"]);
    expect(ignored.stdout.match(/^-.*/gm)).toEqual([
      "-struct gone_ops;  /* 8 bytes, 1 member; in gone */",
      "-struct gone_priv;  /* 8 bytes, 1 member; in gone */",
    ]);
    const { stdout } = await runText(["diff", old, now, "--modules", "--json"]);
    const document = JSON.parse(stdout);
    expect(document.old.modules).toEqual(["gone", "none", "tun", "veth"]);
    expect(document.counts.module).toEqual({ added: 1, removed: 1, changed: 0, consequences: 0 });
    expect(document.counts.struct).toEqual({ added: 2, removed: 2, changed: 3, consequences: 0 });
    expect(document.types[0]).toMatchObject({
      kind: "module",
      name: "come",
      status: "added",
      old: null,
      new: { id: 0, size: null, count: 2, declaration: "module come" },
      modules: ["come"],
    });
  });

  it("counts modules apart from types, and writes Markdown with both", async () => {
    const { stdout } = await runText(["diff", old, now, "--modules", "--stat"]);
    expect(stdout).toMatch(/^module +1 +1 +0 +0\nstruct +2 +2 +3 +0\nall +2 +2 +3 +0$/m);
    const markdown = await runText(["diff", old, now, "--modules", "--format", "markdown"]);
    expect(markdown.stdout).toContain("| `module` | 1 | 1 | 0 | 0 |");
    expect(markdown.stdout).toContain("<summary>2 modules</summary>");
  });

  it("warns of a side that comes without modules, and refuses what makes no sense", async () => {
    const bare = await runText(["diff", put("bare.btf", OLD.base), now, "--modules", "--stat"]);
    expect(bare.stderr).toContain("bare.btf: no modules come with it (--old-module names them)");
    const alone = await runText(["diff", join(old, "6.9.1-test.modules"), now, "--modules"]);
    expect(alone).toMatchObject({ code: 2, stdout: "" });
    expect(alone.stderr).toContain("has modules, and not the kernel that they are of");
    const module = put("veth.btf", OLD.modules.veth as Uint8Array);
    const lost = await runText(["diff", module, put("new.btf", NEW.base)]);
    expect(lost).toMatchObject({ code: 2, stdout: "" });
    expect(lost.stderr).toContain(`${module}: a kernel module's BTF, which needs its kernel's`);
    expect(lost.stderr).toContain("--old-base KERNEL");
    const based = ["--old-base", put("old.btf", OLD.base), "--new-base", put("new.btf", NEW.base)];
    const both = await runText(["diff", old, now, "--modules", ...based]);
    expect(both.stderr).toContain("--modules is for kernels");
    expect(both.code).toBe(2);
  });

  it("names a few of many modules, and all in full", async () => {
    const base = btf([INT]);
    const many = (bytes: number) =>
      tar(
        Object.fromEntries(
          ["a", "b", "c", "d", "e", "f"].map((name) => [
            `${name}.btf`,
            btf([word("shared", bytes)], { base: parseBtf(base) }),
          ]),
        ),
      );
    const [path, before, after] = [put("k.btf", base), put("many.tar", await many(4)), put("more.tar", await many(8))];
    const args = ["diff", path, path, "--old-module", before, "--new-module", after];
    expect((await runText(args)).stdout).toBe(" struct shared;  /* size 4 -> 8; in a, b, c, d, 2 more */\n");
    expect((await runText([...args, "--full"])).stdout).toContain("in a, b, c, d, e, f */");
  });

  it("compares real modules: with themselves, without one, and one with another", async () => {
    const { path } = kernelSample(KERNEL_OF_MODULES);
    const samples = moduleSamples();
    const [all, less] = [join(directory, "all"), join(directory, "less")];
    for (const [into, own] of [
      [all, samples],
      [less, samples.filter(({ name }) => name !== "xfs")],
    ] as const) {
      mkdirSync(into);
      for (const one of [path, ...own.map((sample) => sample.path)]) symlinkSync(one, join(into, basename(one)));
    }
    expect(await runText(["diff", all, all, "--modules", "--exit-code"])).toMatchObject({ code: 0, stdout: "" });
    const gone = await runText(["diff", all, less, "--modules"]);
    // What xfs alone has is its own line; what it shares with others stays where it is.
    expect(gone.stdout).toMatch(/^-module xfs; {2}\/\* \d+ types \*\/\n$/);
    const come = await runText(["diff", less, all, "--modules", "--full"]);
    const back = await runText(["diff", all, less, "--modules", "--full"]);
    const flip = (text: string) =>
      text
        .replace(/^[+-]/gm, (sign) => (sign === "+" ? "-" : "+"))
        .replace(/one of (\d+) -> (\d+)/g, "one of $2 -> $1")
        .split("\n");
    expect(flip(come.stdout)).toEqual(back.stdout.split("\n"));
    expect(come.stdout.split("\n").length).toBeGreaterThan(5000);
  });

  it("follows fields of a package's modules, and lacks them where modules are not asked for", async () => {
    const modules = Object.fromEntries(moduleSamples().map(({ name, bytes }) => [name, bytes]));
    const { bytes: base } = kernelSample(KERNEL_OF_MODULES);
    const path = await asPackage({ release: "6.12.117+deb12-amd64", base, modules });
    const object = join(import.meta.dirname, "../fixtures/objects/modules.o");
    const statusOf = async (...more: readonly string[]) => {
      const { stdout } = await runText(["diff", path, "--object", object, "--json", ...more]);
      const { rows, states } = JSON.parse(stdout) as HistoryReport;
      const row = rows.find((one) => one.path === "nf_conn_acct.counter[1].packets.counter");
      return states[row?.cells[0] ?? -1]?.status;
    };
    expect(await statusOf("--modules")).toBe("resolved");
    expect(await statusOf()).toBe("poisoned");
  });
});
