// @ts-check
// Makes dist/compat.html and dist/diff.html: a page's frame with its style and script inside, and a place for the data.
// What the page may do is written into it: run this one script, and load nothing.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** What puts `</script` or `</style` into minified code would end the element: esbuild writes `<\/` instead. */
const TARGET = ["chrome123", "firefox120", "safari17.5"];

/**
 * @param {string} root
 * @param {string} from The directory with frame.html, main.ts and style.css, from the root.
 * @param {string} to The file to write.
 */
export async function buildPage(root, from, to) {
  const page = join(root, from);
  const script = await bundled(root, join(page, "main.ts"));
  const style = await bundled(root, join(page, "style.css"));
  const digest = createHash("sha256").update(script).digest("base64");
  const policy = `default-src 'none'; script-src 'sha256-${digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
  const parts = { policy, style, script };
  const frame = readFileSync(join(page, "frame.html"), "utf8");
  writeFileSync(
    to,
    frame.replace(/<!--(policy|style|script)-->/g, (_, name) => parts[/** @type {keyof typeof parts} */ (name)]),
  );
}

/**
 * @param {string} root
 * @param {string} entry
 */
async function bundled(root, entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    platform: "browser",
    target: TARGET,
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`nothing came of ${entry}`);
  return output.text.trimEnd();
}
