import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A page's frame, script and style, made by the build and kept beside the command. */
export function pageTemplate(name: "compat" | "diff"): string {
  return readFileSync(join(import.meta.dirname, `${name}.html`), "utf8");
}
