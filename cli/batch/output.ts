import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { CorpusFile } from "../../corpus/batch/plan.ts";
import { UsageError } from "../errors.ts";

/**
 * Checks that a bundle takes the place of no file that it is made of: a corpus of raw BTF looks like a bundle, and would be
 * replaced as one. Throws UsageError.
 */
export function checkNotInput(output: string, files: readonly CorpusFile[]): void {
  // What is wrong with the path itself is for those to say who write there.
  if (!existsSync(output)) return;
  const old = statSync(output);
  const target = realpathSync(output);
  const directories = new Map<string, string>();
  for (const { path } of files) {
    const directory = dirname(path);
    const real = directories.get(directory) ?? realpathSync(directory);
    directories.set(directory, real);
    const isInside = `${real}${sep}`.startsWith(`${target}${sep}`);
    if (!isInside && !isSame(join(real, basename(path)), old)) continue;
    throw new UsageError(`cannot write ${output}: ${isInside ? `an input is in it, ${path}` : "it is an input"}`);
  }
}

function isSame(path: string, { dev, ino }: { readonly dev: number; readonly ino: number }): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.dev === dev && stats.ino === ino;
}
