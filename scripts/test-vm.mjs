// @ts-check
// SPDX-License-Identifier: MIT
/**
 * `npm run test:vm`: the verifier-backed check in virtual machines, on a kernel of each of four Debian releases, and on this
 * one with libbpf of other releases. The packages are fetched once, from the mirror that this machine's own apt uses, into
 * BTFGEN_VM_KERNELS and BTFGEN_LIBBPF_ROOTS, or a cache of this clone. With `--write` the table goes into docs/VERIFY.md, of all
 * programs of libbpf-tools. Other arguments go to vitest.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { $ } from "zx";
import { openAptRoot } from "./corpus/apt-root.mjs";
import { makeLibbpfRoot } from "./corpus/libbpf-root.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const cache = join(root, "node_modules", ".cache");
const kernels = process.env.BTFGEN_VM_KERNELS ?? join(cache, "btfgen-vm-kernels");
const libbpfs = process.env.BTFGEN_LIBBPF_ROOTS ?? join(cache, "btfgen-libbpf-roots");
const isWriting = process.argv.includes("--write");
/** Files or options for vitest. */
const given = process.argv.slice(2).filter((arg) => arg !== "--write");
/** How long vitest may take: what hangs is to be seen, and not to stop a build for good. */
const TEST_LIMIT = isWriting ? "90m" : "20m";

/**
 * @typedef {object} Wish
 * @property {string[]} suites
 * @property {RegExp} [kernel] a package's name; from 6.19 on the image is in linux-binary-*
 * @property {{ version: string, name: string }} [libbpf] the version that it has, and the package (`NAME/SUITE`)
 */

/** @type {Wish[]} */
const WANTED = [
  // The last kernel whose BPF maps count as locked memory.
  { suites: ["bullseye", "bullseye-security"], kernel: /^linux-image-5\.10\.\d.*\d-cloud-amd64$/ },
  {
    suites: ["bookworm", "bookworm-backports"],
    kernel: /^linux-image-6\.1\.\d.*\d-cloud-amd64$/,
    libbpf: { version: "1.4", name: "libbpf1/bookworm-backports" },
  },
  {
    suites: ["trixie"],
    kernel: /^linux-image-6\.12\..*[\dn]-cloud-amd64$/,
    libbpf: { version: "1.5", name: "libbpf1" },
  },
  {
    suites: ["sid"],
    kernel: /^linux-(binary|image)-([7-9]|\d\d)\..*[\dn]-cloud-amd64$/,
    libbpf: { version: "1.7", name: "libbpf1" },
  },
];

mkdirSync(kernels, { recursive: true });
mkdirSync(libbpfs, { recursive: true });
for (const wish of WANTED) await fetchWish(wish);
const { exitCode } = await $({
  stdio: "inherit",
  nothrow: true,
  preferLocal: true,
  cwd: root,
  timeout: TEST_LIMIT,
  env: {
    ...process.env,
    BTFGEN_VM_KERNELS: kernels,
    BTFGEN_LIBBPF_ROOTS: libbpfs,
    ...(isWriting ? { BTFGEN_VM_TABLE: join(root, "docs/VERIFY.md") } : {}),
  },
})`vitest run ${given.length > 0 ? given : ["test/vm-kernels"]}`;
process.exitCode = exitCode ?? 1;

/** What is there is not fetched again; what cannot be had is said, and the tests say what they lack. @param {Wish} wish */
async function fetchWish({ suites, kernel, libbpf }) {
  const lacksKernel =
    kernel !== undefined &&
    !readdirSync(kernels).some((file) => file.endsWith(".deb") && kernel.test(file.split("_", 1)[0] ?? ""));
  const target = join(libbpfs, libbpf?.version ?? "");
  const lacksLibbpf = libbpf !== undefined && !existsSync(target);
  if (!lacksKernel && !lacksLibbpf) return;
  const apt = await openAptRoot(await mkdtemp(join(tmpdir(), "btfgen-vm-apt-")), "amd64", suites);
  /** @param {string} what @param {() => Promise<unknown>} fetching */
  const attempt = (what, fetching) =>
    fetching().catch((/** @type {unknown} */ error) => {
      console.error(`no ${what} of ${suites[0]}: ${error instanceof Error ? error.message : error}`);
    });
  try {
    if (lacksKernel) await attempt("kernel", () => fetchKernel(apt, kernel));
    if (lacksLibbpf) await attempt("libbpf", () => makeLibbpfRoot(apt, target, libbpf.name));
  } finally {
    apt.close();
  }
}

/**
 * The newest of a release's kernels.
 * @param {Awaited<ReturnType<typeof openAptRoot>>} apt
 * @param {RegExp} pattern
 */
async function fetchKernel(apt, pattern) {
  const byVersion = new Intl.Collator("en", { numeric: true });
  const names = (await apt.names()).filter((name) => pattern.test(name)).sort(byVersion.compare);
  const binary = names.filter((name) => name.startsWith("linux-binary-"));
  const name = (binary.length > 0 ? binary : names).at(-1);
  if (name === undefined) throw new Error("the release has none");
  const file = await apt.download(name);
  copyFileSync(file, join(kernels, basename(file)));
}
