/** What a command's exit status says: 0 fine, 1 a finding, 2 bad usage or bad input, 3 could not run. */
export type ExitCode = 0 | 1 | 2 | 3;

/** Everything is as asked. */
export const EXIT_FINE = 0;
/** The command ran, and what it looked for is wrong: a check failed, a difference, an unresolved relocation. */
export const EXIT_FINDING = 1;
/** The command line or an input file is wrong. */
export const EXIT_BAD_INPUT = 2;
/** The machine did not let it run: privilege, a missing tool, a full disk. */
export const EXIT_COULD_NOT_RUN = 3;

/** A file that a command wants written. The frame writes all of them, or none, after the handler has returned. */
export interface OutputFile {
  /** Where to; `-` is standard output. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a handler hands back. It prints nothing and writes nothing itself: `finish` in finish.ts does both. */
export interface Outcome {
  readonly exitCode: ExitCode;
  /** The result as data; with `--json` this one document is what standard output gets. */
  readonly json: unknown;
  /**
   * The result as text for standard output, called only without `--json`. Where a file goes to standard output
   * (`-o -`), text and JSON go to standard error instead, so that the bytes stay clean.
   */
  readonly text?: () => string;
  /**
   * The result as it is made, for one too large for a string: standard output gets it instead of `json` and `text`, so
   * the handler must have seen to `--json` itself. A reader that goes away ends it early, which is no error.
   */
  readonly stream?: (write: (chunk: Uint8Array) => void) => void;
  /** Warnings and remarks, a line each, for standard error, with `--json` and without. */
  readonly notes?: readonly string[];
  /** Directories to make before the files, where they are missing; the one above must exist. */
  readonly directories?: readonly string[];
  /** Files to write, atomically each, all of them begun before the first is put in place. */
  readonly files?: readonly OutputFile[];
}
