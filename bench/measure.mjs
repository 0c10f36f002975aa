// @ts-check
// Times are compared within one run only: every round runs each contender once, in turn, so that a busy machine is busy
// for all of them, and medians are taken.
import { spawnSync } from "node:child_process";

/**
 * Median milliseconds of each contender.
 * @template {string} K
 * @param {number} rounds
 * @param {Record<K, () => unknown>} contenders
 * @returns {Record<K, number>}
 */
export function race(rounds, contenders) {
  const names = /** @type {K[]} */ (Object.keys(contenders));
  /** @type {Map<K, number[]>} */
  const times = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const start = performance.now();
      contenders[name]();
      times.get(name)?.push(performance.now() - start);
    }
  }
  return /** @type {Record<K, number>} */ (Object.fromEntries([...times].map(([name, list]) => [name, median(list)])));
}

/**
 * @param {number[]} values
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

// What the environment makes Node do at its start is no part of the command.
const environment = { ...process.env };
for (const name of ["NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "NODE_V8_COVERAGE"]) delete environment[name];

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {readonly string[]} args
 */
export function run(program, args) {
  const { status, error, stderr } = spawnSync(program, args, {
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args[0]}: exit code ${status}: ${stderr.slice(0, 300)}`);
}

/**
 * True when a program is there.
 * @param {string} program
 */
export function exists(program) {
  return spawnSync(program, ["version"], { stdio: "ignore" }).error === undefined;
}
