/** C programs that name functions, variables and modules of a kernel, and whether libbpf (1.5 on) finds and takes them all. */
import { KERNEL_OF_MODULES, kernelPath, moduleSamples } from "../samples.ts";
import { compileBpf } from "./clang.ts";
import { PREFIX } from "./prepare-cases.ts";

const GOOD = "struct task_struct *NAME(struct task_struct *p) __ksym";
const OTHER = "void NAME(struct task_struct *p, u64 more) __ksym";
const declared = (form: string, name: string, weak = "") => `extern ${form.replace("NAME", name)} ${weak};`;
const calls = (...lines: string[]) => `SEC("tc") int program(void *ctx) { ${lines.join(" ")} return 0; }`;
const attached = (target: string) => `SEC("fentry/${target}") int program(void *ctx) { return 0; }`;

/** What is declared, in this order; what becomes of each; whether the object loads. */
export const EXTERN_CASES: readonly [name: string, body: string, statuses: string[], loads: boolean][] = [
  [
    "a good one, and a strong flavour of another type",
    `${declared(GOOD, "bpf_task_acquire")} ${declared(OTHER, "bpf_task_acquire___two")}
     ${calls("bpf_task_acquire(ctx);", "bpf_task_acquire___two(ctx, 1);")}`,
    ["found", "impossible"],
    false,
  ],
  [
    "a weak flavour of another type, and a good one",
    `${declared(OTHER, "bpf_task_acquire___two", "__weak")} ${declared(GOOD, "bpf_task_acquire")}
     ${calls("if (bpf_task_acquire___two) bpf_task_acquire___two(ctx, 1);", "bpf_task_acquire(ctx);")}`,
    ["impossible", "found"],
    true,
  ],
  [
    "a weak flavour and a strong one, neither of which is there",
    `${declared(OTHER, "no_such_kfunc___new", "__weak")} ${declared(GOOD, "no_such_kfunc")}
     ${calls("if (no_such_kfunc___new) no_such_kfunc___new(ctx, 1);", "no_such_kfunc(ctx);")}`,
    ["missing", "missing"],
    false,
  ],
  [
    "two weak ones, neither of which is there",
    `${declared(OTHER, "no_such_kfunc___new", "__weak")} ${declared(GOOD, "no_such_kfunc", "__weak")}
     ${calls("if (no_such_kfunc___new) no_such_kfunc___new(ctx, 1);", "if (no_such_kfunc) no_such_kfunc(ctx);")}`,
    ["missing", "missing"],
    true,
  ],
  [
    "a weak variable of another type",
    `extern const int runqueues __ksym __weak; ${calls("return (long)&runqueues;")}`,
    ["impossible"],
    false,
  ],
];

/** What stands behind `fentry/`, and whether it is found. */
export const MODULE_CASES: readonly [target: string, found: boolean][] = [
  ["veth:veth_xmit", true],
  // A name need not be whole: kvm has no such function, kvm_amd has.
  ["vet:veth_xmit", true],
  ["kvm:svm_vcpu_run", true],
  ["kvm_a:svm_vcpu_run", true],
  [":veth_xmit", true],
  ["eth:veth_xmit", false],
  ["veth_:veth_xmit", false],
  ["overlay:veth_xmit", false],
  // The kernel's name has an underline where the file's has a hyphen.
  ["kvm-amd:svm_vcpu_run", false],
  ["vmlinux:vfs_read", true],
  ["v:vfs_read", true],
  [":vfs_read", true],
  // The kernel proper lacks it, so the modules whose names begin with a v are next.
  ["v:veth_xmit", true],
  ["vmlinux:veth_xmit", false],
  ["vmlinux:vfs_raed", false],
];

/** The object of an extern's case. */
export function externObject(body: string): Uint8Array {
  return compileBpf(`${PREFIX}struct task_struct { int pid; };\n${body}`);
}

/** The object of a module's case. */
export function moduleObject(target: string): Uint8Array {
  return compileBpf(`${PREFIX}${attached(target)}`);
}

/** The kernel that is asked, and its modules under the names it knows them by, as paths of raw BTF. */
export const ASKED_KERNEL = kernelPath(KERNEL_OF_MODULES);
export const ASKED_MODULES: ReadonlyMap<string, string> = new Map(
  moduleSamples().map(({ name, path }) => [name.replaceAll("-", "_"), path]),
);
