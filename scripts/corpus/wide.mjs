// @ts-check
// SPDX-License-Identifier: MIT
/**
 * The kernels of `npm run test:corpus`: 5.10 to the newest, five architectures, cloud, real-time and general ones.
 * Mirrors drop old packages, so releases are not named: the newest of each series are taken.
 */

/** @type {{ suites: string[], flavours: string[], arch: string, newest: number }[]} */
export const WIDE = [
  {
    suites: ["bullseye-security", "bookworm", "bookworm-security", "trixie", "trixie-security"],
    flavours: ["cloud-amd64", "amd64", "rt-amd64"],
    arch: "amd64",
    newest: 1,
  },
  {
    suites: ["bullseye", "bookworm", "bookworm-security", "bookworm-backports", "trixie", "trixie-security"],
    flavours: ["cloud-arm64", "arm64"],
    arch: "arm64",
    newest: 1,
  },
  { suites: ["trixie-backports", "sid"], flavours: ["cloud-amd64", "amd64"], arch: "amd64", newest: 1 },
  { suites: ["sid"], flavours: ["cloud-arm64", "arm64-16k"], arch: "arm64", newest: 1 },
  { suites: ["trixie", "forky", "sid"], flavours: ["powerpc64le", "powerpc64le-64k"], arch: "ppc64el", newest: 1 },
  { suites: ["trixie", "forky", "sid"], flavours: ["riscv64"], arch: "riscv64", newest: 2 },
  { suites: ["bookworm-backports", "trixie", "forky", "sid"], flavours: ["s390x"], arch: "s390x", newest: 2 },
];
