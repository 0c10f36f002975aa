import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { MinimizeReport } from "../../cli/minimize/report.ts";
import { hasErrors, lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { typeCount } from "../../lib/btf/view.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { run, runText } from "./run.ts";
import { tar, workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const fixture = (name: string) => `${fixtures}objects/${name}.o`;
const exec = fixture("exec");
const { directory, put } = workspace();
const out = (name: string) => join(directory, name);
const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));

let kernel = "";
let other = "";
let big = "";
let modules: readonly { name: string; path: string }[] = [];
beforeAll(async () => {
  kernel = kernelSample(KERNEL_6_1).path;
  other = kernelSample(KERNEL_OF_MODULES).path;
  big = kernelSample(KERNEL_BIG_ENDIAN).path;
  modules = moduleSamples();
});

/** Runs `minimize` with --json. */
async function minimized(...args: string[]): Promise<MinimizeReport & { code: number; stderr: string }> {
  const { stdout, stderr, code } = await runText(["minimize", ...args, "--json"]);
  return { ...JSON.parse(stdout), code, stderr };
}

describe("minimize", () => {
  it("writes small BTF that is well formed, and says that it is proved", async () => {
    const path = out("small.btf");
    const { stdout, stderr, code } = await runText(["minimize", kernel, exec, "-o", path]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toMatch(/^proved +16 pairs of relocation and candidate have the same outcome under libbpf and/m);
    const bytes = readFileSync(path);
    expect(stdout).toContain(`written      ${path} (${bytes.length} bytes)`);
    expect(bytes.length).toBeLessThan(1000);
    expect(hasErrors(lintBtf(bytes))).toBe(false);
    expect(readdirSync(directory).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("reports in JSON what it says in text", async () => {
    const path = out("json.btf");
    const { durationMs, ...report } = await minimized(kernel, exec, fixture("no_core"), "-o", path);
    const { size } = statSync(path);
    expect(durationMs).toBeGreaterThan(0);
    expect(report).toMatchObject({
      code: 0,
      kernel: { source: kernel, modules: [], byteOrder: "little" },
      objects: [
        { name: exec, byteOrder: "little", programs: 1, relocations: 16, byStatus: { resolved: 16 } },
        { name: fixture("no_core"), relocations: 0, byStatus: {} },
      ],
      types: {
        before: typeCount(parseBtf(readFileSync(kernel))) - 1,
        after: typeCount(parseBtf(readFileSync(path))) - 1,
      },
      bytes: { before: statSync(kernel).size, after: size },
      relocations: { total: 16, byStatus: { resolved: 16 } },
      proof: { holds: true, loaders: ["libbpf", "kernel"], relocations: 16, pairs: 16, differences: [], malformed: [] },
      strict: null,
      outputs: [{ source: kernel, path, bytes: size }],
    });
  });

  it("writes to standard output and reads from standard input", async () => {
    const path = out("file.btf");
    await run(["minimize", kernel, exec, "-o", path]);
    const bytes = readFileSync(path);
    const toStdout = await run(["minimize", kernel, exec, "-o", "-"]);
    expect(toStdout.stdout.equals(bytes)).toBe(true);
    expect(toStdout.stderr).toContain("written      standard output");
    const asJson = await run(["minimize", kernel, exec, "-o", "-", "--json"]);
    expect(asJson.stdout.equals(bytes)).toBe(true);
    expect(JSON.parse(asJson.stderr)).toMatchObject({ outputs: [{ path: "-" }] });
    const kernelIn = await run(["minimize", "-", exec, "-o", "-"], { stdin: readFileSync(kernel) });
    expect(kernelIn.stdout.equals(bytes)).toBe(true);
    const objectIn = await run(["minimize", kernel, "-", "-o", "-"], { stdin: readFileSync(exec) });
    expect(objectIn.stdout.equals(bytes)).toBe(true);
  });

  it("serves several objects, a directory of them, and objects inside a program alike", async () => {
    const both = [exec, fixture("lsm_exec")];
    const union = await run(["minimize", kernel, ...both, "-o", "-"]);
    for (const object of both) put(`objects/${object.slice(object.lastIndexOf("/") + 1)}`, readFileSync(object));
    put("objects/README", "no object");
    const fromDirectory = await run(["minimize", kernel, join(directory, "objects"), "-o", "-"]);
    const embedded = await run(["minimize", kernel, `${fixtures}embedded/skeleton`, "-o", "-"]);
    expect(fromDirectory.stdout.equals(union.stdout)).toBe(true);
    expect(embedded.stdout.equals(union.stdout)).toBe(true);
    expect(fromDirectory.stderr).toContain("1 file passed over");
    const one = await run(["minimize", kernel, exec, "-o", "-"]);
    expect(one.stdout.length).toBeLessThan(union.stdout.length);
  });

  it("keeps the byte order of a big-endian kernel, and only warns of objects of the other one", async () => {
    const path = out("big.btf");
    const report = await minimized(big, `${fixtures}objects-be/exec.o`, exec, "-o", path);
    expect(report).toMatchObject({ code: 0, kernel: { byteOrder: "big" } });
    expect(report.stderr).toBe(
      `btfgen: warning: ${exec} is little-endian, the kernel is not: no loader there takes it\n`,
    );
    expect([...readFileSync(path).subarray(0, 2)]).toEqual([0xeb, 0x9f]);
  });

  it("warns of objects tagged for another architecture, where the kernel's is known", async () => {
    const inTree = put("debian/12/x86_64/6.1.btf", readFileSync(kernel));
    const named = put("exec_arm64_bpfel.o", readFileSync(exec));
    const args = ["-o", out("tagged.btf")];
    const warning = (name: string, arch: string) => `btfgen: warning: ${name} is for ${arch}, the kernel is x86_64\n`;
    const report = await minimized(inTree, named, `--object=s390x=${exec}`, ...args);
    expect(report.stderr).toBe(warning(named, "arm64") + warning(exec, "s390x"));
    expect(report).toMatchObject({ code: 0, kernel: { arch: "x86_64" }, objects: [{ arches: ["arm64"] }, {}] });
    expect((await minimized(inTree, `any=${named}`, `x86_64=${exec}`, ...args)).stderr).toBe("");
    expect((await minimized(kernel, named, ...args)).kernel.arch).toBe(kernel.includes("/x86_64/") ? "x86_64" : null);
  });

  it("gives the same bytes however often and in whatever order it is asked", async () => {
    const [first, again, reversed] = await Promise.all([
      run(["minimize", kernel, exec, fixture("enums"), "-o", "-"]),
      run(["minimize", kernel, exec, fixture("enums"), "-o", "-"]),
      run(["minimize", kernel, fixture("enums"), exec, exec, "-o", "-"]),
    ]);
    expect(again.stdout.equals(first.stdout)).toBe(true);
    expect(reversed.stdout.equals(first.stdout)).toBe(true);
  });

  it("writes the file but exits 1 where a loader refuses an object", async () => {
    const path = out("refused.btf");
    const report = await minimized(kernel, fixture("sched_gcc"), "-o", path);
    expect(report).toMatchObject({ code: 1, relocations: { byStatus: { error: 4 } }, outputs: [{ path }] });
    expect(report.unresolved[0]).toMatchObject({ program: "on_exec", instruction: 6, status: "error" });
    expect(existsSync(path)).toBe(true);
  });

  it("says where nothing is asked for", async () => {
    const { stdout, stderr, code } = await runText(["minimize", kernel, fixture("no_core"), "-o", out("none.btf")]);
    expect(stdout).toContain("proved       nothing to compare: no relocation has a candidate; BTF is well formed");
    expect(stderr).toBe("btfgen: warning: no object has a CO-RE relocation, so no type is kept for one\n");
    expect(code).toBe(0);
  });

  it.each([
    [["--keep-names"], "more", true],
    [["--keep-long"], "more", true],
    [["--layout-section"], "more", true],
    [["--padding", "explicit"], "more", true],
    [["--padding", "offsets"], "the same", false],
    [["--keep", "struct sock.sk_mark"], "more", true],
    [["--keep-attach-targets"], "more", true],
    [["--loader", "libbpf"], "the same", false],
    [["--loader", "kernel", "--loader", "libbpf"], "the same", false],
  ])("takes %j, which gives %s bytes", async (options, _word, isMore) => {
    const objects = [exec, fixture("fentry_fexit")];
    const plain = await run(["minimize", kernel, ...objects, "-o", "-"]);
    const { stdout, code } = await run(["minimize", kernel, ...objects, "-o", "-", ...options]);
    expect(code).toBe(0);
    if (isMore) expect(stdout.length).toBeGreaterThan(plain.stdout.length);
    else expect(stdout.equals(plain.stdout)).toBe(true);
  });

  it("says what --keep asks for and the kernel does not have; a finding under --strict", async () => {
    const args = [kernel, exec, "-o", out("keep.btf"), "--keep", "task_struct.no_such"];
    const report = await minimized(...args);
    expect(report).toMatchObject({ code: 0, notKept: [{ what: "task_struct.no_such", required: true }] });
    expect(report.stderr).toContain("warning: task_struct.no_such: not kept, struct task_struct has no member no_such");
    expect(await minimized(...args, "--strict")).toMatchObject({ code: 1 });
  });
});

describe("minimize --strict", () => {
  const args = () => [kernel, fixture("struct_ops"), fixture("types"), "-o", out("strict.btf")];

  it("fails on poisoned relocations and on target_type_id, each being named", async () => {
    const { stdout, stderr, code } = await runText(["minimize", ...args(), "--strict"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /poisoned: .*struct_ops\.o: fixture_undo, insn 1 \(struct_ops\.bpf\.c:76\): byte_off inet_connection_sock\.icsk/,
    );
    expect(stderr).toContain(
      "ids, insn 5 (types.bpf.c:109): target_type_id struct task_struct: the type's id is another",
    );
    expect(stderr).toContain("btfgen: --strict: 7 relocations poisoned or by target_type_id\n");
    expect(await runText(["minimize", ...args()])).toMatchObject({ code: 0 });
  });

  it("says what a check keeps from being reached, and lets it pass", async () => {
    const report = await minimized(kernel, fixture("cgroup"), "-o", out("guarded.btf"), "--strict");
    expect(report).toMatchObject({ code: 0, strict: { refused: 0, allowed: 0 } });
    expect(report.relocations.byStatus).toMatchObject({ guarded: 3 });
    expect(report.unresolved[0]).toMatchObject({
      status: "guarded",
      path: "cgroup___ids.ancestor_ids",
      allowedBy: null,
    });
  });

  it("lets pass what the allow-list names, and says which of its rules let nothing pass", async () => {
    const rules = put("allow", "# known\nstruct_ops.o:*:*\n\n*/types.o:ids:*:target_type_id # meant\nfoo.o:*:a::b\n");
    const { stdout, stderr, code } = await runText(["minimize", ...args(), "--strict", "--allow", rules]);
    expect(code).toBe(0);
    expect(stdout).toContain("inet_connection_sock.icsk_ca_state (allowed): the field is a bitfield there");
    expect(stderr).toBe(`btfgen: warning: ${rules}:5: the rule lets nothing pass: foo.o:*:a::b\n`);
    const report = await minimized(...args(), "--strict", "--allow", rules);
    expect(report.strict).toEqual({
      refused: 0,
      allowed: 7,
      lacking: [],
      unusedRules: [{ line: 5, rule: "foo.o:*:a::b" }],
    });
    expect(report.unresolved[0]?.allowedBy).toBe(2);
    expect(report.typeIds[0]?.allowedBy).toBe(4);
  });

  it("refuses an allow-list that is none", async () => {
    const rules = put("bad-allow", "a:b:c\nexec.o:prog\n");
    const { stderr, code } = await runText(["minimize", ...args(), "--strict", "--allow", rules]);
    expect(stderr).toBe(`btfgen: ${rules}:2: "exec.o:prog" is no rule; it should be object:program:path[:kind]\n`);
    expect(code).toBe(2);
  });
});

describe("minimize with modules", () => {
  const object = fixture("modules");

  it("writes base and modules into a directory, made for one another", async () => {
    const directory = out("modules");
    const paths = modules.map(({ path }) => path);
    const args = ["--base", other, ...paths, "--object", object, "-o", directory];
    const report = await minimized(...args);
    expect(report).toMatchObject({ code: 0, proof: { holds: true, pairs: 25 } });
    const names = ["6.12.117+deb12-amd64", ...modules.map(({ name }) => name)].map((name) => `${name}.btf`);
    expect(readdirSync(directory).sort()).toEqual(names.sort());
    const [base, ...split] = report.outputs.map(({ path }) => ({ bytes: readFileSync(path), source: path }));
    const whole = parseModules(parseBtf(base?.bytes ?? new Uint8Array()), split);
    expect(typeCount(whole) - 1).toBe(report.types.after);
    // The other way to ask for it gives the same.
    const again = await minimized(other, object, ...paths.flatMap((path) => ["-m", path]), "-o", out("again"));
    expect(again.outputs.map(({ bytes }) => bytes)).toEqual(report.outputs.map(({ bytes }) => bytes));
  });

  it("writes one BTF with --flatten", async () => {
    const archive = put(
      "modules.tar",
      await tar(Object.fromEntries(modules.map(({ name, path }) => [`${name}.btf`, readFileSync(path)]))),
    );
    const path = out("flat.btf");
    expect(await minimized(other, object, "-m", archive, "--flatten", "-o", path)).toMatchObject({ code: 0 });
    const flat = parseBtf(readFileSync(path));
    expect(typeCount(flat)).toBeGreaterThan(10);
    const verified = await runText(["verify", path, "--full", other, "--full-module", archive, object]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([
    [() => ["--base", other, modules[0]?.path ?? "", "-o", out("x")], "minimize: no object given"],
    [() => [other, exec, "-m", modules[0]?.path ?? "", "-o", "-"], "which standard output cannot take"],
    [() => [other, exec, "--flatten", "-o", out("x")], "--flatten needs modules"],
    [() => [other, exec, "-m", modules[0]?.path ?? "", "-m", modules[0]?.path ?? "", "-o", out("x")], "would both be"],
    [() => [kernel, exec, "-m", modules[0]?.path ?? "", "-o", out("x")], "btrfs.btf: BTF types, offset"],
  ])("refuses what makes no sense %#", async (args, message) => {
    const { stdout, stderr, code } = await runText(["minimize", ...args()]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("internal error");
    expect(existsSync(out("x"))).toBe(false);
  });
});

describe("minimize on bad input", () => {
  const cut = () => put("cut.btf", readFileSync(kernel).subarray(0, 1_000_000));
  it.each<[string, () => string[], string, number]>([
    ["a kernel that is cut", () => [cut(), exec, "-o", out("bad")], "cut.btf", 2],
    ["an empty kernel", () => [put("empty", ""), exec, "-o", out("bad")], "empty: is empty", 2],
    [
      "an object for a kernel",
      () => [`${fixtures}objects/no_btf.o`, exec, "-o", out("bad")],
      "a BPF object without types (.BTF)",
      2,
    ],
    ["text for a kernel", () => [put("text", "hello"), exec, "-o", out("bad")], "holds no BTF", 2],
    ["a missing kernel", () => [out("nothing"), exec, "-o", out("bad")], "nothing: no such file or directory", 2],
    ["a directory of many kernels", () => [fixtures, exec, "-o", out("bad")], "one kernel is expected", 2],
    [
      "a kernel for an object",
      () => [kernel, kernel, "-o", out("bad")],
      "BTF of a kernel or module, not a BPF object\nAre",
      2,
    ],
    ["an empty object", () => [kernel, put("none.o", ""), "-o", out("bad")], "no BPF object is in it", 2],
    ["a cut object", () => [kernel, put("cut.o", readFileSync(exec).subarray(0, 3000)), "-o", out("bad")], "cut.o", 2],
    ["a missing object", () => [kernel, out("nothing.o"), "-o", out("bad")], "no such file or directory", 2],
    ["no object", () => [kernel, "-o", out("bad")], "minimize: no object given", 2],
    ["no output", () => [kernel, exec], "minimize needs --output FILE", 2],
    ["a missing directory", () => [kernel, exec, "-o", out("no/where")], "there is no directory", 2],
    ["a directory as output", () => [kernel, exec, "-o", directory], "is a directory", 2],
    ["a full device", () => [kernel, exec, "-o", "/dev/full"], "no space left on the device", 3],
    ["standard input twice", () => ["-", "-", "-o", out("bad")], "- is given more than once", 2],
    ["a loader that is none", () => [kernel, exec, "-o", out("bad"), "--loader", "aya"], "aya", 2],
    ["--keep of nothing", () => [kernel, exec, "-o", out("bad"), "--keep", ".x"], "minimize: --keep .x", 2],
    ["--allow alone", () => [kernel, exec, "-o", out("bad"), "--allow", exec], "--allow needs --strict", 2],
  ])("refuses %s in one line", async (_name, args, message, exitCode) => {
    const { stdout, stderr, code } = await runText(["minimize", ...args()]);
    expect({ stdout, code }).toEqual({ stdout: "", code: exitCode });
    expect(stderr).toMatch(/^btfgen: /);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at |internal error/);
    expect(existsSync(out("bad"))).toBe(false);
  });

  it("leaves a file that is there as it was when it fails", async () => {
    const path = put("there.btf", "old");
    expect(await runText(["minimize", cut(), exec, "-o", path])).toMatchObject({ code: 2 });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(await runText(["minimize", kernel, exec, "-o", path])).toMatchObject({ code: 0 });
    expect(readFileSync(path).length).toBeGreaterThan(100);
  });

  it("leaves a file that is there as it was when the disk is full, and nothing half-written", async ({ skip }) => {
    const small = out("tmpfs");
    mkdirSync(small);
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", small]);
    if (mount.status !== 0) skip(`a tmpfs cannot be mounted: ${String(mount.stderr ?? mount.error)}`);
    try {
      const path = join(small, "small.btf");
      writeFileSync(path, "old");
      const { stderr, code } = await runText(["minimize", kernel, `${fixtures}objects`, "-o", path]);
      expect({ stderr: stderr.split("\n").at(-2), code }).toEqual({
        stderr: `btfgen: cannot write ${path}: no space left on the device`,
        code: 3,
      });
      expect(readdirSync(small)).toEqual(["small.btf"]);
      expect(readFileSync(path, "utf8")).toBe("old");
    } finally {
      spawnSync("umount", [small]);
    }
  });

  it("ends quietly when the reader has gone", () => {
    const script = `set -o pipefail; { sleep 0.2; "$@"; } | true`;
    const command = [process.execPath, COMMAND, "minimize", kernel, exec, "-o", "-"];
    const { status, stderr } = spawnSync("bash", ["-c", script, "bash", ...command]);
    expect(status).toBe(0);
    expect(stderr.toString()).not.toContain("btfgen:");
  });
});
