import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { typeCount } from "../../lib/btf/view.ts";
import { SHT_PROGBITS } from "../../lib/elf/format.ts";
import { elfImage } from "../elf/builder.ts";
import { KERNEL_OF_MODULES, kernelSample } from "../samples.ts";
import { runText } from "./run.ts";
import { tar, workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const object = `${fixtures}objects/exec.o`;
const small = readFileSync(`${fixtures}defects/01-two-types-of-one-name/target.btf`);
const other = readFileSync(`${fixtures}defects/09-stops-at-first-error/target.btf`);
const EM_X86_64 = 62;
const { directory, put } = workspace();

describe("a BTF argument", () => {
  const raw = put("raw.btf", small);

  it("is judged by its content, not its name", async () => {
    const expected = await runText(["dump", raw]);
    expect(expected.stdout).toContain("getdents_callback");
    const plain = await tar({ "./README": Buffer.from("no BTF"), "k/6.1.btf": small });
    const forms = {
      "gzip.btf": gzipSync(small),
      "plain.tar.xz": plain,
      "x.gz": gzipSync(plain),
      "no suffix": small,
    };
    for (const [name, bytes] of Object.entries(forms)) {
      expect(await runText(["dump", put(name, bytes)]), name).toEqual(expected);
    }
    expect(await runText(["dump", "-"], { stdin: small })).toEqual(expected);
    expect(await runText(["dump", "-"], { stdin: gzipSync(plain) })).toEqual(expected);
    const elf = await runText(["dump", object, "--name", "task_struct"]);
    expect(elf.stdout).toContain("STRUCT 'task_struct'");
  });

  const two = async () => put("two.tar", await tar({ "a.btf": small, "b.btf": other, "c.txt": small }));
  it.each<[string, () => string | Promise<string>, string]>([
    ["empty", () => put("empty", ""), "is empty"],
    [
      "text",
      () => put("text", "hello\n".repeat(100)),
      "holds no BTF: not raw BTF, an ELF file, a kernel image, a package",
    ],
    ["two .btf files", two, "one kernel is expected, it has a.btf, b.btf"],
    [
      "no .btf file",
      async () => put("none.tar", await tar({ "a.txt": Buffer.from("text") })),
      "the archive has no kernel's BTF",
    ],
    [
      "no BTF in it",
      async () => put("no.tar", await tar({ "a.btf": Buffer.from("no") })),
      "no kernel's BTF was found in it",
    ],
    ["cut gzip", () => put("cut.gz", gzipSync(small).subarray(0, 40)), "gzip: the data ends early"],
    ["cut tar", async () => put("cut.tar", (await tar({ "a.btf": small })).subarray(0, 700)), "the tar ends early"],
    ["xz that is none", () => put("bad.xz", Buffer.from("fd377a585a000004e6d6b446", "hex")), "xz: the data ends early"],
    ["cut BTF", () => put("cut.btf", small.subarray(0, 60)), "BTF header, offset 0x10: strings at"],
    ["split BTF alone", () => `${fixtures}defects/08-split-btf/target.btf`, "split BTF, which needs its base"],
    ["a directory of many", () => fixtures, "one kernel is expected, it has "],
    ["no file", () => join(directory, "nothing"), "no such file or directory"],
    ["a BPF object without BTF", () => `${fixtures}objects/no_btf.o`, "a BPF object without types (.BTF)"],
    ["ELF without BTF", () => put("plain", elfImage([], { machine: EM_X86_64 })), "no .BTF section"],
  ])("%s is refused in one line", async (_, make, reason) => {
    const path = await make();
    const { stdout, stderr, code } = await runText(["dump", path]);
    expect(stderr).toContain(`btfgen: ${path}`);
    expect(stderr).toContain(reason);
    expect(stderr.split("\n")).toHaveLength(stderr.includes("\nName one of them: ") ? 3 : 2);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });

  it("of several kernels says how to name one, which then is taken", async () => {
    const kernels = { "debian/12/x86_64/6.1.btf": small, "debian/12/x86_64/6.2.btf": other };
    const archive = put("several.tar", await tar(kernels));
    for (const [name, bytes] of Object.entries(kernels)) put(`several/${name}`, bytes);
    for (const path of [archive, join(directory, "several")]) {
      const { stderr, code } = await runText(["dump", path]);
      const [, quote, named = ""] = /\nName one of them: ('?)(.+)\1\n$/.exec(stderr) ?? [];
      // bash takes a ! for one of its own, in double quotes too.
      expect(quote).toBe(named.includes("!") ? "'" : "");
      expect({ code, named }).toEqual({ code: 2, named: expect.stringMatching(/[!/]debian\/12\/x86_64\/6\.1\.btf$/) });
      expect((await runText(["dump", named])).stdout).toContain("getdents_callback");
    }
  });
});

describe("a module with a distilled base", () => {
  const distilled = fileURLToPath(new URL("../golden/distilled/", import.meta.url));
  const section = (name: string, file: string) => ({
    name,
    type: SHT_PROGBITS,
    data: readFileSync(`${distilled}${file}`),
  });
  const module = put(
    "nf_conntrack.ko",
    elfImage([section(".BTF", "nf_conntrack.split.btf"), section(".BTF.base", "nf_conntrack.base.btf")], {
      machine: EM_X86_64,
    }),
  );

  it("is read behind that base, or moved to the kernel's", async () => {
    const { path, bytes } = kernelSample(KERNEL_OF_MODULES);
    const firstLine = ({ stdout }: { stdout: string }) => stdout.slice(0, stdout.indexOf("\n"));
    const alone = firstLine(await runText(["dump", module]));
    const moved = firstLine(await runText(["dump", module, "--base", path]));
    expect(alone).toMatch(/^\[72\] STRUCT 'rcuwait' /);
    expect(moved).toBe(alone.replace("[72]", `[${typeCount(parseBtf(bytes))}]`));
    const { stdout } = await runText(["relocs", `${fixtures}objects/modules.o`, "-t", path, "-m", module]);
    expect(stdout).toMatch(/nf_conntrack_l4proto\.allow_clash .* 1 \(in nf_conntrack\.ko\)\n/);
  });

  it.each([
    ["relocs", object, "-t", module, "-m", module],
    ["relocs", object, "-t", module],
    ["dump", module, "--base", module],
    ["minimize", module, object, "-o", "out.btf"],
  ])("is no kernel: %s", async (...args) => {
    const { stdout, stderr, code } = await runText(args, { cwd: directory });
    expect({ stdout, stderr, code }).toEqual({
      stdout: "",
      stderr: `btfgen: ${module}: a kernel module, not a kernel\n`,
      code: 2,
    });
  });
});

describe("a BPF object where a kernel is wanted", () => {
  const kernel = put("kernel.btf", small);
  const elf = put("vmlinux", elfImage([{ name: ".BTF", type: SHT_PROGBITS, data: small }], { machine: EM_X86_64 }));
  const module = `${fixtures}defects/08-split-btf/target.btf`;
  const refused = [
    ["minimize", object, kernel, "-o", "out.btf"],
    ["minimize", "--base", object, module, "--object", object, "-o", "out"],
    ["min_core_btf", object, "out.btf", object],
    ["verify", object, object, "--full", kernel],
    ["verify", kernel, object, "--full", object],
    ["relocs", object, "--target", object],
    ["model", object, "--object", object],
    ["prepare", object, "--target", object],
    ["relocate", object, "--target", object, "-o", "out.o"],
    ["loader", object, "--target", object, "-o", "out.loader"],
    ["lint", module, "--base", object],
    ["dump", module, "--base", object],
    ["diff", kernel, object, "--object", object],
    ["diff", module, module, "--old-base", kernel, "--new-base", object],
  ];
  it.each(refused)("is refused: %s %s %s %s", async (...args) => {
    const { stdout, stderr, code } = await runText(args, { cwd: directory });
    expect(stderr).toBe(`btfgen: ${object}: a BPF object, not a kernel\nAre the kernel and the object swapped?\n`);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });

  it.each([
    ["minimize", kernel, object, "--module", object, "-o", "out"],
    ["relocs", object, "--target", kernel, "--module", object],
    ["verify", kernel, object, "--full", kernel, "--small-module", object],
  ])("is no module either: %s", async (...args) => {
    const { stdout, stderr, code } = await runText(args, { cwd: directory });
    expect({ stdout, stderr, code }).toEqual({
      stdout: "",
      stderr: `btfgen: ${object}: a BPF object, not a kernel module\n`,
      code: 2,
    });
  });

  it("is said to be packed where it is", async () => {
    const packed = put("packed.o.gz", gzipSync(readFileSync(object)));
    const unpack = "Objects are read as they are: unpack it first.\n";
    for (const [args, words] of [
      [["dump", packed], "a BPF object, not a kernel"],
      [["relocs", packed, "--target", kernel], "no BPF object is in it"],
    ] as const) {
      const { stderr, code } = await runText(args);
      expect({ stderr, code }).toEqual({ stderr: `btfgen: ${packed}: ${words}\n${unpack}`, code: 2 });
    }
  });

  it.each([
    ["dump", object],
    ["lint", `${fixtures}objects/linked.o`],
    ["diff", object, object],
  ])("is welcome where any types are: %s", async (...args) => {
    expect(await runText(args)).toMatchObject({ code: 0 });
  });

  it.each([
    ["raw BTF", kernel],
    ["an ELF file with BTF", elf],
  ])("has %s for a counterpart where an object is wanted", async (_, path) => {
    const { stdout, stderr, code } = await runText(["relocs", path, "--target", object]);
    expect(stderr).toBe(
      `btfgen: ${path}: BTF of a kernel or module, not a BPF object\nAre the kernel and the object swapped?\n`,
    );
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });
});

describe("a kernel where --target is forgotten", () => {
  const raw = put("forgotten.btf", small);
  const packed = put("forgotten.btf.gz", gzipSync(small));
  it.each([
    ["relocs", object],
    ["prepare", object],
    ["loader", "-o", "out.loader"],
  ])("is told where it goes: %s", async (...args) => {
    for (const [kernel, words] of [
      [raw, "BTF of a kernel or module, not a BPF object\nA kernel goes behind --target.\n"],
      [packed, "no BPF object is in it\nA kernel goes behind --target; an object must be unpacked first.\n"],
    ] as const) {
      const { stdout, stderr, code } = await runText([...args, kernel], { cwd: directory });
      expect({ stdout, stderr, code }).toEqual({ stdout: "", stderr: `btfgen: ${kernel}: ${words}`, code: 2 });
    }
  });

  it("is asked for by relocate, which cannot do without", async () => {
    const { stderr, code } = await runText(["relocate", object, raw, "-o", "out.o"], { cwd: directory });
    expect({ stderr, code }).toEqual({
      stderr: "btfgen: relocate needs --target FILE\nSee btfgen relocate --help.\n",
      code: 2,
    });
  });
});

it("says what it means where the running kernel has no BTF", async () => {
  const path = "/sys/kernel/btf/no_such_module";
  const { stderr, code } = await runText(["dump", path]);
  expect(stderr).toBe(
    `btfgen: ${path}: no such file or directory\n` +
      "The running kernel was built without CONFIG_DEBUG_INFO_BTF (or, for a module, has not loaded it): " +
      "BTFHub may have its BTF.\n",
  );
  expect(code).toBe(2);
});

describe("a module", () => {
  const base = put("base.btf", small);
  const split = readFileSync(`${fixtures}defects/08-split-btf/target.btf`);
  const refusal = async (...args: string[]) => {
    const { stderr, code } = await runText(["relocs", object, ...args]);
    expect(code).toBe(2);
    return stderr;
  };

  it.each([
    ["relocs", object, "-t", base, "-m", base],
    ["dump", base, "--base", base],
    ["lint", base, "--base", base],
    ["diff", base, base, "--old-base", base, "--new-base", base],
    ["verify", base, object, "--full", base, "--small-module", base],
    ["minimize", base, "--base", base, "--object", object, "-o", "out"],
  ])("is no kernel: %s", async (...args) => {
    const { stderr, code } = await runText(args, { cwd: directory });
    expect({ stderr, code }).toEqual({ stderr: `btfgen: ${base}: a kernel, not a kernel module\n`, code: 2 });
  });

  it("is of one kernel", async () => {
    // A name behind the end of this kernel's strings and the module's own.
    const foreign = Buffer.from(split);
    foreign.writeUInt32LE(0xffffff, foreign.readUInt32LE(4));
    const module = put("module.btf", foreign);
    const stderr = await refusal("-t", base, "-m", module);
    expect(stderr).toMatch(/^btfgen: .*module\.btf: BTF [^\n]*\nIs it of that kernel, .*base\.btf\?\n$/);
  });

  it("is not alone in an archive of modules", async () => {
    const modules = put("modules.tar", await tar({ "a.btf": split, "b.btf": split }));
    expect(await refusal("-t", modules)).toBe(`btfgen: ${modules}: has modules, and not the kernel that they are of\n`);
  });
});

describe("an OBJECT argument", () => {
  const program = put("tree/b/program", Buffer.concat([Buffer.from("MZ something"), readFileSync(object)]));
  put("tree/a.o", readFileSync(`${fixtures}objects/enums.o`));
  put("tree/z.txt", "no object");
  put("tree/b/empty", "");
  symlinkSync("..", join(directory, "tree/b/up"));
  symlinkSync("nowhere", join(directory, "tree/b/dangling"));
  symlinkSync("loop", join(directory, "tree/b/loop"));
  symlinkSync("../a.o", join(directory, "tree/b/link.o"));

  it("may be a directory: every object below it, in the order of names", async () => {
    const { stdout, stderr, code } = await runText(["relocs", "tree", "--json"], { cwd: directory });
    const { objects, summary } = JSON.parse(stdout);
    const names = objects.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["tree/a.o", "tree/b/link.o", "tree/b/program#exec"]);
    expect(summary).toMatchObject({ objects: 3, filesWithoutObjects: 2, objectsWithoutRelocations: 0 });
    expect(stderr).toContain("btfgen: 3 objects, 2 files without an object\n");
    expect(code).toBe(0);
  });

  it("may be a program that has objects embedded, or standard input", async () => {
    const embedded = JSON.parse((await runText(["relocs", program, "--json"])).stdout);
    expect(embedded.objects).toMatchObject([{ name: `${program}#exec`, relocations: 16 }]);
    const named = JSON.parse((await runText(["relocs", `${program}#exec`, "--json"])).stdout);
    expect(named).toEqual(embedded);
    const piped = JSON.parse((await runText(["relocs", "-", "--json"], { stdin: readFileSync(object) })).stdout);
    expect(piped.objects).toMatchObject([{ name: "(standard input)", relocations: 16 }]);
  });

  it.each([
    ["minimize", (path: string) => ["minimize", "raw.btf", path, "-o", "out.btf"]],
    ["batch", (path: string) => ["batch", "raw.btf", "--object", path, "-o", "out", "--no-cache"]],
    ["compat", (path: string) => ["compat", path, "-c", "raw.btf"]],
    ["diff", (path: string) => ["diff", "raw.btf", "raw.btf", "--object", path]],
  ])("of %s is for no architecture that there is not", async (_, args) => {
    const { stderr, code } = await runText(args("aarch46=tree/a.o"), { cwd: directory });
    const words = "aarch46=tree/a.o: aarch46 is no architecture\nDid you mean aarch64?\n";
    expect({ stderr, code }).toEqual({ stderr: `btfgen: ${words}`, code: 2 });
    put("x=y.o", readFileSync(object));
    expect((await runText(args("x=y.o"), { cwd: directory })).stderr).not.toContain("architecture");
  });

  mkdirSync(join(directory, "bare"));
  it.each([
    ["a file without one", "tree/z.txt", "tree/z.txt: no BPF object is in it"],
    ["an empty file", "tree/b/empty", "tree/b/empty: no BPF object is in it"],
    ["an empty directory", "bare", "bare: no file below it holds a BPF object"],
    ["no file", "nothing.o", "nothing.o: no such file or directory"],
    [
      "an object that is not in the program",
      "tree/b/program#open",
      "tree/b/program: no BPF object of the name open is in it",
    ],
    ["an object in no file", "nothing#open", "nothing: no such file or directory"],
  ])("%s is refused", async (_, path, reason) => {
    const run = await runText(["relocs", object, path], { cwd: directory });
    expect(run).toEqual({ stdout: "", stderr: `btfgen: ${reason}\n`, code: 2, signal: null });
  });

  it("that is damaged is refused in one line, in a directory too", async () => {
    const bytes = Buffer.from(readFileSync(object));
    // The header length of .BTF.ext.
    const ext = bytes.lastIndexOf(Buffer.from("9feb010020000000", "hex"));
    bytes.writeUInt32LE(0xffff, ext + 4);
    const path = put("damaged/x.o", bytes);
    for (const argument of [path, join(directory, "damaged")]) {
      const { stdout, stderr, code } = await runText(["relocs", argument]);
      expect(stderr).toMatch(/^btfgen: .*x\.o: \.BTF\.ext, offset 0x4: header length 65535[^\n]*\n$/);
      expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    }
  });
});
