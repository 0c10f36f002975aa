/** Pointers in maps: what is said of each, and what the running kernel makes of a program that goes through it. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { KIND_CONST, KIND_PTR, KIND_TYPE_TAG, SIZE_OR_TYPE_WORD, TYPE_WORDS } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { kindOf, recordOf, targetOf, typeCount } from "../../lib/btf/view.ts";
import { type KernelField, kernelFields } from "../../lib/core/kernel-fields.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { btfBytes } from "../../lib/elf/btf-section.ts";
import { btf, constOf, int, typeTag } from "../btf/builder.ts";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { compileC, taggingClang } from "./clang.ts";
import { loadBtf } from "./kernel.ts";
import { describeOracle } from "./requirements.ts";

const [TAG, CONST] = [1, 2];
const RUNNING = "/sys/kernel/btf/vmlinux";
const INCLUDE = fileURLToPath(new URL("../fixtures/bpf", import.meta.url));

/** A map whose value is `value`, with declarations before it, and a program that reads a process id through `read`. */
interface Case {
  readonly name: string;
  readonly before?: string;
  readonly value: string;
  readonly read: string;
  /** What is said of the pointer; undefined where nothing is. */
  readonly kind: KernelField["kind"] | undefined;
  readonly problem: string | null;
}

const CASES: readonly Case[] = [
  { name: "weak", value: "struct task_struct UNTRUSTED *p;", read: "v->p", kind: "unreferenced", problem: null },
  { name: "held", value: "int x; struct task_struct KPTR *p;", read: "v->p", kind: "referenced", problem: null },
  { name: "plain", value: "struct task_struct *p;", read: "v->p", kind: undefined, problem: null },
  {
    name: "qualified",
    value: "const struct task_struct UNTRUSTED *p;",
    read: "v->p",
    kind: "unreferenced",
    problem: null,
  },
  {
    name: "volatile_one",
    value: "struct task_struct UNTRUSTED *volatile p;",
    read: "v->p",
    kind: "unreferenced",
    problem: null,
  },
  { name: "row", value: "struct task_struct UNTRUSTED *p[3];", read: "v->p[2]", kind: "unreferenced", problem: null },
  {
    name: "nested",
    before: "struct inner { int y; struct task_struct UNTRUSTED *p; };",
    value: "struct inner in[2];",
    read: "v->in[1].p",
    kind: "unreferenced",
    problem: null,
  },
  {
    name: "const_one",
    value: "struct task_struct UNTRUSTED *const p;",
    read: "v->p",
    kind: "unreferenced",
    problem: "not-seen",
  },
  {
    name: "by_typedef",
    before: "typedef struct task_struct UNTRUSTED *task_ref;",
    value: "task_ref p;",
    read: "v->p",
    kind: "unreferenced",
    problem: "not-seen",
  },
  {
    name: "in_union",
    value: "union { u64 raw; struct task_struct UNTRUSTED *p; };",
    read: "v->p",
    kind: "unreferenced",
    problem: "not-seen",
  },
  {
    name: "askew",
    value:
      "int x; struct task_struct UNTRUSTED *p; } __attribute__((packed, aligned(4))); struct unused_askew { int x;",
    read: "v->p",
    kind: "unreferenced",
    problem: "misaligned",
  },
  {
    name: "twice",
    value: "struct task_struct UNTRUSTED KPTR *p;",
    read: "v->p",
    kind: "referenced",
    problem: "several-tags",
  },
  { name: "old", value: "struct task_struct TAG(kptr_ref) *p;", read: "v->p", kind: "referenced", problem: "old-tag" },
  {
    name: "no_struct",
    value: "int UNTRUSTED *p;",
    read: "(struct task_struct *)v->p",
    kind: "unreferenced",
    problem: "not-a-struct",
  },
  {
    name: "declared",
    value: "struct elsewhere UNTRUSTED *p;",
    read: "(struct task_struct *)v->p",
    kind: "unreferenced",
    problem: "not-a-struct",
  },
  {
    name: "eleven",
    value: "struct task_struct UNTRUSTED *p[11];",
    read: "v->p[9]",
    kind: "unreferenced",
    problem: null,
  },
  {
    name: "twelve",
    value: "struct task_struct UNTRUSTED *p[12];",
    read: "v->p[9]",
    kind: "unreferenced",
    problem: "too-many",
  },
];

const HEAD = `#include "core.h"
#define TAG(text) __attribute__((btf_type_tag(#text)))
#define KPTR TAG(kptr)
#define UNTRUSTED TAG(kptr_untrusted)
CORE_BEGIN
struct task_struct { pid_t pid; };
CORE_END
struct __sk_buff { u32 len; };
`;

/** A case's map and program. */
function sourceOf({ name, before = "", value, read }: Case): string {
  return `
${before}
struct value_${name} { ${value} };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct value_${name});
} map_${name} SEC(".maps");
SEC("tc")
int read_${name}(struct __sk_buff *ctx)
{
	u32 key = 0;
	struct value_${name} *v = bpf_map_lookup_elem(&map_${name}, &key);
	const struct task_struct *task;

	if (!v)
		return 0;
	task = ${read};
	return task ? task->pid : 0;
}`;
}

/** Memory from bpf_obj_new in a map, and memory with a pointer in it. */
const ALLOCATING = `
struct own { int x; };
struct value_own { struct own KPTR *p; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct value_own);
} map_own SEC(".maps");
struct node { struct task_struct KPTR *p; int x; };
extern void *bpf_obj_new_impl(u64 local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
SEC("tc")
int read_own(struct __sk_buff *ctx)
{
	u32 key = 0;
	struct value_own *v = bpf_map_lookup_elem(&map_own, &key);
	struct own *own, *old;
	struct node *node;

	if (!v)
		return 0;
	own = bpf_obj_new_impl(bpf_core_type_id_local(struct own), NULL);
	if (!own)
		return 0;
	own->x = 1;
	old = bpf_kptr_xchg(&v->p, own);
	if (old)
		bpf_obj_drop_impl(old, NULL);
	node = bpf_obj_new_impl(bpf_core_type_id_local(struct node), NULL);
	if (!node)
		return 0;
	bpf_obj_drop_impl(node, NULL);
	// So that the object has the struct, and not its name alone.
	return bpf_core_field_exists(((struct task_struct *)0)->pid);
}`;

const WEAK = CASES.find(({ name }) => name === "weak") as Case;
const QUALIFIED = CASES.find(({ name }) => name === "qualified") as Case;
const TWICE = CASES.find(({ name }) => name === "twice") as Case;

describeOracle("kernelFields and the running kernel", ["clang-tags", "libbpf", "bpf"], () => {
  const { directory, put } = workspace();
  const objects = new Map<string, Uint8Array>();
  let report: VerifyReport;

  const fieldsOf = (name: string) => kernelFields(parseBpfObject(objects.get(name) ?? new Uint8Array(0)));
  const verdictOf = (name: string, program = `read_${name}`) =>
    report.kernel?.programs.find((one) => one.object.endsWith(`/${name}.o`) && one.program === program);

  beforeAll(async () => {
    const [compiler = ""] = taggingClang() ?? [];
    const flags = ["-D__TARGET_ARCH_x86", `-I${INCLUDE}`];
    const make = (name: string, source: string) => {
      const result = compileC(`${HEAD}${source}\nLICENSE;\n`, { target: "bpfel", flags, compiler });
      if (!result.ok) throw new Error(result.error);
      objects.set(name, result.object);
    };
    for (const one of CASES) make(one.name, sourceOf(one));
    make("own", ALLOCATING);
    make("together", sourceOf(WEAK) + sourceOf(TWICE));
    objects.set("order", outOfOrder(objects.get(QUALIFIED.name) as Uint8Array));
    const paths = [...objects].map(([name, bytes]) => put(`${name}.o`, bytes));
    const small = join(directory, "vmlinux.btf");
    copyFileSync(RUNNING, small);
    const args = ["verify", small, "--full", RUNNING, ...paths, "--kernel", "host", "--level", "kernel", "--json"];
    const { stdout, stderr } = await runText(args);
    if (stdout === "") throw new Error(stderr);
    report = JSON.parse(stdout) as VerifyReport;
  });

  it.each(CASES)("of $name: $kind, $problem", ({ name, kind, problem }) => {
    const [field, ...more] = fieldsOf(name);
    expect(more).toEqual([]);
    expect(field?.kind).toBe(kind);
    expect(field?.problem?.code ?? null).toBe(problem);
    // Without a pointer that the kernel knows, a number is read, and nothing is behind a number.
    const isTaken = kind !== undefined && problem === null;
    expect(verdictOf(name)).toMatchObject(
      isTaken ? { verdict: "accepted" } : { verdict: "not-tested", reason: { text: expect.stringMatching(/scalar/) } },
    );
  });

  it("of memory that a program allocates, and of what it holds itself", () => {
    expect(fieldsOf("own")).toMatchObject([
      { where: "map", owner: "map_own", path: "p", offset: 0, kind: "referenced", problem: null },
      { where: "local", owner: "node", path: "p", offset: 0, kind: "referenced", problem: null },
    ]);
    expect(verdictOf("own")).toMatchObject({ verdict: "accepted" });
  });

  it("of tags out of order: the kernel refuses the object's BTF", () => {
    expect(fieldsOf("order")).toMatchObject([{ owner: "map_qualified", problem: { code: "tag-order" } }]);
    expect(verdictOf("order", "read_qualified")).toMatchObject({ verdict: "not-tested" });
    const tagged = (first: number, second: number) =>
      btf([
        int("int", 4),
        first === TAG ? typeTag("kptr", 3) : constOf(3),
        second === TAG ? typeTag("kptr", 1) : constOf(1),
      ]);
    expect(loadBtf(tagged(TAG, CONST)).ok).toBe(true);
    expect(loadBtf(tagged(CONST, TAG)).reason).toContain("Type tags don't precede modifiers");
  });

  it("of one that is wrong beside one that is right", () => {
    expect(fieldsOf("together").map(({ problem }) => problem?.code ?? null)).toEqual([null, "several-tags"]);
    expect(verdictOf("together", "read_weak")).toMatchObject({ verdict: "accepted" });
    expect(verdictOf("together", "read_twice")).toMatchObject({ verdict: "not-tested" });
  });
});

/** The object with the tag and the const of `const struct task_struct UNTRUSTED *` in the other order. */
function outOfOrder(object: Uint8Array): Uint8Array {
  const raw = btfBytes(object, "object");
  const parsed = parseBtf(raw);
  const header = parsed.segments[0]?.header;
  const changed = Uint8Array.from(object);
  const at = Buffer.from(object).indexOf(raw);
  if (header === undefined || at === -1) throw new Error("no BTF");
  // Words 0 to 2 of the view are void's.
  const start = at + header.headerLength + header.typeOffset - TYPE_WORDS * 4;
  const view = new DataView(changed.buffer);
  const point = (id: number, to: number) =>
    view.setUint32(start + (recordOf(parsed, id) + SIZE_OR_TYPE_WORD) * 4, to, true);
  for (let tag = 1; tag < typeCount(parsed); tag++) {
    const behind = targetOf(parsed, tag);
    if (kindOf(parsed, tag) !== KIND_TYPE_TAG || kindOf(parsed, behind) !== KIND_CONST) continue;
    for (let id = 1; id < typeCount(parsed); id++) {
      if (kindOf(parsed, id) === KIND_PTR && targetOf(parsed, id) === tag) point(id, behind);
    }
    point(tag, targetOf(parsed, behind));
    point(behind, tag);
    return changed;
  }
  throw new Error("no tag with const behind it");
}
