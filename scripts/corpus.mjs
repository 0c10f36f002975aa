// @ts-check
// SPDX-License-Identifier: MIT
/**
 * Makes a corpus of real kernels' BTF in BTFHub's layout out of a distribution's packages.
 *
 *   npm run corpus -- debian --suite bookworm,bookworm-security --flavour cloud-amd64,amd64 -o DIR
 *   npm run corpus -- debian --preset wide -o DIR      the 30 and more kernels of `npm run test:corpus`
 *
 *   --suite S,...     bullseye, bookworm, bookworm-backports, trixie, sid ...; NAME-security is that archive
 *   --flavour F,...   what the package's name ends with: cloud-amd64, rt-amd64, amd64, cloud-arm64, powerpc64le ...
 *   --arch A,...      Debian's names: amd64, arm64, ppc64el, riscv64, s390x (amd64)
 *   --newest N        as many of the newest kernels of each series (5.10, 6.1 ...) and flavour (1)
 *   --layout L        btfhub (RELEASE.btf.tar.xz, the default) or raw
 *   --list            only say which packages would be fetched
 *   -o DIR            where to
 *
 * Packages come from the mirror that this machine's own apt uses, by apt itself, in a private directory: nothing of
 * the machine's package state is touched. One package is on disk at a time; kernels that are there are not fetched again.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { $, argv } from "zx";
import { openAptRoot } from "./corpus/apt-root.mjs";
import { WIDE } from "./corpus/wide.mjs";

$.quiet = true;
const COMMAND = fileURLToPath(new URL("../dist/btfgen.cjs", import.meta.url));

/**
 * @typedef {object} Wish
 * @property {string[]} suites
 * @property {string[]} flavours
 * @property {string} arch
 * @property {number} newest
 */

/** @param {unknown} value @returns {string[]} */
const list = (value) => (value === undefined ? [] : String(value).split(",").filter(Boolean));

/** @returns {Wish[]} */
function wishes() {
  if (argv.preset === "wide") return WIDE;
  if (argv.preset !== undefined) throw new Error(`there is no preset ${argv.preset}; there is: wide`);
  const suites = list(argv.suite);
  const flavours = list(argv.flavour);
  if (suites.length === 0 || flavours.length === 0)
    throw new Error("--suite and --flavour are needed, or --preset wide");
  const newest = Number(argv.newest ?? 1);
  if (!(newest >= 1)) throw new Error("--newest takes a number above 0");
  const archs = list(argv.arch);
  return (archs.length > 0 ? archs : ["amd64"]).map((arch) => ({ suites, flavours, arch, newest }));
}

/** Kernel packages a wish means: the newest of each series and flavour. @param {string[]} names @param {Wish} wish */
function chosen(names, { flavours, newest }) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const name of names) {
    const match = /^linux-(?:image|binary)-((\d+\.\d+)\.\d+.*?)-([a-z].*)$/.exec(name);
    if (match === null || /-(dbg|unsigned|template)$/.test(name)) continue;
    const [, version = "", series = "", flavour = ""] = match;
    if (!flavours.includes(flavour)) continue;
    // From 6.19 on the image is in linux-binary-*, and linux-image-* only depends on it.
    if (name.startsWith("linux-image-") && names.includes(name.replace("linux-image-", "linux-binary-"))) continue;
    // The same series of two releases (6.12 of 12 and 13) are two.
    const group = `${series} ${/deb\d+/.exec(version)?.[0] ?? ""} ${flavour}`;
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  const byVersion = new Intl.Collator("en", { numeric: true });
  return [...groups.values()].flatMap((group) => group.sort(byVersion.compare).slice(-newest));
}

/** Releases that are in the output, so that nothing is fetched twice. @param {string} directory */
function present(directory) {
  try {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true });
    return new Set(files.map(({ name }) => name.replace(/\.btf(\.tar\.xz)?$/, "")));
  } catch {
    return new Set();
  }
}

/** @param {string} output @param {string} work */
async function run(output, work) {
  const there = argv.list ? new Set() : present(output);
  let failed = 0;
  let fetched = 0;
  const begin = Date.now();
  for (const wish of wishes()) {
    const apt = await openAptRoot(join(work, wish.arch + wish.suites.join("-")), wish.arch, wish.suites);
    for (const name of chosen(await apt.names(), wish)) {
      const release = name.replace(/^linux-(image|binary)-/, "");
      if (there.has(release)) continue;
      there.add(release);
      if (argv.list) {
        console.log(`${wish.arch} ${name}`);
        continue;
      }
      const start = Date.now();
      try {
        const deb = await apt.download(name);
        const megabytes = (statSync(deb).size / 1e6).toFixed(1);
        const got = Date.now();
        await $`nice ${process.execPath} ${COMMAND} extract ${deb} -o ${output} --layout ${argv.layout ?? "btfhub"}`;
        rmSync(deb, { force: true });
        fetched++;
        /** @param {number} ms */
        const seconds = (ms) => (ms / 1000).toFixed(1);
        console.log(
          `${release}: ${megabytes} MB in ${seconds(got - start)} s, extracted in ${seconds(Date.now() - got)} s`,
        );
      } catch (error) {
        // A mirror drops old packages while its lists still have them: the others are worth having all the same.
        failed++;
        console.error(`${release}: ${reason(error)}`);
      }
    }
    apt.close();
  }
  if (!argv.list) console.log(`${fetched} kernels in ${Math.round((Date.now() - begin) / 1000)} s, ${failed} failed`);
  return failed > 0 && fetched === 0 ? 1 : 0;
}

/** The last line of what a program said; its errors are long. @param {any} error */
function reason(error) {
  const text = String(error.stderr ?? error.message ?? error).trim();
  return (text.split("\n").at(-1) ?? text).replace(/https?:\/\/\S+/g, "the mirror");
}

const [distribution] = argv._;
const output = argv.o ?? argv.output;
if (distribution !== "debian" || (output === undefined && !argv.list)) {
  console.error("usage: npm run corpus -- debian --suite SUITE,... --flavour FLAVOUR,... [--arch ARCH,...] -o DIR");
  process.exit(2);
}
const target = resolve(output ?? ".");
const work = await mkdtemp(join(tmpdir(), "btfgen-corpus-"));
try {
  if (!argv.list) mkdirSync(target, { recursive: true });
  process.exitCode = await run(target, work);
} catch (error) {
  console.error(`corpus: ${reason(error)}`);
  process.exitCode = 3;
} finally {
  rmSync(work, { recursive: true, force: true });
}
