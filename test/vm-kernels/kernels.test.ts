/** Whole checks in virtual machines; see scripts/test-vm.mjs. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify-report.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { kernelRow, kernelTable, type TableRow, withTable } from "./table.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = join(root, "dist/btfgen.cjs");
const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const LEAST_KERNELS = 3;
const RUN_MS = 400_000;
/** A machine that does other things, too, is slow to boot. */
const STEP_SECONDS = "120";

/** The project's own objects: each kind of relocation, of program and of map. */
const FIXTURES = [
  ...["exec", "sched_switch", "tcp_connect", "fentry_fexit", "file_open", "iter_task", "lsm_exec", "struct_ops"],
  ...["arrays", "bitfields", "enums", "flavours", "types", "instructions", "kptr", "globals", "externs", "freplace"],
].map((name) => join(root, `test/fixtures/objects/${name}.o`));
/** Programs of Debian's package libbpf-tools that stand for the others: tracepoints, kprobes, fentry, maps of all kinds. */
const TOOLS = ["execsnoop", "opensnoop", "tcpconnect", "biolatency", "vfsstat"]
  .map((name) => `/usr/sbin/${name}`)
  .filter((path) => existsSync(path));
const OBJECTS = [...FIXTURES, ...TOOLS];

const packages = readdirSync(kernels).filter((name) => name.endsWith(".deb"));
const { directory } = workspace();
const rows: TableRow[] = [];

describe("verify --kernel IMAGE", () => {
  it(`has ${LEAST_KERNELS} kernels, and libbpf-tools`, () => {
    expect(packages.length).toBeGreaterThanOrEqual(LEAST_KERNELS);
    expect(TOOLS.length).toBeGreaterThan(0);
  });

  it.each(packages)(
    "%s takes with small BTF what it takes with its own",
    (name) => {
      const image = join(kernels, name);
      const small = join(directory, `${name}.btf`);
      expect(runProcess([process.execPath, command, "minimize", image, ...OBJECTS, "-o", small]).code).toBe(0);
      const start = performance.now();
      const line = ["verify", small, ...OBJECTS, "--kernel", image, "--timeout", STEP_SECONDS, "--json"];
      const ended = runProcess([process.execPath, command, ...line], { timeoutMs: RUN_MS });
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
    },
    RUN_MS,
  );

  afterAll(() => {
    const table = kernelTable(rows);
    process.stdout.write(`${table}\n`);
    const document = process.env.BTFGEN_VM_TABLE;
    if (document !== undefined) writeFileSync(document, withTable(readFileSync(document, "utf8"), table));
  });
});
