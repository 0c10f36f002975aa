import { defineCommand } from "../command.ts";

/** `btfgen completion SHELL`. */
export const completion = defineCommand({
  name: "completion",
  summary: "Print a shell's completion script",
  description:
    "Prints a script that completes commands, options, their values and file names. It needs no process per key press.",
  positionals: [{ name: "shell", describe: "The shell to write it for", choices: ["bash", "zsh", "fish"] }],
  options: {},
  examples: [
    { line: "completion bash > /etc/bash_completion.d/btfgen", describe: "for everybody, bash" },
    { line: "completion zsh > ~/.zfunc/_btfgen", describe: "for this user, zsh" },
    { line: "completion fish > ~/.config/fish/completions/btfgen.fish", describe: "for this user, fish" },
  ],
});
