// @ts-check
// SPDX-License-Identifier: MIT
/**
 * `npm run test:vm`: the verifier-backed check in virtual machines, on a kernel of each of three Debian releases. The
 * packages are fetched once, from the mirror that this machine's own apt uses, into BTFGEN_VM_KERNELS or a cache of this
 * clone. With `--write` the table goes into docs/VERIFY.md. Other arguments go to vitest.
 */
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { $ } from "zx";
import { openAptRoot } from "./corpus/apt-root.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const kernels = process.env.BTFGEN_VM_KERNELS ?? join(root, "node_modules", ".cache", "btfgen-vm-kernels");
const args = process.argv.slice(2);
/** A package's name by the release that has it. From 6.19 on the image is in linux-binary-*. */
const WANTED = /** @type {const} */ ([
  ["bookworm", /^linux-image-6\.1\.\d.*\d-cloud-amd64$/],
  ["trixie", /^linux-image-6\.12\..*[\dn]-cloud-amd64$/],
  ["sid", /^linux-(binary|image)-([7-9]|\d\d)\..*[\dn]-cloud-amd64$/],
]);

mkdirSync(kernels, { recursive: true });
for (const [suite, pattern] of WANTED) {
  if (present().some((file) => pattern.test(file.split("_", 1)[0] ?? ""))) continue;
  await fetchKernel(suite, pattern).catch((/** @type {unknown} */ error) => {
    console.error(`no kernel of ${suite}: ${error instanceof Error ? error.message : error}`);
  });
}
const { exitCode } = await $({
  stdio: "inherit",
  nothrow: true,
  preferLocal: true,
  cwd: root,
  env: {
    ...process.env,
    BTFGEN_VM_KERNELS: kernels,
    ...(args.includes("--write") ? { BTFGEN_VM_TABLE: join(root, "docs/VERIFY.md") } : {}),
  },
})`vitest run test/vm-kernels ${args.filter((arg) => arg !== "--write")}`;
process.exitCode = exitCode ?? 1;

function present() {
  return readdirSync(kernels).filter((name) => name.endsWith(".deb"));
}

/** The newest of a release's kernels. @param {string} suite @param {RegExp} pattern */
async function fetchKernel(suite, pattern) {
  const apt = await openAptRoot(await mkdtemp(join(tmpdir(), "btfgen-vm-apt-")), "amd64", [suite]);
  try {
    const byVersion = new Intl.Collator("en", { numeric: true });
    const names = (await apt.names()).filter((name) => pattern.test(name)).sort(byVersion.compare);
    const binary = names.filter((name) => name.startsWith("linux-binary-"));
    const name = (binary.length > 0 ? binary : names).at(-1);
    if (name === undefined) throw new Error("the release has none");
    const file = await apt.download(name);
    copyFileSync(file, join(kernels, basename(file)));
  } finally {
    apt.close();
  }
}
