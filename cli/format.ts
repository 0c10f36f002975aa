import { UsageError } from "./errors.ts";

/** How a result that goes into a terminal, a program or a pull request can be written, as `--format` names it. */
export const FORMATS = ["text", "json", "markdown"] as const;

/** The format that is asked for, `--json` being short for one of them; undefined for none. Throws UsageError for two. */
export function formatOf<F extends string>(
  command: string,
  { json, format }: { readonly json: boolean; readonly format: F | undefined },
): F | "json" | undefined {
  if (!json) return format;
  if (format === undefined || format === "json") return "json";
  throw new UsageError(`${command}: --json and --format ${format} exclude each other`);
}
