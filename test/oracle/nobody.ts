import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const NOBODY = 65_534;
const DROP = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] as const;

function withoutPrivilege(words: readonly string[]): SpawnSyncReturns<string> {
  const [program, ...drop] = DROP;
  return spawnSync(program, [...drop, ...words], {
    encoding: "utf8",
    env: { ...process.env, NODE_EXTRA_CA_CERTS: "", TMPDIR: "/tmp" },
  });
}

/** Why {@link asNobody} cannot be; undefined where it can: a Node below root's own folder is not for others to run. */
export function whyNotAsNobody(): string | undefined {
  // A shell: what setpriv itself starts is still found with root's rights.
  const { status } = withoutPrivilege(["sh", "-c", '"$0" --version', process.execPath]);
  return status === 0 ? undefined : `${process.execPath} cannot be run without privilege`;
}

/** The command, run by somebody who may do nothing. */
export const asNobody = (line: readonly string[]): SpawnSyncReturns<string> =>
  withoutPrivilege([process.execPath, command, ...line]);
