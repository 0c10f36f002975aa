import { FormatError } from "./error.ts";
import { KIND_LIMIT, KIND_MAX, TYPE_WORDS } from "./format.ts";
import { ELEMENT_WORDS, FIXED_WORDS } from "./kind-table.ts";

/** Words of a record's fixed part and of each element, by kind; a fixed part of 0 words means an unknown kind. */
export interface RecordSizes {
  readonly fixedWords: Uint8Array;
  readonly elementWords: Uint8Array;
}

/** `struct btf_layout`: info size, element size (bytes), flags (u16). */
const LAYOUT_BYTES = 4;

/**
 * Reads a layout section, which gives the sizes of every kind that the file's writer knew, and returns the record
 * sizes to scan with. Kinds this library knows keep their own sizes, as in libbpf (btf_type_size); others can be
 * skipped by the layout's.
 * @throws FormatError when a size is not a multiple of 4 bytes.
 */
export function applyLayout(layout: Uint8Array, source: string, known: RecordSizes): RecordSizes {
  const fixedWords = known.fixedWords.slice();
  const elementWords = known.elementWords.slice();
  const kinds = Math.min(KIND_LIMIT, Math.floor(layout.length / LAYOUT_BYTES));
  for (let kind = KIND_MAX + 1; kind < kinds; kind++) {
    const infoBytes = layout[kind * LAYOUT_BYTES] as number;
    const elementBytes = layout[kind * LAYOUT_BYTES + 1] as number;
    if (infoBytes % 4 !== 0 || elementBytes % 4 !== 0) {
      throw new FormatError(
        "bad-layout",
        `kind ${kind} has ${infoBytes} bytes of info and ${elementBytes} an element, not multiples of 4`,
        { source, section: "BTF layout", offset: kind * LAYOUT_BYTES },
      );
    }
    fixedWords[kind] = TYPE_WORDS + infoBytes / 4;
    elementWords[kind] = elementBytes / 4;
  }
  return { fixedWords, elementWords };
}

/** The layout section for the kinds this library knows, as Linux 7.1's pahole and libbpf write it. */
export function layoutOfKnownKinds(): Uint8Array {
  const layout = new Uint8Array((KIND_MAX + 1) * LAYOUT_BYTES);
  for (let kind = 1; kind <= KIND_MAX; kind++) {
    layout[kind * LAYOUT_BYTES] = ((FIXED_WORDS[kind] as number) - TYPE_WORDS) * 4;
    layout[kind * LAYOUT_BYTES + 1] = (ELEMENT_WORDS[kind] as number) * 4;
  }
  return layout;
}
