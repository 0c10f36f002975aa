// @ts-check
// SPDX-License-Identifier: MIT
/**
 * `npm run test:corpus`: the tests over real kernels, 30 and more of five architectures. They are fetched once, by
 * scripts/corpus.mjs, into BTFGEN_CORPUS or a cache of this clone; what is there already is not fetched again.
 * Arguments go to vitest.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { $ } from "zx";

const root = fileURLToPath(new URL("../", import.meta.url));
const corpus = process.env.BTFGEN_CORPUS ?? join(root, "node_modules", ".cache", "btfgen-corpus");
const ENOUGH_KERNELS = 30;
/** No download begins later than that. */
const FETCH_MINUTES = 8;

mkdirSync(corpus, { recursive: true });
if (kernels() < ENOUGH_KERNELS) {
  await $({
    stdio: "inherit",
    nothrow: true,
  })`${process.execPath} ${join(root, "scripts/corpus.mjs")} debian --preset wide --minutes ${FETCH_MINUTES} -o ${corpus}`;
}
if (kernels() < ENOUGH_KERNELS) console.error(`only ${kernels()} kernels could be fetched into ${corpus}`);
const { exitCode } = await $({
  stdio: "inherit",
  nothrow: true,
  preferLocal: true,
  cwd: root,
  env: { ...process.env, BTFGEN_CORPUS: corpus },
})`vitest run test/corpus-real ${process.argv.slice(2)}`;
process.exitCode = exitCode ?? 1;

function kernels() {
  return readdirSync(corpus, { recursive: true }).filter((name) => String(name).endsWith(".btf.tar.xz")).length;
}
