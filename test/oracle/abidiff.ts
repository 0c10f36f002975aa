/**
 * libabigail's abidiff as an oracle: which structs does it find changed? `--btf` is there since 2.6; where the system's is older, the
 * directory BTFGEN_ABIGAIL_ROOT (by default btfgen-abigail in the temporary directory; package-root.sh makes it) has a newer one
 * with the C library that it was built for.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../scratch.ts";
import { type ChangedStructs, changedStructs } from "./changed-structs.ts";
import { describeFailure, findProgram, firstLineOf, runProcess } from "./process.ts";

/** How to call an abidiff that reads BTF, and its version; or why there is none. */
export type Abidiff = { readonly command: readonly string[]; readonly version: string } | { readonly missing: string };

let found: Abidiff | undefined;

/** Looks for it, once per process. */
export function abidiff(): Abidiff {
  found ??= look();
  return found;
}

function look(): Abidiff {
  const own = findProgram(["abidiff"], "--version");
  const commands = [...(own === undefined ? [] : [[own[0]]]), ...commandsIn(abigailRoot())];
  for (const command of commands) {
    const version = firstLineOf([...command, "--version"]);
    if (version !== undefined && readsBtf(command)) return { command, version };
  }
  return {
    missing: "no abidiff with --btf (libabigail 2.6; test/oracle/package-root.sh unpacks a newer one, see .ci/run)",
  };
}

function abigailRoot(): string {
  return process.env.BTFGEN_ABIGAIL_ROOT ?? join(cacheDirectory(), "btfgen-abigail");
}

/** The program of an unpacked root, by that root's own loader. */
function commandsIn(root: string): string[][] {
  const libraries = join(root, "usr", "lib");
  if (!existsSync(join(root, "usr", "bin", "abidiff"))) return [];
  return readdirSync(libraries)
    .map((name) => join(libraries, name))
    .flatMap((path) => {
      const loader = path.endsWith("-gnu")
        ? readdirSync(path).find((name) => /^ld-linux.*\.so\.\d$/.test(name))
        : undefined;
      return loader === undefined ? [] : [[join(path, loader), "--library-path", path, join(root, "usr/bin/abidiff")]];
    });
}

function readsBtf(command: readonly string[]): boolean {
  const { stdout, stderr } = runProcess([...command, "--help"]);
  return /^\s*--btf\b/m.test(`${Buffer.from(stdout).toString("latin1")}\n${stderr}`);
}

/**
 * The structs and unions that it calls changed. It is told to show leaf changes and to sort nothing out, without which it takes
 * minutes for a kernel.
 */
export function abidiffChanges(oldPath: string, newPath: string): ChangedStructs {
  const tool = abidiff();
  if ("missing" in tool) throw new Error(tool.missing);
  const result = runProcess(
    [...tool.command, "--btf", "--no-change-categorization", "--leaf-changes-only", oldPath, newPath],
    { timeoutMs: 600_000 },
  );
  // Bits of its exit code (abidiff(1)): 1 an error, 2 a wrong command line, 4 and 8 that something differs.
  if (result.code === null || (result.code & 3) !== 0) throw new Error(describeFailure(result));
  return changedStructs(result.stdout, /^'((?:struct|union) \w+)(?: at .*)?' changed/);
}

/** True where abidiff says of a struct itself no more than that the types of some members are others inside. */
export function isOfMembersAlone(words: readonly string[]): boolean {
  return words.every(
    (line) =>
      line.search(/\S/) > MEMBER_DEPTH ||
      /^ +(?:type size hasn't changed|details were reported earlier|there are data member changes:)$/.test(line) ||
      /^ +type '.*' of '.*' changed(?::|, as reported earlier)$/.test(line) ||
      /^ +'.*' has \*some\* difference - please report as a bug$/.test(line),
  );
}

/** Spaces before what it says of a member; more are before what is inside its type. */
const MEMBER_DEPTH = 4;
