// @ts-check
// SPDX-License-Identifier: MIT
/**
 * The kernels of `npm run test:corpus`: 5.10 to the newest, five architectures, cloud, real-time and general ones, some
 * 35 in all. Mirrors drop old packages, so releases are not named: the newest of each series are taken. Most are the
 * cloud flavour, a quarter of the general one's size, which is taken where it differs most: on the oldest series.
 */

const AMD64 = ["bullseye-security", "bookworm-security", "trixie-security", "trixie-backports", "sid"];
const ARM64 = ["bullseye", "bookworm-security", "trixie-security", "sid"];

/** @type {import("../corpus.mjs").Wish[]} */
export const WIDE = [
  { arch: "amd64", suites: AMD64, flavours: ["cloud-amd64"], newest: 1 },
  { arch: "amd64", suites: AMD64, flavours: ["amd64"], series: ["5.10", "6.1", "6.12", "7.0"], newest: 1 },
  { arch: "amd64", suites: AMD64, flavours: ["rt-amd64"], series: ["6.1", "6.12"], newest: 1 },
  { arch: "s390x", suites: ["bookworm-backports", "trixie", "sid"], flavours: ["s390x"], newest: 1 },
  { arch: "riscv64", suites: ["trixie", "sid"], flavours: ["riscv64"], newest: 1 },
  { arch: "ppc64el", suites: ["trixie", "sid"], flavours: ["powerpc64le"], newest: 1 },
  { arch: "ppc64el", suites: ["trixie", "sid"], flavours: ["powerpc64le-64k"], series: ["6.12"], newest: 1 },
  { arch: "arm64", suites: ARM64, flavours: ["cloud-arm64"], newest: 1 },
  { arch: "arm64", suites: ARM64, flavours: ["arm64"], series: ["5.10", "6.1"], newest: 1 },
];
