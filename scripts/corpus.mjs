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
 *   --series S,...    5.10, 6.1 ...: of these alone (all)
 *   --newest N        as many of the newest kernels of each series (5.10, 6.1 ...) and flavour (1)
 *   --layout L        btfhub (RELEASE.btf.tar.xz, the default) or raw
 *   --minutes N       begin no download after that long (no end)
 *   --list            only say which packages would be fetched
 *   -o DIR            where to
 *
 * Packages come from the mirror that this machine's own apt uses, by apt itself, in a private directory: nothing of
 * the machine's package state is touched. Two architectures are fetched at a time, one package each is on disk; kernels that
 * are there are not fetched again. What the mirror has no more, or gives too slowly, is reported and passed over.
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
const LANES = 2;
const COMMAND = fileURLToPath(new URL("../dist/btfgen.cjs", import.meta.url));

/**
 * @typedef {object} Wish
 * @property {string[]} suites
 * @property {string[]} flavours
 * @property {string} arch
 * @property {string[]} [series]
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
  const series = list(argv.series);
  return (archs.length > 0 ? archs : ["amd64"]).map((arch) => ({
    suites,
    flavours,
    arch,
    newest,
    ...(series.length > 0 ? { series } : {}),
  }));
}

/** Kernel packages a wish means: the newest of each series and flavour. @param {string[]} names @param {Wish} wish */
function chosen(names, { flavours, series: wanted, newest }) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const name of names) {
    const match = /^linux-(?:image|binary)-((\d+\.\d+)\.\d+.*?)-([a-z].*)$/.exec(name);
    if (match === null || /-(dbg|unsigned|template)$/.test(name)) continue;
    const [, version = "", series = "", flavour = ""] = match;
    if (!flavours.includes(flavour) || wanted?.includes(series) === false) continue;
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
  const begin = Date.now();
  const end = argv.minutes === undefined ? Number.POSITIVE_INFINITY : begin + Number(argv.minutes) * 60_000;
  const count = { fetched: 0, failed: 0, late: 0 };
  /** @type {Map<string, Wish[]>} */
  const byArch = new Map();
  for (const wish of wishes()) byArch.set(wish.arch, [...(byArch.get(wish.arch) ?? []), wish]);
  const queue = [...byArch];
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [arch, wanted] = next;
      try {
        await fetchArch(arch, wanted, { there, output, work, end, count });
      } catch (error) {
        count.failed++;
        console.error(`${arch}: ${reason(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (argv.list) return count.failed > 0 ? 1 : 0;
  const late = count.late > 0 ? `, ${count.late} left out for lack of time` : "";
  console.log(
    `${count.fetched} kernels in ${Math.round((Date.now() - begin) / 1000)} s, ${count.failed} failed${late}`,
  );
  return count.failed > 0 && count.fetched === 0 ? 1 : 0;
}

/**
 * The kernels of one architecture, one after the other.
 * @param {string} arch
 * @param {Wish[]} wanted
 * @param {{ there: Set<string>, output: string, work: string, end: number, count: Record<"fetched" | "failed" | "late", number> }} state
 */
async function fetchArch(arch, wanted, { there, output, work, end, count }) {
  const apt = await openAptRoot(join(work, arch), arch, [...new Set(wanted.flatMap(({ suites }) => suites))]);
  if (apt.incomplete !== null) console.error(`${arch}: not all lists: ${reason(apt.incomplete)}`);
  const names = await apt.names();
  for (const name of new Set(wanted.flatMap((wish) => chosen(names, wish)))) {
    const release = name.replace(/^linux-(image|binary)-/, "");
    if (there.has(release)) continue;
    there.add(release);
    if (argv.list) console.log(`${arch} ${name}`);
    else if (Date.now() >= end) count.late++;
    else if (await fetchKernel(apt, name, release, output)) count.fetched++;
    else count.failed++;
  }
  apt.close();
}

/**
 * Fetches and extracts one kernel; false, and a line that says why, where that fails.
 * @param {Awaited<ReturnType<typeof openAptRoot>>} apt
 * @param {string} name
 * @param {string} release
 * @param {string} output
 */
async function fetchKernel(apt, name, release, output) {
  const start = Date.now();
  try {
    const deb = await apt.download(name);
    const megabytes = (statSync(deb).size / 1e6).toFixed(1);
    const got = Date.now();
    await $`${process.execPath} ${COMMAND} extract ${deb} -o ${output} --layout ${argv.layout ?? "btfhub"}`;
    rmSync(deb, { force: true });
    /** @param {number} ms */
    const seconds = (ms) => (ms / 1000).toFixed(1);
    console.log(
      `${release}: ${megabytes} MB in ${seconds(got - start)} s, extracted in ${seconds(Date.now() - got)} s`,
    );
    return true;
  } catch (error) {
    // A mirror drops old packages while its lists still have them: the others are worth having all the same.
    console.error(`${release}: ${reason(error)}`);
    return false;
  }
}

/** The last line of what a program said; its errors are long. @param {any} error */
function reason(error) {
  const text = String(error.stderr || error.message || error).trim();
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
