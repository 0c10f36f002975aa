/** The corpus of `npm run test:corpus`: the directory that BTFGEN_CORPUS names. */
import { isProblem } from "../../corpus/source/item.ts";
import { type SourceFile, walkFiles } from "../../corpus/source/walk.ts";

/** The corpus's directory; undefined outside of `npm run test:corpus`. */
export const corpusDirectory = process.env.BTFGEN_CORPUS;

/** The corpus's files in the order of a batch; none where there is no corpus. */
export function corpusFiles(): SourceFile[] {
  if (corpusDirectory === undefined) return [];
  return [...walkFiles(corpusDirectory)].filter((item): item is SourceFile => !isProblem(item));
}
