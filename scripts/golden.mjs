// @ts-check
// `npm run golden`: runs the command as test/golden/cli/cases.json says and keeps what it prints. With --check nothing is
// written: it says what differs and fails. A reviewer then sees in a diff what a change does to people's screens.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const directory = join(root, "test/golden/cli");
const check = process.argv.includes("--check");

/** @type {{ cases: { name: string, args: string[] }[] }} */
const { cases } = JSON.parse(readFileSync(join(directory, "cases.json"), "utf8"));
const expected = new Set(["cases.json", ...cases.map(({ name }) => `${name}.txt`)]);
let differing = 0;
for (const { name, args } of cases) {
  const path = join(directory, `${name}.txt`);
  const text = transcript(args);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  report(`${name}.txt`);
  if (!check) writeFileSync(path, text);
}
for (const name of readdirSync(directory).filter((file) => !expected.has(file))) {
  report(`${name} (no case)`);
  if (!check) rmSync(join(directory, name));
}
process.exitCode = check && differing > 0 ? 1 : 0;

/**
 * The command, what it says, what it prints and how it ends, as a person would see them. Line lengths are left alone.
 * @param {string[]} args
 */
function transcript(args) {
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [join(root, "dist/btfgen.cjs"), ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, NODE_EXTRA_CA_CERTS: "" },
  });
  if (error !== undefined) throw error;
  return masked(`$ btfgen ${args.join(" ")}\n${stderr}${stdout}exit ${status}\n`);
}

/**
 * Durations are another at each run, and how often a slow one says how far it is.
 * @param {string} text
 */
function masked(text) {
  return text
    .replace(/^btfgen: \d+ of \d+ files .*\n/gm, "")
    .replace(/^(time +)\d+ ms$/m, "$10 ms")
    .replace(/("durationMs": )\d+/, "$10");
}

/** @param {string} what */
function report(what) {
  differing++;
  process.stdout.write(`${check ? "differs" : "written"}  ${what}\n`);
}
