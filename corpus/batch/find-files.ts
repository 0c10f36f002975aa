import { isPassedOver, isProblem } from "../source/item.ts";
import { walkFiles } from "../source/walk.ts";
import type { CorpusFile } from "./plan.ts";
import type { FailedPart, PassedOver } from "./result.ts";

/** The files of some CORPUS arguments, and what could not be looked at. */
export interface FoundFiles {
  readonly files: readonly CorpusFile[];
  readonly problems: readonly FailedPart[];
  /** Bundles among them. */
  readonly passedOver: readonly PassedOver[];
}

/**
 * Lists corpora, in the order they are given and each in the order of its walk. A file's name is its path below its
 * corpus, with the corpus's own in front where there are several; a file that is a corpus itself has its path for a name.
 */
export function findFiles(corpora: readonly string[]): FoundFiles {
  const files: CorpusFile[] = [];
  const problems: FailedPart[] = [];
  const passedOver: PassedOver[] = [];
  for (const corpus of corpora) {
    const prefix = corpora.length === 1 ? "" : `${corpus.replace(/(?<=.)\/+$/, "")}/`;
    for (const file of walkFiles(corpus)) {
      if (isProblem(file)) {
        const { origin, problem: reason } = file;
        if (isPassedOver(file, false)) passedOver.push({ state: "passed-over", origin, reason });
        else problems.push({ state: "failed", origin, reason });
      } else {
        const { path, name, size, isNamed } = file;
        files.push({ path, name: isNamed ? name : `${prefix}${name}`, size, isNamed });
      }
    }
  }
  return { files, problems, passedOver };
}
