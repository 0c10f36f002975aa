import { stringAt } from "../btf/strings.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import { type LineRecord, parseLines } from "./btf-ext.ts";
import type { BpfObject, CoreRelocation } from "./object.ts";

/** A place in the C source. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line's text, without the space around it; empty when the compiler did not keep it. */
  readonly text: string;
}

/** Finds the source line of an instruction; null when the object does not say. */
export type LineLookup = (relocation: Pick<CoreRelocation, "section" | "insnOffset">) => SourceLine | null;

/**
 * Reads an object's line records once, for messages. The line of an instruction is that of the last record at or
 * before it in its section.
 * @throws FormatError when `.BTF.ext` is damaged.
 */
export function lineLookup(object: BpfObject): LineLookup {
  const { btf, source } = object;
  const ext = btfSectionsOf(object.elf).btfExt;
  if (btf === null || ext === undefined) return () => null;
  const { strings } = btf;
  const bySection = new Map<string, LineRecord[]>();
  for (const line of parseLines(ext, source)) {
    if (Math.max(line.sectionName, line.fileOffset, line.textOffset) >= strings.length) continue;
    const section = stringAt(strings, line.sectionName);
    const records = bySection.get(section);
    if (records === undefined) bySection.set(section, [line]);
    else records.push(line);
  }
  for (const records of bySection.values()) records.sort((a, b) => a.insnOffset - b.insnOffset);
  return ({ section, insnOffset }) => {
    const line = bySection.get(section)?.findLast((record) => record.insnOffset <= insnOffset);
    if (line === undefined) return null;
    const text = stringAt(strings, line.textOffset).trim();
    return { file: stringAt(strings, line.fileOffset), line: line.line, column: line.column, text };
  };
}
