import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { CorpusFile } from "./plan.ts";
import { reasonOf } from "./process-file.ts";
import type { FailedPart } from "./result.ts";

/** The files of some CORPUS arguments, and what could not be looked at. */
export interface FoundFiles {
  readonly files: readonly CorpusFile[];
  readonly problems: readonly FailedPart[];
}

/** Temporary, until corpus/source/walk.ts is there. */
export function findFiles(corpora: readonly string[]): FoundFiles {
  const files: CorpusFile[] = [];
  const problems: FailedPart[] = [];
  const visit = (path: string, name: string) => {
    let stats: Stats;
    try {
      stats = statSync(path);
      if (stats.isFile()) files.push({ path, name, size: stats.size });
      if (!stats.isDirectory()) return;
      for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const below = join(path, entry.name);
        if (entry.isSymbolicLink() && statSync(below).isDirectory()) continue;
        visit(below, name === "" ? entry.name : `${name}/${entry.name}`);
      }
    } catch (error) {
      problems.push({ state: "failed", origin: name || path, reason: reasonOf(error) });
    }
  };
  for (const corpus of corpora)
    visit(corpus, statSync(corpus, { throwIfNoEntry: false })?.isDirectory() ? "" : basename(corpus));
  return { files, problems };
}
