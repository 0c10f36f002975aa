// @ts-check
// `npm run check`: everything that can be said about the source without running it. All checks run, whatever the
// others find.
import { $ } from "zx";

const CHECKS = [
  ["format, lint, import cycles", "biome", ["check", "--error-on-warnings", "."]],
  ["types", "tsc", ["-p", "."]],
  ["types of the page of compat", "tsc", ["-p", "corpus/compat/page"]],
  ["types of the page of diff", "tsc", ["-p", "cli/diff-page"]],
  ["what is made of assembly/", "node", ["scripts/assembly.mjs", "--check"]],
  ["unused code and packages", "knip", []],
  ["packages of other platforms", "node", ["scripts/mend-lock.mjs", "--check"]],
  ["rooms and file lengths", "vitest", ["run", "--reporter=dot", "test/architecture.test.ts"]],
];

let failed = 0;
for (const [what, tool, args] of CHECKS) {
  const result = await $({
    nothrow: true,
    preferLocal: true,
    env: { ...process.env, FORCE_COLOR: "" },
  })`${tool} ${args}`;
  const ok = result.exitCode === 0;
  process.stdout.write(`${ok ? "ok  " : "FAIL"}  ${what}\n`);
  if (!ok) {
    failed++;
    process.stdout.write(`${result.stdout}${result.stderr}`);
  }
}
if (failed === 0) await import("./check-package.mjs");
process.exitCode = failed === 0 ? (process.exitCode ?? 0) : 1;
