/** The mutation table of test/cli/verify-levels.test.ts in a virtual machine: another kernel, the same answers. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { btfMutations } from "../cli/btf-mutations.ts";
import { failedLevels, MUTATED_OBJECTS, MUTATION_TABLE } from "../cli/mutation-table.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { COMMAND, FIXTURES } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const image = join(kernels, readdirSync(kernels).find((name) => /^linux-image-6\.12\..*\.deb$/.test(name)) ?? "");
const fixture = (name: string) => FIXTURES.find((path) => path.endsWith(`/${name}.o`)) ?? "";
const MINUTES = 240_000;
/** What the running kernel lacks, and Debian's has: a program is not poisoned there, and its verifier sees the difference. */
const ELSEWHERE = new Map([["an enumerator of a poisoned program is changed", "proof instructions libbpf kernel"]]);
const { directory, put } = workspace();

describe("small BTF that is broken", () => {
  let bytes = new Uint8Array();
  beforeAll(() => {
    const small = join(directory, "right.btf");
    runProcess([process.execPath, COMMAND, "minimize", image, ...MUTATED_OBJECTS.map(fixture), "-o", small]);
    bytes = new Uint8Array(readFileSync(small));
  });

  it.each(MUTATION_TABLE.map(([name, caught, object]) => [name, ELSEWHERE.get(name) ?? caught, object] as const))(
    "%s: caught by %j in a virtual machine",
    (name, caught, object) => {
      const path = put(`${name}.btf`, btfMutations(parseBtf(bytes), bytes)[name]);
      const line = ["verify", path, fixture(object), "--kernel", image, "--level", "kernel", "--json"];
      const { code, stdout, stderr } = runProcess([process.execPath, COMMAND, ...line], { timeoutMs: MINUTES });
      const report = JSON.parse(Buffer.from(stdout).toString() || "null") as VerifyReport | null;
      if (report === null) throw new Error(`no report: ${stderr}`);
      expect(failedLevels(report)).toBe(caught);
      expect({ code, level: report.level, kernel: report.machine?.kernel }).toEqual({
        ...(caught === "" ? { code: 0, level: "kernel" } : { code: 1, level: null }),
        kernel: expect.stringMatching(/^6\.12\./),
      });
    },
    MINUTES,
  );
});
