// @ts-check
// SPDX-License-Identifier: MIT
// Names in package-lock.json the optional packages of other platforms that npm left out. A registry that lacks some of
// them (a mirror, usually) makes `npm install` write a lock file that `npm ci` refuses; run this after it.
// `--check` changes nothing and fails where something is missing.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const LOCK = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const PLATFORMS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

/** @typedef {{ version?: string, dev?: boolean, optional?: boolean, peer?: boolean, cpu?: string[], os?: string[],
 *   libc?: string[], optionalDependencies?: Record<string, string> }} LockEntry */

const lock = JSON.parse(readFileSync(LOCK, "utf8"));
/** @type {Record<string, LockEntry>} */
const packages = lock.packages;
/** @type {string[]} */
const added = [];
for (const [path, entry] of Object.entries(packages)) {
  if (path === "") continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isThere(path, name)) continue;
    const words = name.split(/[-/@]/);
    packages[`node_modules/${name}`] = {
      version: version.replace(/^[\^~]/, ""),
      ...pick("cpu", PROCESSORS, words),
      ...(entry.dev === true ? { dev: true } : {}),
      ...(words.includes("musl") ? { libc: ["musl"] } : {}),
      ...(words.includes("gnu") ? { libc: ["glibc"] } : {}),
      optional: true,
      ...pick("os", PLATFORMS, words),
      ...(entry.peer === true ? { peer: true } : {}),
    };
    added.push(name);
  }
}

if (added.length === 0) {
  process.stdout.write("package-lock.json names every platform's packages\n");
} else if (process.argv.includes("--check")) {
  process.stderr.write(`package-lock.json lacks ${added.join(", ")}; run npm run mend-lock\n`);
  process.exitCode = 1;
} else {
  lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`added ${added.join(", ")}\n`);
}

/** @param {string} from @param {string} name */
function isThere(from, name) {
  return packages[`${from}/node_modules/${name}`] !== undefined || packages[`node_modules/${name}`] !== undefined;
}

/** @param {string} key @param {string[]} known @param {string[]} words */
function pick(key, known, words) {
  const found = known.filter((word) => words.includes(word));
  return found.length === 0 ? {} : { [key]: found };
}
