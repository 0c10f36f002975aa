import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { INT_SIGNED } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import {
  bitStruct,
  btf,
  enumOf,
  func,
  int,
  m,
  param,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  variable,
} from "../btf/builder.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { COMMAND, run, runText } from "./run.ts";
import { tar, workspace } from "./workspace.ts";

const { put, directory } = workspace();
const INT = int("int", 4, 32, INT_SIGNED);
const OLD: readonly Row[] = [
  INT,
  ptr(4),
  bitStruct("task", 24, [m("pid", 1, 0), m("tgid", 1, 32), m("flag", 1, 64, 3), m("next", 2, 128)]),
  struct("task", 0),
  struct("holder", 24, [m("task", 3, 0)]),
  enumOf("state", 4, { RUNNING: 0, DEAD: 2 }),
  proto(1, [param("task", 2)]),
  func("kill", 7),
  typedef("pid_t", 1),
];
const NEW: readonly Row[] = [
  INT,
  ptr(3),
  bitStruct("task", 32, [m("pid", 1, 0), m("cpu", 1, 32), m("tgid", 1, 64), m("flag", 1, 96, 3), m("next", 2, 192)]),
  struct("holder", 32, [m("task", 3, 0)]),
  enumOf("state", 4, { RUNNING: 0, DEAD: 4 }),
  proto(1, [param("task", 2), param("signal", 1)]),
  func("kill", 6),
  typedef("tgid_t", 1),
];
const TOO_FEW_ADDRESSES =
  "btfgen: diff needs WebAssembly, for whose memory the system gives no addresses: run it without ulimit -v, or by node --disable-wasm-trap-handler";
const PATCH = ` struct holder {  /* size 24 -> 32; only because of what is in it */
-	struct task task;  /* 0, 24 bytes */
+	struct task task;  /* 0, 32 bytes */
 };
 struct task {  /* size 24 -> 32 */
+	int cpu;  /* 4 */
-	int tgid;  /* 4 */
+	int tgid;  /* 8 */
-	int flag: 3;  /* 8:0 */
+	int flag: 3;  /* 12:0 */
-	struct task *next;  /* 16 */
+	struct task *next;  /* 24 */
 };
 enum state {
-	DEAD = 2,
+	DEAD = 4,
 };
-typedef int pid_t;
+typedef int tgid_t;
-int kill(struct task *task);
+int kill(struct task *task, int signal);
`;
const TALK = "btfgen: types: 1 added, 1 removed, 4 changed (1 only in consequence)\n";
// Without the second, empty definition of a name.
const oldRows = OLD.map((row, i) => (i === 1 ? ptr(3) : i === 3 ? typedef("", 1) : row));

let oldPath: string;
let newPath: string;
beforeAll(() => {
  oldPath = put("old.btf", btf(oldRows));
  newPath = put("new.btf", btf(NEW));
});

const lines = (text: string) => text.split("\n").slice(0, -1);

describe("btfgen diff", () => {
  it("prints a patch of declarations with offsets, and counts on standard error", async () => {
    const { stdout, stderr, code } = await runText(["diff", oldPath, newPath]);
    expect(stdout).toBe(PATCH);
    expect(stderr).toBe(TALK);
    expect(code).toBe(0);
  });

  it("ends with 1 for a difference where that is asked for, as git does", async () => {
    expect((await run(["diff", oldPath, newPath, "--exit-code"])).code).toBe(1);
    expect(await runText(["diff", oldPath, oldPath, "--exit-code"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "btfgen: no difference\n",
    });
    // What a filter leaves out is no difference.
    expect((await run(["diff", oldPath, newPath, "--exit-code", "--type", "other"])).code).toBe(0);
  });

  it("is the same for a whole kernel and itself in another form", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const archive = `corpus/samples/${KERNEL_6_1}.btf.tar.xz`;
    expect(await runText(["diff", path, archive, "--exit-code"])).toMatchObject({ code: 0, stdout: "" });
  });

  it.each([
    { args: ["--type", "task"], has: ["-\tint tgid;  /* 4 */"], hasNot: [" struct holder {", " enum state {"] },
    { args: ["--type", "task.f*"], has: ["+\tint flag: 3;  /* 12:0 */"], hasNot: ["-\tint tgid;  /* 4 */"] },
    { args: ["--type", "struct *"], has: [" struct holder {"], hasNot: [" enum state {"] },
    { args: ["--kind", "func", "--kind", "enum"], has: ["+\tDEAD = 4,"], hasNot: ["+typedef int tgid_t;"] },
    {
      args: ["--only", "removed"],
      has: ["-typedef int pid_t;"],
      hasNot: ["+typedef int tgid_t;", "+\tint cpu;  /* 4 */"],
    },
    { args: ["--only", "added"], has: ["+typedef int tgid_t;", "+\tint cpu;  /* 4 */"], hasNot: ["-\tDEAD = 2,"] },
    { args: ["--only", "moved"], has: ["+\tint tgid;  /* 8 */"], hasNot: ["+\tint cpu;  /* 4 */", "+\tDEAD = 4,"] },
    { args: ["--only", "revalued"], has: ["+\tDEAD = 4,"], hasNot: ["+\tint cpu;  /* 4 */"] },
    { args: ["--own"], has: ["+\tint cpu;  /* 4 */"], hasNot: ["-\tstruct task task;  /* 0, 24 bytes */"] },
  ])("shows only what is asked for: $args", async ({ args, has, hasNot }) => {
    const { stdout, code } = await runText(["diff", oldPath, newPath, ...args]);
    const heads = stdout.replace(/ {2}\/\* size .*/g, "");
    for (const line of has) expect(lines(heads)).toContain(line);
    for (const line of hasNot) expect(lines(heads)).not.toContain(line);
    expect(code).toBe(0);
  });

  it("says when --type names nothing that is there, and not when that is only the same", async () => {
    const lost = await runText([
      "diff",
      oldPath,
      newPath,
      "--type",
      "tusk",
      "--type",
      "enum task",
      "--type",
      "t?sk.next",
    ]);
    expect(lost.stderr.split("\n").slice(0, 2)).toEqual([
      "btfgen: warning: --type tusk: neither side has such a type",
      "btfgen: warning: --type enum task: neither side has such a type",
    ]);
    expect(lost.stdout).toContain("next;");
    const same = await runText(["diff", oldPath, newPath, "--type", "int", "--type", "pid_t"]);
    expect(same.stderr).toBe("btfgen: types: 0 added, 1 removed, 0 changed\n");
    expect((await runText(["diff", oldPath, oldPath, "--type", "holder"])).stderr).toBe("btfgen: no difference\n");
  });

  it.each(["task.tgod", "task.next.pid", "h*.tesk", "state.DAED", "kill.sig", "t*.RUNNING", "pid_t.pid"])(
    "says that nothing of --type %s is there, where the types are",
    async (rule) => {
      expect(await runText(["diff", oldPath, newPath, "--type", rule])).toMatchObject({
        stdout: "",
        stderr: `btfgen: warning: --type ${rule}: neither side has such a member, enumerator or parameter\nbtfgen: no difference\n`,
        code: 0,
      });
    },
  );

  it.each(["task.pid", "task.cpu", "h*.t?sk", "*.RUNNING", "kill.task", "kill.signal", "*.tgid"])(
    "says nothing of --type %s, which a side has, whether it differs or not",
    async (rule) => {
      const { stderr } = await runText(["diff", oldPath, newPath, "--type", rule]);
      expect(stderr).not.toContain("neither side");
    },
  );

  it.each(["named.x", "named.in.y", "outer.struct inner", "outer.y"])(
    "finds %s, as a path of members has it",
    async (rule) => {
      const rows = [
        INT,
        struct("inner", 4, [m("y", 1, 0)]),
        struct("outer", 4, [m("", 2, 0)]),
        struct("", 4, [m("y", 1, 0)]),
        struct("", 8, [m("x", 1, 0), m("in", 4, 32)]),
        typedef("named", 5),
      ];
      const path = put("members.btf", btf(rows));
      expect((await runText(["diff", path, path, "--type", rule])).stderr).toBe("btfgen: no difference\n");
    },
  );

  it("leaves out what rules say, and tells of those that say nothing", async () => {
    const rules = put(
      "ignore.txt",
      "# known\nstruct holder: consequence\ntask.tgid: moved   # of no matter\nenum *\nnothing\n*_t\n",
    );
    const { stdout, stderr } = await runText(["diff", oldPath, newPath, "--ignore", rules]);
    expect(lines(stdout)).toEqual(
      lines(PATCH)
        .filter((line) => !/holder|struct task task|tgid|state|DEAD|typedef/.test(line))
        .slice(1, -3)
        .concat(["-int kill(struct task *task);", "+int kill(struct task *task, int signal);"]),
    );
    expect(stderr).toBe(
      `btfgen: warning: ${rules}:5: the rule leaves nothing out: nothing\n` +
        "btfgen: types: 0 added, 0 removed, 2 changed; 4 left out by --ignore\n",
    );
  });

  it("refuses a rule that makes no sense, with its line", async () => {
    const rules = put("bad.txt", "task\ntask: vanished\n");
    const { stderr, code } = await runText(["diff", oldPath, newPath, "--ignore", rules]);
    expect(stderr).toContain(`${rules}:2: "task: vanished" is no rule`);
    expect(code).toBe(2);
  });

  it("counts", async () => {
    const { stdout } = await runText(["diff", oldPath, newPath, "--stat"]);
    expect(stdout).toContain("struct       0        0        2                             1\n");
    expect(stdout).toContain("all          1        1        4                             1\n");
    expect(stdout).toMatch(/^member moved +3$/m);
    expect((await runText(["diff", oldPath, oldPath, "--stat"])).stdout).toBe("no difference\n");
  });

  it("says by how many types a changed one is held, and shows bodies in full", async () => {
    const { stdout } = await runText(["diff", oldPath, newPath, "--reached", "--type", "task"]);
    expect(stdout).toContain("struct task {  /* size 24 -> 32; reached from 1 type */");
    const full = await runText(["diff", put("empty.btf", btf([INT])), newPath, "--full", "--type", "state"]);
    expect(full.stdout).toBe("+enum state {  /* 4 bytes, 2 enumerators */\n+\tRUNNING = 0,\n+\tDEAD = 4,\n+};\n");
  });

  it("writes JSON, asked for in either way", async () => {
    const { stdout, stderr } = await runText(["diff", oldPath, newPath, "--json"]);
    const document = JSON.parse(stdout);
    expect((await runText(["diff", oldPath, newPath, "--format", "json"])).stdout).toBe(stdout);
    expect(document).toMatchObject({
      version: 1,
      old: { source: oldPath, types: 9, modules: [] },
      counts: { struct: { added: 0, removed: 0, changed: 2, consequences: 1 } },
      differences: { "member added": 1, "enumerator revalued": 1 },
      ignored: 0,
    });
    const task = document.types.find(({ name }: { name: string }) => name === "task");
    expect(task.old).toEqual({ id: 3, size: 24, count: 4, declaration: "struct task" });
    expect(task.changes[2]).toEqual({
      what: "member",
      status: "changed",
      how: ["moved"],
      old: { path: "tgid", bitOffset: 32, bitfieldSize: 0, size: 4, type: "int", declaration: "int tgid", group: "" },
      new: { path: "tgid", bitOffset: 64, bitfieldSize: 0, size: 4, type: "int", declaration: "int tgid", group: "" },
    });
    const state = document.types.find(({ name }: { name: string }) => name === "state");
    expect(state.changes[0].new).toEqual({ name: "DEAD", value: "4" });
    expect(stderr).toBe("");
    const same = JSON.parse((await runText(["diff", oldPath, oldPath, "--json"])).stdout);
    expect(same.types).toEqual([]);
  });

  it("writes Markdown in which no name can end a block", async () => {
    const odd = put("odd.btf", btf([INT, struct("a```b</details>", 4, [m("x", 1, 0)])]));
    const { stdout } = await runText(["diff", put("none.btf", btf([INT])), odd, "--format", "markdown"]);
    expect(stdout).toContain("| `struct` | 1 | 0 | 0 | 0 |");
    expect(stdout).toContain("````diff\n+struct a```b</details>;  /* 4 bytes, 1 member */\n````\n");
  });

  it("says of many blocks of one kind which types each has", async () => {
    const rows = (bytes: number) => [
      INT,
      ...Array.from({ length: 300 }, (_, i) => struct(`s${String(i).padStart(3, "0")}`, bytes, [m("x", 1, 0)])),
    ];
    const [old, now] = [put("few.btf", btf(rows(4))), put("many.btf", btf(rows(8)))];
    const { stdout } = await runText(["diff", old, now, "--format", "markdown"]);
    const summaries = [...stdout.matchAll(/<summary>(.*)<\/summary>/g)].map((match) => match[1]);
    expect(summaries).toEqual(["200 structs: s000 to s199", "100 structs: s200 to s299"]);
  });

  it("writes enumerators in a row whose values changed by as much as one line, and each in full", async () => {
    const values = (from: number) => ({ FIRST: from, SECOND: from + 1, THIRD: from + 2 });
    const old = put("values.btf", btf([enumOf("e", 4, { GONE: 1, ...values(2), LAST: 9 })]));
    const now = put("lower.btf", btf([enumOf("e", 4, { ...values(1), LAST: 9 })]));
    const shown = async (...args: readonly string[]) => (await runText(["diff", ...args])).stdout;
    expect(await shown(old, now)).toBe(
      " enum e {\n-\tGONE = 1,\n \t/* 3 enumerators -1: FIRST 2 -> 1 ... THIRD 4 -> 3 */\n };\n",
    );
    expect(await shown(now, old)).toContain(" \t/* 3 enumerators +1: FIRST 1 -> 2 ... THIRD 3 -> 4 */\n");
    expect(lines(await shown(old, now, "--full"))).toHaveLength(9);
  });

  it("says on lines of both sides what a declaration does not show", async () => {
    const rows = (members: readonly Row[]): Row[] => [
      INT,
      struct("", 8, members),
      ptr(2),
      typedef("t", 3),
      proto(1, [param("a", 3)]),
      func("f", 5),
      proto(3),
      func("g", 7),
      variable("v", 3),
    ];
    const old = put("bodies.btf", btf([...rows([m("x", 1, 0)]), typedef("u", 1)]));
    const now = put("others.btf", btf([...rows([m("y", 1, 0)]), typedef("u", 3)]));
    const { stdout } = await runText(["diff", old, now]);
    expect(lines(stdout)).toEqual([
      "-typedef struct {...} *t;  /* struct { int x; } * */",
      "+typedef struct {...} *t;  /* struct { int y; } * */",
      "-typedef int u;",
      "+typedef struct {...} *u;",
      "-int f(struct {...} *a);  /* a: struct { int x; } * */",
      "+int f(struct {...} *a);  /* a: struct { int y; } * */",
      "-struct {...} *g(void);  /* returns struct { int x; } * */",
      "+struct {...} *g(void);  /* returns struct { int y; } * */",
      "-struct {...} *v;  /* struct { int x; } * */",
      "+struct {...} *v;  /* struct { int y; } * */",
    ]);
  });

  it("colours a terminal only, or where it is told to", async () => {
    const plain = await runText(["diff", oldPath, newPath]);
    expect(plain.stdout).not.toContain("\u001b");
    const colored = await runText(["diff", oldPath, newPath, "--color", "always"], { env: { NO_COLOR: "1" } });
    expect(colored.stdout).toContain("\u001b[32m+\tint cpu;  /* 4 */\u001b[m\n");
    expect(colored.stdout).toContain("\u001b[31m-\tint tgid;  /* 4 */\u001b[m\n");
  });

  it("shows control characters of names as escapes", async () => {
    const odd = put("escape.btf", btf([INT, struct("a\u001b[31m", 4, [m("x", 1, 0)])]));
    const { stdout } = await runText(["diff", put("none.btf", btf([INT])), odd]);
    expect(stdout).toBe("+struct a\\u{1b}[31m;  /* 4 bytes, 1 member */\n");
  });

  it("takes a kernel out of a bundle", async () => {
    const files = { "debian/12/x86_64/6.1.0-1-a.btf": btf(oldRows), "debian/12/x86_64/6.1.0-2-a.btf": btf(NEW) };
    const bundle = put("bundle.tar", await tar(files));
    for (const [a, b] of [
      ["debian/12/x86_64/6.1.0-1-a", "debian/12/x86_64/6.1.0-2-a.btf"],
      ["6.1.0-1-a", "6.1.0-2-a"],
    ]) {
      const { stdout, stderr } = await runText(["diff", `${bundle}!${a}`, `${bundle}!${b}`]);
      expect({ stdout, stderr }).toEqual({ stdout: PATCH, stderr: TALK });
    }
    const { stderr, code } = await runText(["diff", `${bundle}!6.2`, oldPath]);
    expect(stderr).toContain(`${bundle}: has no entry 6.2; there is debian/12/x86_64/6.1.0-1-a`);
    expect(code).toBe(2);
  });

  it("compares modules with their own bases, and what several modules have once", async () => {
    const shared = (bytes: number) => struct("shared", bytes, [m("x", 1, 0)]);
    const split = (name: string, base: Uint8Array, rows: readonly Row[]) =>
      put(name, btf(rows, { base: parseBtf(base) }));
    const [a, b] = [btf(oldRows), btf(NEW)];
    const veth = [split("a/veth.btf", a, [shared(4)]), split("b/veth.btf", b, [shared(8)])] as const;
    const tun = [split("a/tun.btf", a, [shared(4)]), split("b/tun.btf", b, [shared(8), ptr(9)])] as const;
    const modules = ["--old-module", veth[0], "--old-module", tun[0], "--new-module", veth[1], "--new-module", tun[1]];
    const both = await runText(["diff", oldPath, newPath, ...modules]);
    expect(both.stdout).toContain(" struct shared;  /* size 4 -> 8; in tun, veth */\n");
    expect(both.stdout).toContain("+\tint cpu;  /* 4 */\n");
    const bases = ["--old-base", oldPath, "--new-base", newPath];
    const alone = await runText(["diff", veth[0], veth[1], ...bases]);
    expect(alone.stdout).toBe(" struct shared;  /* size 4 -> 8; in veth */\n");
  });

  it("compares real modules of one kernel with none of it", async () => {
    const { path } = kernelSample(KERNEL_OF_MODULES);
    const [module] = moduleSamples();
    const args = ["diff", path, path, "--new-module", module?.path ?? ""];
    const { stdout, code } = await runText([...args, "--only", "removed"]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 0 });
    const name = module?.name.replaceAll("-", "_");
    expect((await runText(args)).stdout).toMatch(new RegExp(`^\\+module ${name}; {2}/\\* \\d+ types \\*/\n$`));
    expect((await runText([...args, "--full"])).stdout).toMatch(new RegExp(`^\\+struct .*in ${name}`, "m"));
  });

  it.each([
    { what: "a lone base", args: () => [oldPath, newPath, "--old-base", oldPath], says: "go together" },
    {
      what: "two formats",
      args: () => [oldPath, newPath, "--json", "--format", "markdown"],
      says: "exclude each other",
    },
    { what: "standard input twice", args: () => ["-", "-"], says: "more than once" },
    {
      what: "a kernel and rules from standard input",
      args: () => ["-", newPath, "--ignore", "-"],
      says: "more than once",
    },
    { what: "an empty file", args: () => [put("nothing", ""), newPath], says: "is empty" },
    { what: "a directory without kernels", args: () => [emptyDirectory(), newPath], says: "no kernel" },
    { what: "a damaged file", args: () => [put("cut.btf", btf(NEW).subarray(0, 60)), newPath], says: "cut.btf" },
    { what: "no file", args: () => [join(directory, "nowhere"), newPath], says: "no such file" },
    { what: "a kind that is none", args: () => [oldPath, newPath, "--kind", "class"], says: "class" },
  ])("refuses $what with a line", async ({ args, says }) => {
    const { stdout, stderr, code } = await runText(["diff", ...args()]);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^ +at /m);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });

  it("needs few addresses, or says that it has too few", () => {
    const script = 'ulimit -v 4000000; exec "$0" "$@"';
    const { status, stderr } = spawnSync("sh", ["-c", script, process.execPath, COMMAND, "diff", oldPath, newPath], {
      encoding: "utf8",
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "" },
    });
    // Later engines than Node 20's try again with less.
    const canDoWithLess = !process.versions.v8.startsWith("11.");
    expect(status).toBe(canDoWithLess ? 0 : 3);
    if (!canDoWithLess) expect(stderr).toBe(`${TOO_FEW_ADDRESSES}\n`);
  });

  it("says where it cannot run", async () => {
    const { stderr, code } = await runText(["diff", oldPath, newPath], { env: { NODE_OPTIONS: "--jitless" } });
    expect(stderr).toContain("btfgen: diff needs WebAssembly, which node --jitless does without\n");
    expect(code).toBe(3);
  });
});

function emptyDirectory(): string {
  const path = join(directory, "empty");
  mkdirSync(path, { recursive: true });
  return path;
}
