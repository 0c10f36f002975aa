import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runText } from "./run.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const directory = `${root}test/golden/cli/`;

interface Cases {
  readonly cases: readonly { readonly name: string; readonly args: readonly string[] }[];
}

const { cases }: Cases = JSON.parse(readFileSync(`${directory}cases.json`, "utf8"));

// `npm run golden` makes these files anew; the difference is for a person to judge.
describe("what the command prints", () => {
  it.each(cases)("$name", async ({ name, args }) => {
    const { stdout, stderr, code } = await runText(args, { cwd: root });
    const transcript = `$ btfgen ${args.join(" ")}\n${stderr}${stdout}exit ${code}\n`;
    expect(withoutDurations(transcript)).toBe(readFileSync(`${directory}${name}.txt`, "utf8"));
  });
});

function withoutDurations(text: string): string {
  const quiet = text.replace(/^btfgen: \d+ of \d+ files .*\n/gm, "");
  return quiet.replace(/^(time +)\d+ ms$/m, "$10 ms").replace(/("durationMs": )\d+/, "$10");
}
