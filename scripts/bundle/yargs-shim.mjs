// @ts-check
// What yargs asks of its platform, in place of its own lib/platform-shims/esm.mjs. That one loads `assert`, three
// Unicode width packages, y18n with its locale files, escalade and get-caller-file: 20 ms of a bundled start on
// Node 20, for texts of ours that are plain English. Help and errors read the same.

// The cores of two packages, without the wrappers that load the rest; build.mjs says where they are.
// @ts-expect-error: a name of the bundle's own
import { cliui } from "bundle:cliui";
// @ts-expect-error: a name of the bundle's own
import { YargsParser } from "bundle:parser";
// @ts-expect-error: a name of the bundle's own
import { camelCase, decamelize, looksLikeNumber } from "bundle:parser-strings";
import { basename, dirname, extname, join, normalize, relative, resolve } from "node:path";
import { format, inspect, stripVTControlCharacters } from "node:util";

/** @param {string} text */
const stringWidth = (text) => stripVTControlCharacters(text).length;

/**
 * Breaks lines at spaces.
 * @param {string} text
 * @param {number} width
 */
function wrap(text, width) {
  return text
    .split("\n")
    .map((line) => {
      let out = "";
      let used = 0;
      for (const word of line.split(" ")) {
        if (used > 0 && used + 1 + word.length > width) {
          out += "\n";
          used = 0;
        } else if (used > 0) {
          out += " ";
          used++;
        }
        out += word;
        used += word.length;
      }
      return out;
    })
    .join("\n");
}

const english = {
  /** @param {[string, ...unknown[]]} words */
  __: (...words) => (words.length === 1 ? words[0] : format(...words)),
  /**
   * @param {string} one
   * @param {string} other
   * @param {number} count
   * @param {unknown[]} rest
   */
  __n: (one, other, count, ...rest) =>
    format(count === 1 ? one : other, ...(one.includes("%d") ? [count] : []), ...rest),
  getLocale: () => "en_US",
  setLocale: () => {},
  updateLocale: () => {},
};

const unavailable = () => {
  throw new Error("not part of this bundle");
};

const core = new YargsParser({
  cwd: () => process.cwd(),
  env: () => process.env,
  format,
  normalize,
  resolve,
  require: unavailable,
});
/** @param {readonly string[]} args @param {object} options */
const Parser = (args, options) => core.parse(args.slice(), options).argv;
/** @param {readonly string[]} args @param {object} options */
Parser.detailed = (args, options) => core.parse(args.slice(), options);
Parser.camelCase = camelCase;
Parser.decamelize = decamelize;
Parser.looksLikeNumber = looksLikeNumber;

const shim = {
  assert: { notStrictEqual: () => {}, strictEqual: () => {} },
  /** @param {object} options */
  cliui: (options) => cliui(options, { stringWidth, stripAnsi: stripVTControlCharacters, wrap }),
  findUp: () => undefined,
  /** @param {string} key */
  getEnv: (key) => process.env[key],
  inspect,
  getProcessArgvBin: () => process.argv[1],
  mainFilename: "",
  Parser,
  path: { basename, dirname, extname, relative, resolve, join },
  process: {
    argv: () => process.argv,
    cwd: () => process.cwd(),
    /** @param {string} warning @param {string} type */
    emitWarning: (warning, type) => process.emitWarning(warning, type),
    execPath: () => process.execPath,
    /** @param {number} code */
    exit: (code) => process.exit(code),
    nextTick: process.nextTick,
    // Asking process.stdout for its columns sets up a stream (2 to 4 ms); the width is fixed in cli/parse.ts instead.
    stdColumns: null,
  },
  readFileSync: unavailable,
  readdirSync: unavailable,
  require: unavailable,
  getCallerFile: unavailable,
  requireDirectory: unavailable,
  stringWidth,
  y18n: english,
};

// biome-ignore lint/style/noDefaultExport: yargs imports its shim so
export default shim;
