/** `verify` with libbpf of other releases, each on the C library that it was built for; see scripts/test-vm.mjs. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { COMMAND, FIXTURES, REPOSITORY, TOOLS } from "./objects.ts";

const HOST_BTF = "/sys/kernel/btf/vmlinux";
const roots = process.env.BTFGEN_LIBBPF_ROOTS ?? "";
const versions = (existsSync(roots) ? readdirSync(roots) : []).filter((name) => /^1\.\d+$/.test(name));
const LEAST_VERSIONS = 3;
const RUN_MS = 200_000;
const IN_ROOT = join(import.meta.dirname, "in-root.sh");
const { directory } = workspace();
const temporary = join(directory, "tmp");
const small = join(directory, "small.btf");

function verify(version: string, objects: readonly string[], ...rest: string[]) {
  const inRoot = ["unshare", "--mount", "sh", IN_ROOT, join(roots, version), REPOSITORY, directory, process.execPath];
  const line = [COMMAND, "verify", small, "--full", HOST_BTF, ...objects, ...rest, "--json"];
  const env = { TMPDIR: temporary, NODE_EXTRA_CA_CERTS: "" };
  const { code, stdout, stderr } = runProcess([...inRoot, ...line], { timeoutMs: RUN_MS, env });
  const report = JSON.parse(Buffer.from(stdout).toString() || "null") as VerifyReport | null;
  if (report === null) throw new Error(`no report: ${stderr}`);
  return { report, code, stderr };
}

describeOracle("verify with libbpf of other releases", ["bpf", "libbpf-tools"], () => {
  beforeAll(() => {
    mkdirSync(temporary);
    runProcess([process.execPath, COMMAND, "minimize", HOST_BTF, ...FIXTURES, ...TOOLS, "-o", small]);
  });

  it(`has ${LEAST_VERSIONS} of them`, () => {
    expect(versions.length).toBeGreaterThanOrEqual(LEAST_VERSIONS);
  });

  it.each(versions)(
    "%s makes the same code with small BTF, and the same as ours, of all objects",
    (version) => {
      const { report, code, stderr } = verify(version, [...FIXTURES, ...TOOLS], "--level", "libbpf");
      expect(report.libbpf?.differences).toEqual([]);
      expect({ code, level: report.level, broken: report.libbpf?.broken }, stderr).toEqual({
        code: 0,
        level: "libbpf",
        broken: [],
      });
      expect(report.machine?.libbpf).toMatch(new RegExp(`^${version}\\b`));
      expect(report.libbpf?.programs).toBeGreaterThan(report.objects.length);
      expect(report.libbpf?.relocations).toBeGreaterThan(report.proof.relocations);
    },
    RUN_MS,
  );

  it.each(versions)(
    "%s loads with small BTF what it loads with full",
    (version) => {
      const { report, code, stderr } = verify(version, FIXTURES, "--kernel", "host");
      expect(report.kernel?.programs.filter(({ verdict }) => verdict === "failed")).toEqual([]);
      expect({ code, level: report.level, broken: report.kernel?.broken }, stderr).toEqual({
        code: 0,
        level: "kernel",
        broken: [],
      });
      const { accepted = 0, "not-tested": untested = 0 } = report.kernel?.counts ?? {};
      expect(accepted).toBeGreaterThan(untested);
    },
    RUN_MS,
  );
});
