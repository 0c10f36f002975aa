import { COMMANDS } from "./commands/index.ts";
import { compileLater } from "./compile-later.ts";
import { failureOf } from "./errors.ts";
import { finish } from "./finish.ts";
import { loadHandler } from "./handlers/index.ts";
import { EXIT_FINE, type ExitCode } from "./outcome.ts";
import { writeErr, writeOut } from "./output.ts";
import { parse } from "./parse.ts";
import { printable, printableLines } from "./table.ts";

/** From about eight objects on there is so much to do that the 3 ms for loading node:v8 are won back. */
const MANY_ARGUMENTS = 10;

/**
 * Runs one command line (without `node` and the script) and returns its exit code. Every error ends here, as one line
 * on standard error and, where there is something to do about it, a second one.
 */
export async function main(argv: readonly string[], version: string): Promise<ExitCode> {
  try {
    const parsed = await parse(argv, COMMANDS, version);
    if ("help" in parsed) {
      writeOut(parsed.help);
      return EXIT_FINE;
    }
    const handler = await loadHandler(parsed.command);
    if (argv.length >= MANY_ARGUMENTS) compileLater();
    const outcome = await handler(parsed.args as never);
    return finish(outcome, parsed.args.json === true || parsed.args.format === "json");
  } catch (error) {
    const { message, hint, exitCode } = failureOf(error);
    writeErr(`btfgen: ${printable(message)}\n${hint === undefined ? "" : `${printableLines(hint)}\n`}`);
    return exitCode;
  }
}
