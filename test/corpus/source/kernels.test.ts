import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { kernelKey } from "../../../corpus/kernel.ts";
import { isLooseModule, isProblem, type SourceItem, type SourceOptions } from "../../../corpus/source/item.ts";
import { kernelsOfBytes } from "../../../corpus/source/kernels-of-bytes.ts";
import { readKernels } from "../../../corpus/source/read-kernels.ts";
import { parseBtf } from "../../../lib/btf/parse.ts";
import { btf, ptr } from "../../btf/builder.ts";
import { workspace } from "../../cli/workspace.ts";
import { arOf, cpioOf, debOf, rpmOf, tarOf } from "../containers.ts";
import { bzImage, flatKernel, kernelBtf, moduleFile, vmlinux, zboot } from "../kernels.ts";

const { directory, put } = workspace();
const split = readFileSync(new URL("../../fixtures/defects/08-split-btf/target.btf", import.meta.url));
const elf = vmlinux("elf", "6.9.1-test");
const image = bzImage(gzipSync(elf), null);
const control =
  "Package: linux-image-6.9.1-test\nVersion: 6.9.1-1\nArchitecture: amd64\nMaintainer: Debian Kernel Team\n";

/** One line an item: `key origin`, `module name origin`, or `code origin: problem`. */
function line(item: SourceItem): string {
  if (isProblem(item)) return `${item.code} ${item.origin}: ${item.problem}`;
  if (isLooseModule(item)) return `module ${item.module} of ${item.identity.release} ${item.origin}`;
  return `${kernelKey(item.identity)} ${item.origin}${item.modules.map(({ source }) => ` +${source}`).join("")}`;
}

async function read(bytes: Uint8Array, path = "", options: SourceOptions = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const item of kernelsOfBytes(bytes, "f", path, options)) lines.push(line(item));
  return lines;
}

describe("kernelsOfBytes", () => {
  const known = "-/-/x86_64/6.9.1-test";
  const tree = "debian/12/x86_64/6.1.0-9-amd64";
  const name = "6.1.0-9-amd64.btf";
  it.each<[string, () => Promise<Uint8Array> | Uint8Array, string, string[]]>([
    ["raw BTF in BTFHub's tree", () => kernelBtf("a"), `${tree}.btf`, [`${tree} f`]],
    ["raw BTF, big-endian", () => kernelBtf("a", false), "x.btf", ["-/-/-/- f"]],
    [
      "BTFHub's archive",
      () => tarOf({ [name]: kernelBtf("a") }).then(gzipSync),
      `${tree}.btf.tar.gz`,
      [`${tree} f!${name}`],
    ],
    [
      "a tar of many",
      () => tarOf({ [`./${tree}.btf`]: kernelBtf("a"), "x/README": "text", "6.2.0.btf": kernelBtf("b") }),
      "",
      [`${tree} f!${tree}.btf`, "-/-/-/6.2.0 f!6.2.0.btf"],
    ],
    [
      "archives in a tar",
      async () => tarOf({ [`${tree}.btf.tar.gz`]: gzipSync(await tarOf({ [name]: kernelBtf("a") })) }),
      "",
      [`${tree} f!${tree}.btf.tar.gz!${name}`],
    ],
    ["gzip", () => gzipSync(kernelBtf("a")), "6.3.0.btf.gz", ["-/-/-/6.3.0 f"]],
    ["vmlinux", () => elf, "vmlinux", [`${known} f`]],
    ["vmlinuz", () => image, "/boot/vmlinuz-6.9.1-test", [`${known} f`]],
    ["Image.gz", () => gzipSync(image), "", [`${known} f`]],
    ["zboot", () => zboot(gzipSync(flatKernel("z", "6.9.2")), null), "", ["-/-/arm64/6.9.2 f"]],
    [
      "a .deb",
      () => debOf(control, { "./boot/vmlinuz-6.9.1-test": image, "./boot/config-6.9.1-test": "x" }),
      "",
      ["debian/-/x86_64/6.9.1-test f!boot/vmlinuz-6.9.1-test"],
    ],
    [
      "a .deb of the newer layout",
      () => debOf(control, { "./usr/lib/modules/6.9.1-test/vmlinuz": image }),
      "",
      ["debian/-/x86_64/6.9.1-test f!usr/lib/modules/6.9.1-test/vmlinuz"],
    ],
    [
      "a .deb without sums",
      () => debOf(control, { "./boot/vmlinuz-6.9.1-test": image }, ""),
      "",
      ["debian/-/x86_64/6.9.1-test f!boot/vmlinuz-6.9.1-test"],
    ],
    [
      "an .rpm",
      () =>
        rpmOf(
          { 1001: "6.9.1", 1002: "1.fc40", 1011: "Fedora Project", 1022: "x86_64" },
          { "./lib/modules/6.9.1-test/vmlinuz": image, "./lib/modules/6.9.1-test/.vmlinuz.hmac": "x" },
        ),
      "",
      ["fedora/40/x86_64/6.9.1-test f!lib/modules/6.9.1-test/vmlinuz"],
    ],
    ["a cpio archive", () => cpioOf({ "boot/vmlinuz": image }), "", [`${known} f!boot/vmlinuz`]],
  ])("reads %s", async (_, make, path, lines) => {
    expect(await read(await make(), path)).toEqual(lines);
  });

  it.each<[string, () => Promise<Uint8Array> | Uint8Array, string[]]>([
    ["nothing", () => new Uint8Array(), ["no-kernel f: is empty"]],
    ["text", () => Buffer.from("hello\n".repeat(300)), [expect.stringContaining("no-kernel f: holds no BTF")]],
    [
      "cut BTF",
      () => kernelBtf("a").subarray(0, 100),
      [expect.stringContaining("truncated f: BTF header, offset 0x10")],
    ],
    ["a module", () => moduleFile("veth", "6.9.1", split), [expect.stringContaining("module f: a kernel module")]],
    ["a module's BTF", () => split, [expect.stringContaining("module f: a kernel module")]],
    [
      "a module's BTF without strings of its own",
      () => btf([ptr(1)], { base: parseBtf(kernelBtf("a")) }),
      [expect.stringContaining("module f: a kernel module")],
    ],
    ["a tar without a kernel", () => tarOf({ a: "text", b: "" }), ["no-kernel f: the archive has no kernel's BTF"]],
    [
      "a .deb without a kernel",
      () => debOf(control, { "./usr/share/doc/x": "text" }),
      [expect.stringContaining("the package has no kernel image")],
    ],
    [
      "a .deb whose kernel has no BTF",
      () => debOf(control, { "./boot/vmlinuz-1": bzImage(gzipSync("x".repeat(2000)), null) }),
      ["missing-btf f!boot/vmlinuz-1: the kernel has no BTF: was it built with CONFIG_DEBUG_INFO_BTF?"],
    ],
    ["a .deb of another kind", () => arOf({ "x.o": "object" }), ["bad-archive f: ar archive: not a Debian package"]],
    [
      "a damaged member, then a sound one",
      () => tarOf({ "1.0.btf": kernelBtf("a").subarray(0, 90), "2.0.btf": kernelBtf("b") }),
      [expect.stringContaining("truncated f!1.0.btf: "), "-/-/-/2.0 f!2.0.btf"],
    ],
    [
      "a member without BTF whose name promises it, alone of others",
      () =>
        tarOf({
          "1.0.btf.tar.xz": "",
          "1.1.btf": "text",
          "1.2.btf.txt": "text",
          README: "",
          "2.0.btf": kernelBtf("b"),
        }),
      [
        "no-kernel f!1.0.btf.tar.xz: is empty",
        expect.stringContaining("no-kernel f!1.1.btf: holds no BTF"),
        "-/-/-/2.0 f!2.0.btf",
      ],
    ],
    [
      "links in a tar whose names promise BTF",
      () =>
        tarOf(
          { "1.0.btf": kernelBtf("a") },
          {
            "2.0.btf": { type: "link", linkname: "1.0.btf" },
            "3.0.btf.tar.xz": { type: "symlink", linkname: "../x" },
            "4.0.btf": { type: "fifo" },
            README: { type: "symlink", linkname: "x" },
          },
        ),
      [
        "-/-/-/1.0 f!1.0.btf",
        "no-kernel f!2.0.btf: a hard link to 1.0.btf, which is not followed (tar --hard-dereference packs the file itself)",
        "no-kernel f!3.0.btf.tar.xz: a symbolic link to ../x, which is not followed (tar --dereference packs the file itself)",
        "no-kernel f!4.0.btf: of a kind that is not read: no plain file",
      ],
    ],
    [
      "a tar of nothing but such a link",
      () => tarOf({}, { "2.0.btf": { type: "symlink", linkname: "1.0.btf" } }),
      [expect.stringContaining("no-kernel f!2.0.btf: a symbolic link to 1.0.btf")],
    ],
    [
      "a link in a cpio archive whose name promises BTF",
      // Links have another mode, and where they lead to as their contents.
      () => Buffer.from(cpioOf({ "1.0.btf": "x" }).toString("latin1").replace("000081a4", "0000a1ff"), "latin1"),
      ["no-kernel f!1.0.btf: a link, which is not followed"],
    ],
    [
      "a sound member, then a cut",
      async () => (await tarOf({ "1.0.btf": kernelBtf("a"), "2.0.btf": kernelBtf("b") })).subarray(0, 4096),
      ["-/-/-/1.0 f!1.0.btf", expect.stringContaining("truncated f")],
    ],
  ])("says what is wrong with %s", async (_, make, lines) => {
    expect(await read(await make())).toEqual(lines);
  });

  it("lets nobody nest archives without end", async () => {
    let bytes: Uint8Array = kernelBtf("a");
    for (let depth = 0; depth < 8; depth++) bytes = gzipSync(bytes);
    expect(await read(bytes)).toEqual(["too-large f: archives inside each other, without end"]);
  });

  it("bounds everything that is unpacked", async () => {
    const maxBytes = 100_000;
    const zeros = gzipSync(Buffer.alloc(5_000_000));
    expect(await read(zeros, "", { maxBytes })).toEqual([expect.stringContaining("too-large f")]);
    const flat = zboot(gzipSync(flatKernel("z", "6.9.2")), null);
    expect(await read(flat, "", { maxBytes })).toEqual([expect.stringContaining("too-large f")]);
    const member = await tarOf({ big: Buffer.alloc(200_000) });
    expect(await read(member, "", { maxBytes })).toEqual([expect.stringContaining("too-large f!big")]);
  });

  it("believes the caller before the source", async () => {
    const identity = { id: "mine", versionId: "1", arch: "arm64", release: "9.9" };
    expect(await read(image, "debian/12/x86_64/6.1.btf", { identity })).toEqual(["mine/1/arm64/9.9 f"]);
    expect(await read(image, "", { identity: { id: "mine" } })).toEqual(["mine/-/x86_64/6.9.1-test f"]);
  });

  it("gives a package's modules, and those of a package that has no kernel", async () => {
    const modules = {
      "./lib/modules/6.9.1-test/kernel/b.ko": moduleFile("b_two", "6.9.1-test", split),
      "./lib/modules/6.9.1-test/kernel/a.ko.gz": gzipSync(moduleFile("a_one", "6.9.1-test", split)),
    };
    const options = { modules: true };
    const both = await debOf(control, { "./boot/vmlinuz-6.9.1-test": image, ...modules });
    expect(await read(both, "", options)).toEqual([
      "debian/-/x86_64/6.9.1-test f!boot/vmlinuz-6.9.1-test +a_one +b_two",
    ]);
    expect(await read(await debOf(control, modules), "", options)).toEqual([
      "module b_two of 6.9.1-test f!lib/modules/6.9.1-test/kernel/b.ko",
      "module a_one of 6.9.1-test f!lib/modules/6.9.1-test/kernel/a.ko.gz",
    ]);
  });

  it("lets go of what is around a BTF: a package's modules are a tenth BTF", async () => {
    const files = {
      "./boot/vmlinuz-6.9.1-test": image,
      "./lib/modules/6.9.1-test/kernel/a.ko": moduleFile("a", "6.9.1-test", split),
      "./lib/modules/6.9.1-test/kernel/b.ko.gz": gzipSync(moduleFile("b", "6.9.1-test", split)),
    };
    let seen = 0;
    for (const bytes of [await debOf(control, files), await tarOf(files), cpioOf(files), Buffer.from(elf)]) {
      for await (const item of kernelsOfBytes(bytes, "f", "", { modules: true })) {
        if (isProblem(item)) throw new Error(item.problem);
        for (const { bytes: btf } of "module" in item ? [item.btf] : [item.btf, ...item.modules]) {
          expect(btf.buffer.byteLength).toBe(btf.byteLength);
          seen++;
        }
      }
    }
    expect(seen).toBe(10);
  });

  it("finds a .deb's image damaged by its sum", async () => {
    const files = { "./boot/vmlinuz-6.9.1-test": image, "./other": "x".repeat(100) };
    const wrong = await debOf(control, files, `${"0".repeat(32)}  boot/vmlinuz-6.9.1-test\n`);
    expect(await read(wrong)).toEqual([expect.stringContaining("bad-archive f!boot/vmlinuz-6.9.1-test")]);
  });
});

describe("readKernels", () => {
  it("reads a directory in order and goes on after what is damaged", async () => {
    put("corpus/b/6.2.0.btf", kernelBtf("b"));
    put("corpus/a/6.1.0.btf", kernelBtf("a").subarray(0, 50));
    put("corpus/README", "text");
    const lines: string[] = [];
    for await (const item of readKernels(join(directory, "corpus"))) lines.push(line(item));
    expect(lines).toEqual([
      expect.stringContaining(`no-kernel ${directory}/corpus/README`),
      expect.stringContaining(`truncated ${directory}/corpus/a/6.1.0.btf`),
      `-/-/-/6.2.0 ${directory}/corpus/b/6.2.0.btf`,
    ]);
  });

  it("gives up on what has no end", async () => {
    const items: string[] = [];
    for await (const item of readKernels("/dev/zero", { maxBytes: 1 << 20 })) items.push(line(item));
    expect(items).toEqual(["too-large /dev/zero: goes on after 1048576 bytes"]);
  });

  it("says when there is nothing", async () => {
    const lines: string[] = [];
    for await (const item of readKernels(join(directory, "none"))) lines.push(line(item));
    expect(lines).toEqual([`unreadable ${directory}/none: no such file or directory`]);
  });
});
