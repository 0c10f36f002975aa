/** What is wrong with a file, as a stable word that a program can switch on. */
export type FormatErrorCode =
  | "truncated"
  | "bad-magic"
  | "bad-version"
  | "bad-header"
  | "bad-section"
  | "bad-layout"
  | "unknown-kind"
  | "bad-type-id"
  | "bad-name-offset"
  | "bad-record"
  | "type-loop"
  | "missing-base"
  | "missing-btf"
  | "not-elf"
  | "bad-elf"
  | "bad-relocation"
  | "bad-instruction"
  | "bad-archive"
  | "too-large";

/** Where in a file something is wrong; every field is optional because not every fault has every coordinate. */
export interface FormatErrorPlace {
  /** The file, or `file#object` for something embedded in it. */
  readonly source?: string | undefined;
  /** The section: `BTF header`, `BTF types`, `BTF strings`, `.BTF.ext`, an ELF section's name. */
  readonly section?: string | undefined;
  /** Byte offset, counted from the start of the section where one is named, else from the start of the file. */
  readonly offset?: number | undefined;
  /** The BTF type id the fault belongs to. */
  readonly typeId?: number | undefined;
}

/**
 * The one error this library throws: the bytes are not what the format says they must be.
 * The message is one line with everything a person needs: source, section, offset, type id, and what was expected.
 */
export class FormatError extends Error {
  readonly code: FormatErrorCode;
  readonly source: string | undefined;
  readonly section: string | undefined;
  readonly offset: number | undefined;
  readonly typeId: number | undefined;
  /** What is wrong, without the place. */
  readonly detail: string;

  constructor(code: FormatErrorCode, detail: string, place: FormatErrorPlace = {}) {
    super(placeText(place) + detail);
    this.name = "FormatError";
    this.code = code;
    this.detail = detail;
    this.source = place.source;
    this.section = place.section;
    this.offset = place.offset;
    this.typeId = place.typeId;
  }
}

function placeText(place: FormatErrorPlace): string {
  const where: string[] = [];
  if (place.section !== undefined) where.push(place.section);
  if (place.offset !== undefined) where.push(`offset 0x${place.offset.toString(16)}`);
  if (place.typeId !== undefined) where.push(`type id ${place.typeId}`);
  const source = place.source === undefined ? "" : `${place.source}: `;
  return where.length === 0 ? source : `${source}${where.join(", ")}: `;
}
