import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type OptionSpec, usageOf } from "../../cli/command.ts";
import { COMMANDS } from "../../cli/commands/index.ts";
import { runText } from "./run.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("the command's frame", () => {
  it("prints the package's version", async () => {
    const { version } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    expect(await runText(["--version"])).toEqual({ stdout: `${version}\n`, stderr: "", code: 0, signal: null });
  });

  it.each([[["--help"]], [["-h"]], [["help"]]])("lists the commands for %j", async (args) => {
    const { stdout, stderr, code } = await runText(args);
    for (const command of COMMANDS) expect(stdout).toContain(`btfgen ${usageOf(command)}`);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  it.each([[["completion", "--help"]], [["help", "completion"]]])("shows one command's help for %j", async (args) => {
    const { stdout, stderr, code } = await runText(args);
    expect(stdout).toMatch(/^btfgen completion <shell>\n/);
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("--json");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  it.each([
    [["completon"], "btfgen: no command completon\nDid you mean completion?\n"],
    [["--versoin"], "btfgen: no option --versoin\nDid you mean --version?\n"],
    [["completion"], "btfgen: completion: missing <shell>\nSee btfgen completion --help.\n"],
    [["completion", "bash", "--jsn"], "btfgen: completion has no option --jsn\nDid you mean --json?\n"],
    [["completion", "bash", "zsh"], "btfgen: completion: one argument too many: zsh\nSee btfgen completion --help.\n"],
    [["completion", "bash", "-x"], "btfgen: completion has no option -x\nSee btfgen completion --help.\n"],
    [
      ["diff", "a.btf", "b.btf", "-o", "exec.o"],
      "btfgen: diff has no option -o\nThe result goes to standard output; an object is given with --object FILE.\n",
    ],
    [
      ["dump", "a.btf", "--output", "vmlinux.h"],
      "btfgen: dump has no option --output\nThe result goes to standard output.\n",
    ],
    [
      ["minimize", "a.btf", "b.o", "-o", "x", "--layout"],
      "btfgen: minimize has no option --layout\nSee btfgen minimize --help.\n",
    ],
    [
      ["compat", "a.o", "-c", "x", "--markdown"],
      "btfgen: compat has no option --markdown\nSee btfgen compat --help.\n",
    ],
  ])("refuses %j in one line with a hint", async (args, stderr) => {
    expect(await runText(args)).toEqual({ stdout: "", stderr, code: 2, signal: null });
  });

  it("keeps an error on one line, whatever is in a name", async () => {
    const { stderr } = await runText(["dump", "no\nfile\u001b[31m"]);
    expect(stderr).toBe("btfgen: no\\u{a}file\\u{1b}[31m: no such file or directory\n");
  });

  it("names the choices of a wrong one", async () => {
    const { stderr, code } = await runText(["completion", "tcsh"]);
    expect(stderr).toBe("btfgen: completion: tcsh is not a shell\nChoices: bash, zsh, fish\n");
    expect(code).toBe(2);
  });

  it("has one meaning for -o", () => {
    const options = COMMANDS.flatMap((command) => Object.entries<OptionSpec>(command.options));
    const named = options.filter(([, { alias }]) => alias === "o").map(([name]) => name);
    expect(new Set(named)).toEqual(new Set(["output"]));
  });

  // Where bash finds a ! in a line it puts in what was run before, in double quotes too.
  it("shows what has a ! in single quotes", () => {
    const texts = COMMANDS.map((command) => JSON.stringify(command));
    expect(texts.join("\n").match(/[^']BUNDLE!ENTRY|BUNDLE!ENTRY[^']/g)).toBeNull();
    expect(texts.filter((text) => text.includes("'BUNDLE!ENTRY'")).length).toBeGreaterThan(2);
  });

  it("shows the help where no command is given, and says that it is an error", async () => {
    const { stdout, stderr, code } = await runText([]);
    expect(stdout).toBe("");
    expect(stderr).toContain("no command given");
    expect(stderr).toContain("Commands:");
    expect(code).toBe(2);
  });

  it("writes one JSON document with --json", async () => {
    const { stdout } = await runText(["completion", "fish", "--json"]);
    const plain = await runText(["completion", "fish"]);
    expect(JSON.parse(stdout)).toEqual({ shell: "fish", script: plain.stdout });
  });

  it("ends quietly when the reader has gone", () => {
    const { status, stderr } = spawnSync("bash", [
      "-c",
      `set -o pipefail; { sleep 0.3; ${process.execPath} ${root}dist/btfgen.cjs completion bash; } | true`,
    ]);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  });

  it("says so when standard output is full", () => {
    const { status, stderr } = spawnSync("bash", [
      "-c",
      `${process.execPath} ${root}dist/btfgen.cjs completion bash > /dev/full`,
    ]);
    expect(stderr.toString()).toBe("btfgen: cannot write to standard output: no space left on the device\n");
    expect(status).toBe(3);
  });
});

describe("completion scripts", () => {
  it.each(["bash", "zsh", "fish"])("%s accepts its own", async (shell) => {
    const { stdout } = await runText(["completion", shell]);
    for (const { name } of COMMANDS) expect(stdout).toContain(name);
    const probe = spawnSync(shell, ["-n"], { input: stdout });
    // zsh and fish are rarely installed; bash always is, where these tests run.
    if (probe.error === undefined) expect(probe.stderr.toString()).toBe("");
    else expect(shell).not.toBe("bash");
  });

  it("bash completes commands, options and choices", async () => {
    const { stdout: script } = await runText(["completion", "bash"]);
    const complete = (...words: string[]) => {
      const setup = `COMP_WORDS=(btfgen ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}`;
      const { stdout } = spawnSync("bash", ["-c", `${script}\n${setup}; _btfgen; echo "\${COMPREPLY[@]}"`]);
      return stdout.toString().trim().split(" ");
    };
    expect(complete("compl")).toEqual(["completion"]);
    expect(complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(complete("completion", "--j")).toEqual(["--json"]);
  });
});
