/** Whole checks in virtual machines; see scripts/test-vm.mjs. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import type { CompatDocument } from "../../corpus/compat/document.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { COMMAND, FIXTURES, TOOLS } from "./objects.ts";
import { kernelRow, kernelTable, type TableRow, withTable } from "./table.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
/** The document whose table is to be made anew, of all objects; else a few stand for the others. */
const document = process.env.BTFGEN_VM_TABLE;
const LEAST_KERNELS = 3;
const RUN_MS = document === undefined ? 400_000 : 2_400_000;
/** A machine that does other things, too, is slow to boot. */
const STEP_SECONDS = "120";

/** Of libbpf-tools: tracepoints, kprobes, fentry, maps of all kinds. */
const FEW = /\/(execsnoop|opensnoop|tcpconnect|biolatency|vfsstat)$/;
const OBJECTS = [...FIXTURES, ...(document === undefined ? TOOLS.filter((path) => FEW.test(path)) : TOOLS)];

/** What libbpf says where a kernel lacks what a program attaches to, or what its object calls. */
const NO_TARGET = /failed to find kernel BTF type ID|not found in kernel or module BTFs/;

const packages = readdirSync(kernels).filter((name) => name.endsWith(".deb"));
const { directory } = workspace();
const rows: TableRow[] = [];

/** `OBJECT PROGRAM` of those that compat says lack something on a kernel. */
function programsWithoutTarget(image: string): Set<string> {
  const line = ["compat", ...OBJECTS, "--corpus", image, "--programs", "--json"];
  const ended = runProcess([process.execPath, COMMAND, ...line]);
  const found = JSON.parse(Buffer.from(ended.stdout).toString() || "null") as CompatDocument | null;
  if (found === null || found.rows.length !== 1) throw new Error(`no matrix: ${ended.stderr}`);
  const { columns, objects, outcomes, rows } = found;
  const names = columns.map(({ object, program }) => `${objects[object]?.name} ${program}`);
  return new Set(
    names.filter((_, at) => outcomes[rows[0]?.[at] ?? -1]?.findings.some(({ status }) => status === "no-target")),
  );
}

describe("verify --kernel IMAGE", () => {
  it(`has ${LEAST_KERNELS} kernels, and libbpf-tools`, () => {
    expect(packages.length).toBeGreaterThanOrEqual(LEAST_KERNELS);
    expect(OBJECTS.length).toBeGreaterThan(FIXTURES.length);
  });

  it.each(packages)(
    "%s takes with small BTF what it takes with its own",
    (name) => {
      const image = join(kernels, name);
      const small = join(directory, `${name}.btf`);
      // Some fixtures have relocations that no loader takes, which is exit code 1.
      const made = runProcess([process.execPath, COMMAND, "minimize", image, ...OBJECTS, "-o", small]);
      expect(made.code, made.stderr).toBeLessThan(2);
      const start = performance.now();
      const line = ["verify", small, ...OBJECTS, "--kernel", image, "--timeout", STEP_SECONDS, "--json"];
      const ended = runProcess([process.execPath, COMMAND, ...line], { timeoutMs: RUN_MS });
      const report = JSON.parse(Buffer.from(ended.stdout).toString() || "null") as VerifyReport | null;
      if (report === null) throw new Error(`no report: ${ended.stderr}`);
      rows.push(kernelRow(report, (performance.now() - start) / 1000));
      expect(report.kernel?.programs.filter(({ verdict }) => verdict === "failed")).toEqual([]);
      expect(report.kernel?.together.filter(({ verdict }) => verdict === "failed")).toEqual([]);
      expect(report.libbpf?.differences).toEqual([]);
      expect([...(report.libbpf?.broken ?? []), ...(report.kernel?.broken ?? [])]).toEqual([]);
      expect({ code: ended.code, level: report.level, noFurther: report.noFurther }).toEqual({
        code: 0,
        level: "kernel",
        noFurther: null,
      });
      // Every one that is not tested has its reason.
      const untested = report.kernel?.programs.filter(({ verdict }) => verdict === "not-tested") ?? [];
      expect(untested.filter(({ reason }) => !reason?.text)).toEqual([]);
      expect(report.kernel?.counts.accepted).toBeGreaterThan(untested.length);
      expect(basename(image)).toContain(report.machine?.kernel ?? "no kernel");
      const lacking = programsWithoutTarget(image);
      const programs = (report.kernel?.programs ?? []).map(({ object, program, verdict, reason }) => {
        return { name: `${object} ${program}`, verdict, isLacking: NO_TARGET.test(reason?.text ?? "") };
      });
      expect(programs.filter(({ name, isLacking }) => isLacking && !lacking.has(name))).toEqual([]);
      expect(programs.filter(({ name, verdict }) => verdict === "accepted" && lacking.has(name))).toEqual([]);
      expect(programs.some(({ isLacking }) => isLacking)).toBe(lacking.size > 0);
    },
    RUN_MS + 60_000,
  );

  afterAll(() => {
    const table = kernelTable(rows);
    process.stdout.write(`${table}\n`);
    if (document !== undefined) writeFileSync(document, withTable(readFileSync(document, "utf8"), table));
  });
});
