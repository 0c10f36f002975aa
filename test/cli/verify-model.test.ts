/** What `verify` tells of objects' targets and kernel pointers besides its levels: as `model` has it, and no finding. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { ModelReport } from "../../cli/inspect/model-report.ts";
import { type VerifyReport, verifyText } from "../../cli/verify/report.ts";
import { datasec, int, place, ptr, struct, typeTag, variable } from "../btf/builder.ts";
import { EXIT, objectBytes } from "../core/object-builder.ts";
import { vmlinux } from "../corpus/kernels.ts";
import { libbpfToolsExecutables } from "../oracle/libbpf-tools.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/objects/${name}.o`, import.meta.url));
const { directory, put } = workspace();
let old = "";
let newer = "";
beforeAll(async () => {
  old = kernelSample(KERNEL_6_1).path;
  newer = kernelSample(KERNEL_OF_MODULES).path;
});

/** Full BTF stands for itself: what is looked at is no part of the proof. */
async function verify(kernel: string, objects: readonly string[], ...rest: readonly string[]) {
  const { stdout, code } = await runText(["verify", kernel, "--full", kernel, ...rest, ...objects, "--json"]);
  const report: VerifyReport = JSON.parse(stdout);
  return { report, text: verifyText(report), code };
}

/** An object with a program of that section. */
function attached(section: string): string {
  const programs = [{ name: "program", section, insns: [EXIT], relos: [] }];
  return put("attached.o", objectBytes({ rows: [int("int", 4)], programs }));
}

describe("verify, of what objects name besides their relocations", () => {
  it("tells what model does, and does not fail for what a kernel lacks", async () => {
    const objects = ["kptr", "fentry_fexit", "lsm_exec", "struct_ops", "iter_task", "freplace"].map(fixture);
    const { report, text, code } = await verify(old, objects);
    const modelled = await runText(["model", old, ...objects.flatMap((path) => ["--object", path]), "--json"]);
    const { rules, targets, fields } = JSON.parse(modelled.stdout) as ModelReport;
    expect({ code, level: report.level, modelled: modelled.code }).toEqual({
      code: 0,
      level: "instructions",
      modelled: 1,
    });
    expect(report.model).toEqual({ rules, targets, fields });
    expect(report.model.rules).toMatchObject({ since: "6.1", from: "file name", architecture: "x86_64" });
    const of = (user: string) => report.model.targets.find((one) => one.user === user);
    expect(of("bprm_check")?.model).toMatchObject({
      args: [{ type: "struct linux_binprm *", as: "pointer", bytes: 8 }],
      returns: { as: "integer", bytes: 4, signed: true },
      variadic: false,
      obstacles: [],
    });
    expect(report.model.fields).toContainEqual(
      expect.objectContaining({
        owner: "slots",
        offset: 24,
        kind: "referenced",
        pointee: { name: "task_struct", kind: "struct" },
        status: "kernel",
      }),
    );
    // Its function bpf_task_release came with 6.2.
    expect(text).toMatch(/\nkptr\.o +\.ksyms +kfunc +bpf_task_release +missing +there is no function bpf_task_release/);
    expect(text).toMatch(/\nfreplace\.o +replacement +freplace +global_work +unknown +no other object/);
    expect(text).toContain("\n13 targets, 2 not found or not possible; 4 fields of maps, 0 refused\n");
  });

  it("says in a line that all is there", async () => {
    const { report, text } = await verify(newer, [fixture("kptr"), fixture("sched_switch")]);
    expect(report.model.targets.map(({ status }) => status)).toEqual(Array(5).fill("found"));
    expect(text.split("\n").slice(1)).toEqual([
      `${newer} for ${newer}: holds at level instructions`,
      expect.stringMatching(/^2 objects, /),
      "5 targets, 0 not found or not possible; 4 fields of maps, 0 refused",
      "",
    ]);
  });

  it("resolves a replacement's function in the other object, and says why it does not fit", async () => {
    const { report, text } = await verify(old, [fixture("freplace"), fixture("globals")]);
    expect(report.model.targets).toMatchObject([{ status: "impossible", source: fixture("globals") }]);
    expect(text).toMatch(/\nfreplace\.o +replacement +freplace +global_work +impossible +\S/);
  });

  it("looks in the modules that are given", async () => {
    const object = attached("fentry/veth:veth_xmit");
    const without = await verify(newer, [object]);
    expect(without.report.model.targets).toMatchObject([{ status: "missing", module: "veth", model: null }]);
    expect(without.text).toContain("there is no function veth_xmit in module veth");
    const veth = moduleSamples().find(({ name }) => name === "veth")?.path ?? "";
    const { report, code } = await verify(newer, [object], "--full-module", veth, "--small-module", veth);
    expect(code).toBe(0);
    expect(report.model.targets).toMatchObject([{ status: "found", source: veth, model: { args: [{}, {}] } }]);
  });

  it("shows pointers to types that a kernel lacks, and refuses tags out of order", async () => {
    const rows = [
      typeTag("kptr", 2),
      struct("pair_of_its_own", 16),
      ...[typeTag("other", 4), ["", 0x0a000000, 1] as const, ptr(3)],
      ...[ptr(1), variable("wrong", 5), variable("own", 6)],
      datasec(".bss", 16, [place(7, 0, 8), place(8, 8, 8)]),
    ];
    const { report, text, code } = await verify(old, [put("tags.o", objectBytes({ rows, programs: [] }))]);
    expect(code).toBe(0);
    expect(report.model.fields).toMatchObject([
      { owner: "wrong", status: "refused", problem: { code: "tag-order" } },
      { owner: "own", status: "own", pointee: { name: "pair_of_its_own" }, problem: null },
    ]);
    expect(text).toMatch(/\ntags\.o +wrong \(global\) .* refused: type tags \(other, kptr\) stand behind a qualifier/);
    expect(text).toMatch(/\ntags\.o +own \(global\) .* struct pair_of_its_own +not there: the object's own type\n/);
    expect(text).toContain("0 targets, 0 not found or not possible; 2 fields of maps, 1 refused\n");
  });

  it("judges by the release of the kernel: a file's name, or the image's own", async () => {
    const object = attached("fentry/bzImage64_load");
    const { report, text, code } = await verify(old, [object]);
    expect(code).toBe(0);
    expect(report.model.targets).toMatchObject([
      { status: "impossible", model: { words: 7, obstacles: [{ code: "too-many-words" }] } },
    ]);
    expect(text).toMatch(/\nattached\.o +program +fentry +bzImage64_load +impossible +its arguments take 7 words/);
    const image = put("vmlinux", vmlinux("mark", "6.12.3-amd64"));
    const small = join(directory, "small.btf");
    await runText(["minimize", image, fixture("exec"), "-o", small]);
    const line = ["verify", small, "--kernel", image, "--level", "instructions", fixture("exec"), "--json"];
    expect((JSON.parse((await runText(line)).stdout) as VerifyReport).model.rules).toEqual({
      since: "6.6",
      release: "6.12.3-amd64",
      from: "image",
      architecture: "x86_64",
    });
  });
});

describeOracle("verify of libbpf-tools, of what they attach to", ["libbpf-tools"], () => {
  it("names what Debian's 6.1 has not, or cannot attach them to", async () => {
    const tools = libbpfToolsExecutables();
    const { report } = await verify(old, tools);
    const bad = report.model.targets.filter(({ status }) => status !== "found");
    // docs/VERIFY.md has that kernel's own words on the missing ones; what takes too many words loads, and is not attached.
    expect([...new Set(bad.map(({ name, status }) => `${status} ${name}`))].sort()).toEqual([
      "impossible tcp_v4_syn_recv_sock",
      "impossible tcp_v6_syn_recv_sock",
      "missing __page_cache_alloc",
      "missing account_page_dirtied",
      "missing blk_account_io_start",
      "missing do_page_cache_ra",
      "missing dummy_file_open",
      "missing dummy_file_read",
      "missing dummy_file_sync",
      "missing dummy_file_write",
      "missing dummy_getattr",
      "missing md_flush_request",
    ]);
  });
});
