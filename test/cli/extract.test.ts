import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { debOf, tarOf } from "../corpus/containers.ts";
import { bzImage, kernelBtf, moduleFile, vmlinux } from "../corpus/kernels.ts";
import { KERNEL_6_1, kernelSample, THOROUGH } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const samples = join(import.meta.dirname, "../../corpus/samples");
const split = readFileSync(join(import.meta.dirname, "../fixtures/defects/08-split-btf/target.btf"));
const image = bzImage(gzipSync(vmlinux("elf", "6.9.1+deb13-test")), null);
const control = "Package: linux-image-6.9.1+deb13-test\nArchitecture: amd64\nMaintainer: Debian Kernel Team\n";
const files = (at: string) =>
  existsSync(at)
    ? readdirSync(at, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1))
        .sort()
    : [];
let count = 0;
const fresh = () => join(directory, `out-${count++}`);

describe("extract", () => {
  it("writes the BTF of a package, raw", async () => {
    const deb = put("a.deb", await debOf(control, { "./boot/vmlinuz-6.9.1+deb13-test": image }));
    const out = fresh();
    const { stdout, stderr, code } = await runText(["extract", deb, "-o", out]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toContain("6.9.1+deb13-test.btf  debian/13/x86_64/6.9.1+deb13-test");
    expect(files(out)).toEqual(["6.9.1+deb13-test.btf"]);
    expect(Buffer.compare(readFileSync(join(out, "6.9.1+deb13-test.btf")), kernelBtf("elf"))).toBe(0);
  });

  it("goes to BTFHub's tree and back without a change", async () => {
    const tree = fresh();
    const raw = fresh();
    const source = put("btfhub/debian/12/x86_64/6.1.0.btf", kernelBtf("there and back"));
    expect((await runText(["extract", join(directory, "btfhub"), "-o", tree, "--layout", "btfhub"])).code).toBe(0);
    expect(files(tree)).toEqual(["debian/12/x86_64/6.1.0.btf.tar.xz"]);
    const { stdout, code } = await runText(["extract", tree, "-o", raw, "--json"]);
    expect(code).toBe(0);
    const [file] = JSON.parse(stdout).files;
    expect(Buffer.compare(readFileSync(join(raw, file.file)), readFileSync(source))).toBe(0);
  });

  // Four megabytes take xz seconds.
  it.runIf(THOROUGH)("does so with a whole kernel", async () => {
    const tree = fresh();
    const raw = fresh();
    const source = join(samples, `${KERNEL_6_1}.btf.tar.xz`);
    expect((await runText(["extract", source, "-o", tree, "--layout", "btfhub"])).code).toBe(0);
    expect(files(tree)).toEqual([`${KERNEL_6_1}.btf.tar.xz`]);
    const { stdout, code } = await runText(["extract", tree, "-o", raw, "--json"]);
    expect(code).toBe(0);
    const [file] = JSON.parse(stdout).files;
    expect(file).toMatchObject({ identity: { id: "debian", versionId: "12", arch: "x86_64" }, bytes: 4119994 });
    const { bytes } = kernelSample(KERNEL_6_1);
    expect(Buffer.compare(readFileSync(join(raw, file.file)), bytes)).toBe(0);
  });

  it("reads standard input, and takes what is said about it", async () => {
    const out = fresh();
    const args = ["extract", "-", "-o", out, "--layout", "btfhub", "--id", "debian", "--version-id", "12"];
    const half = await runText(args, { stdin: kernelBtf("a") });
    expect({ code: half.code, stdout: half.stdout }).toEqual({ code: 2, stdout: "" });
    expect(half.stderr).toContain("which kernel this is, is not known: pass --arch, --release");
    const whole = await runText([...args, "--arch", "aarch64", "--release", "6.1.0"], { stdin: kernelBtf("a") });
    expect(whole.code).toBe(0);
    expect(files(out)).toEqual(["debian/12/arm64/6.1.0.btf.tar.xz"]);
  });

  it("goes on after what is damaged, and says so", async () => {
    const corpus = join(directory, "corpus");
    put("corpus/debian/12/x86_64/6.1.0.btf", kernelBtf("a"));
    put("corpus/debian/12/x86_64/6.2.0.btf", kernelBtf("b").subarray(0, 300));
    put(
      "corpus/debian/12/x86_64/6.3.0.btf.tar.gz",
      gzipSync(await tarOf({ "6.3.0.btf": kernelBtf("c") })).subarray(0, 90),
    );
    put("corpus/README.md", "text");
    symlinkSync("..", join(corpus, "loop"));
    const out = fresh();
    const { stdout, stderr, code } = await runText(["extract", corpus, "-o", out, "--layout", "btfhub"]);
    expect(code).toBe(1);
    expect(stdout.split("\n").length).toBe(3);
    expect(stderr).toContain("6.2.0.btf: BTF header, offset 0x10");
    expect(stderr).toContain("6.3.0.btf.tar.gz: gzip: the data ends early");
    expect(stderr).toContain("1 file without a kernel passed over");
    expect(files(out)).toEqual(["debian/12/x86_64/6.1.0.btf.tar.xz"]);
  });

  it("checks what it writes in whole", async () => {
    const broken = Buffer.from(kernelBtf("a"));
    broken.fill(0xff, 40, 60);
    const out = fresh();
    const { code, stderr } = await runText(["extract", put("6.1.0.btf", broken), "-o", out]);
    expect(code).toBe(2);
    expect(stderr).toContain("6.1.0.btf: BTF types");
    expect(files(out)).toEqual([]);
  });

  it("writes modules beside their kernel when asked", async () => {
    const modules = {
      "./boot/vmlinuz-6.9.1+deb13-test": image,
      "./lib/modules/6.9.1+deb13-test/veth.ko": moduleFile("veth", "6.9.1+deb13-test", split),
    };
    const deb = put("m.deb", await debOf(control, modules));
    const out = fresh();
    expect((await runText(["extract", deb, "-o", out, "--modules"])).code).toBe(0);
    expect(files(out)).toEqual(["6.9.1+deb13-test.btf", "6.9.1+deb13-test.modules/veth.btf"]);
  });

  it("lets no name lead out of the directory", async () => {
    const tar = await tarOf({ "../../../6.1.0.btf": kernelBtf("a"), "/x/6.2.0.btf": kernelBtf("b") });
    const out = join(fresh(), "deep");
    expect((await runText(["extract", put("evil.tar", tar), "-o", out])).code).toBe(0);
    expect(files(out)).toEqual(["6.1.0.btf", "6.2.0.btf"]);
    const evil = bzImage(gzipSync(vmlinux("elf", "6.9/../../../../escaped")), null);
    const { code, stderr } = await runText(["extract", put("evil", evil), "-o", out]);
    expect(code).toBe(2);
    expect(stderr).toContain("cannot be a file's");
    const options = ["--release", "../up"];
    expect((await runText(["extract", put("good", image), "-o", out, ...options])).code).toBe(2);
    expect(existsSync(join(directory, "escaped.btf"))).toBe(false);
  });

  it("does not write one kernel over another of its name", async () => {
    const tar = await tarOf({
      "a/6.1.0.btf": kernelBtf("a"),
      "b/6.1.0.btf": kernelBtf("b"),
      "c/6.1.0.btf": kernelBtf("a"),
    });
    const out = fresh();
    const { code, stderr } = await runText(["extract", put("two.tar", tar), "-o", out]);
    expect(code).toBe(1);
    expect(stderr).toContain("b/6.1.0.btf: another kernel with other BTF is 6.1.0.btf already");
    expect(Buffer.compare(readFileSync(join(out, "6.1.0.btf")), kernelBtf("a"))).toBe(0);
  });

  it("does not write one module over another of its name, nor one whose name is none", async () => {
    const other = Buffer.from(split);
    other[other.length - 2] = 0x7a;
    const ko = (bytes: Uint8Array, name = "veth") => moduleFile(name, "6.9.1", bytes);
    const tar = await tarOf({ "a.ko": ko(split), "b.ko": ko(other), "c.ko": ko(split), "d.ko": ko(split, "../up") });
    const out = fresh();
    const args = ["extract", put("modules.tar", tar), "-o", out, "--modules"];
    const { code, stderr, stdout } = await runText([...args, "--json"]);
    expect(code).toBe(1);
    expect(stderr).toContain("b.ko: another module with other BTF is 6.9.1.modules/veth.btf already");
    expect(stderr).toContain("d.ko: a module's name is no name");
    expect(JSON.parse(stdout).files.map(({ origin }: { origin: string }) => origin.replace(/.*!/, ""))).toEqual([
      "a.ko",
      "c.ko",
    ]);
    expect(Buffer.compare(readFileSync(join(out, "6.9.1.modules/veth.btf")), split)).toBe(0);
  });

  it("does not write a kernel's module over another of its name", async () => {
    const other = Buffer.from(split);
    other[other.length - 2] = 0x7a;
    const package_ = (bytes: Uint8Array) =>
      debOf(control, {
        "./boot/vmlinuz-6.9.1+deb13-test": image,
        "./lib/modules/6.9.1+deb13-test/veth.ko": moduleFile("veth", "6.9.1+deb13-test", bytes),
        "./lib/modules/6.9.1+deb13-test/up.ko": moduleFile("../up", "6.9.1+deb13-test", bytes),
      });
    const out = fresh();
    const sources = [put("one.deb", await package_(split)), put("two.deb", await package_(other))];
    const { code, stderr, stdout } = await runText(["extract", ...sources, "-o", out, "--modules", "--json"]);
    expect(code).toBe(1);
    expect(stderr).toContain("another module with other BTF is 6.9.1+deb13-test.modules/veth.btf already");
    expect(stderr).toContain("a module's name is no name");
    expect(JSON.parse(stdout).files.map(({ modules }: { modules: number }) => modules)).toEqual([1, 0]);
    expect(Buffer.compare(readFileSync(join(out, "6.9.1+deb13-test.modules/veth.btf")), split)).toBe(0);
  });

  it("names what promises BTF in a directory, and passes over what does not", async () => {
    const corpus = join(directory, "promises");
    put("promises/6.1.0.btf", kernelBtf("a"));
    put("promises/6.2.0.btf.tar.xz", "");
    put("promises/6.1.0.btf.tar.xz.sha256", "0123");
    put("promises/veth.btf", split);
    const { code, stderr } = await runText(["extract", corpus, "-o", fresh()]);
    expect(code).toBe(1);
    expect(stderr).toContain("6.2.0.btf.tar.xz: is empty");
    expect(stderr).toContain("2 files without a kernel passed over");
  });

  it.each<[string, () => string[], string]>([
    ["a missing file", () => [join(directory, "nothing"), "-o", fresh()], "nothing: no such file or directory"],
    ["text", () => [put("text", "hello"), "-o", fresh()], "text: holds no BTF"],
    ["an empty directory", () => [emptied(), "-o", fresh()], ": no kernel's BTF was found in it"],
    [
      "a bomb",
      () => [put("bomb.gz", gzipSync(Buffer.alloc(3 << 20))), "-o", fresh(), "--max-size", "2"],
      "more than 2097152 bytes",
    ],
    ["a size of nothing", () => [put("text", "hello"), "-o", fresh(), "--max-size", "0"], "--max-size takes a number"],
  ])("refuses %s", async (_, args, message) => {
    const { stdout, stderr, code } = await runText(["extract", ...args()]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("internal error");
  });
});

function emptied(): string {
  const path = join(directory, "empty");
  mkdirSync(path, { recursive: true });
  return path;
}
