import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The page's frame, script and style, made by the build and kept beside the command. */
export function pageTemplate(): string {
  return readFileSync(join(import.meta.dirname, "compat.html"), "utf8");
}
