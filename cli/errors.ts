import { CouldNotRunError } from "../corpus/could-not-run.ts";
import { systemCodeOf, systemReason } from "../corpus/system-error.ts";
import { FormatError } from "../lib/btf/error.ts";
import { WebAssemblyError } from "../lib/diff/web-assembly-error.ts";
import { EXIT_BAD_INPUT, EXIT_COULD_NOT_RUN, type ExitCode } from "./outcome.ts";

export { systemCodeOf, systemReason };

/** A mistake on the command line: exit 2. `hint` says what to do instead. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** An input that cannot be read, or does not hold what it should: exit 2. `hint` says what to do instead. */
export class InputError extends Error {
  readonly path: string;
  readonly hint: string | undefined;

  constructor(path: string, reason: string, hint?: string) {
    super(`${path}: ${reason}`);
    this.name = "InputError";
    this.path = path;
    this.hint = hint;
  }
}

/** The machine said no (privilege, a missing tool, a full disk): exit 3. */
export class RunError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RunError";
  }
}

/** An error as the person at the terminal gets to see it. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** One line, without the program's name. */
  readonly message: string;
  /** A second line that says what to do, where that is known. */
  readonly hint: string | undefined;
}

/**
 * Judges anything thrown. A FormatError or a mistake in usage is the caller's (2); what the system refused, and a bug
 * of ours, is "could not run" (3). A bug says so, and shows its stack only with BTFGEN_DEBUG set.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError || error instanceof InputError) {
    return { exitCode: EXIT_BAD_INPUT, message: error.message, hint: error.hint };
  }
  if (error instanceof FormatError) {
    return { exitCode: EXIT_BAD_INPUT, message: error.message, hint: undefined };
  }
  if (error instanceof RunError || error instanceof CouldNotRunError || error instanceof WebAssemblyError) {
    return { exitCode: EXIT_COULD_NOT_RUN, message: error.message, hint: undefined };
  }
  if (systemCodeOf(error) !== undefined) {
    return { exitCode: EXIT_COULD_NOT_RUN, message: pathOf(error) + systemReason(error), hint: undefined };
  }
  const detail = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error && process.env.BTFGEN_DEBUG ? error.stack : undefined;
  return {
    exitCode: EXIT_COULD_NOT_RUN,
    message: `internal error: ${firstLine(detail)}`,
    hint: stack ?? "This is a bug in btfgen; BTFGEN_DEBUG=1 shows where.",
  };
}

/** The path that the system said no to, where Node tells it: without one nobody knows what to look at. */
function pathOf(error: unknown): string {
  // Node does not say whose file it is.
  if (error instanceof Error && "syscall" in error && error.syscall === "uv_cwd") return "the current directory: ";
  return error instanceof Error && "path" in error && typeof error.path === "string" ? `${error.path}: ` : "";
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end === -1 ? text : text.slice(0, end);
}
