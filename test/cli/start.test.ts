import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { KERNEL_NAMES, KERNEL_OF_MODULES } from "../samples.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

it("minimizes every sample kernel, alone and with its modules, and shows the proofs", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts/start.mjs")], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NODE_EXTRA_CA_CERTS: "" },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const count = KERNEL_NAMES.length + 1;
  expect(stdout).toContain(`${count} of ${count} proved`);
  expect(stdout.match(/[1-9]\d* pairs the same$/gm)).toHaveLength(count);
  expect(stdout).toMatch(/s390x 6\.12\.107\+deb13-s390x +88,137 +-> \d+/);
  for (const name of KERNEL_NAMES) expect(existsSync(join(root, "out", `${name}.btf`)), name).toBe(true);
  expect(existsSync(join(root, "out", `${KERNEL_OF_MODULES}.modules`, "veth.btf"))).toBe(true);
}, 60_000);
