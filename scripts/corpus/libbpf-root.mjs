// @ts-check
// SPDX-License-Identifier: MIT
/** Another release's libbpf with the C library that it was built for: a directory that a command can run in. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";

/** What libbpf needs, and what Node needs; names that changed with 64-bit time are given both ways. */
const PACKAGES = [["libc6"], ["libgcc-s1"], ["libstdc++6"], ["zlib1g"], ["libzstd1"], ["libelf1t64", "libelf1"]];
/** Where a release has all of /lib below /usr. */
const MERGED = ["lib", "lib64"];

/**
 * Unpacks it into a directory, which is there as a whole or not at all.
 * @param {{ download(name: string): Promise<string> }} apt what fetches packages
 * @param {string} target
 * @param {string} libbpf `libbpf1`, or `libbpf1/SUITE`
 */
export async function makeLibbpfRoot(apt, target, libbpf) {
  const fresh = `${target}.${process.pid}.tmp`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    for (const names of [...PACKAGES, [libbpf]]) {
      await $({ quiet: true })`dpkg-deb -x ${await fetchOne(apt, names)} ${fresh}`;
    }
    for (const place of MERGED) {
      if (!existsSync(join(fresh, place))) symlinkSync(join("usr", place), join(fresh, place));
    }
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/**
 * @param {{ download(name: string): Promise<string> }} apt
 * @param {string[]} names of one package in different releases
 */
async function fetchOne(apt, names) {
  /** @type {unknown} */
  let problem;
  for (const name of names) {
    try {
      return await apt.download(name);
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}
