import type { Args } from "../command.ts";
import type { completion as command } from "../commands/completion.ts";
import { COMMANDS } from "../commands/index.ts";
import { bashScript, fishScript, zshScript } from "../completion.ts";
import { EXIT_FINE, type Outcome } from "../outcome.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** Writes the completion script of one shell. */
export function completion(args: Args<typeof command>): Outcome {
  const script = SCRIPTS[args.shell](COMMANDS);
  return { exitCode: EXIT_FINE, json: { shell: args.shell, script }, text: () => script };
}
