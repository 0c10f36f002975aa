import {
  INT_BITS_MASK,
  INT_DATA_WORD,
  INT_ENCODING_MASK,
  INT_ENCODING_SHIFT,
  INT_OFFSET_MASK,
  INT_OFFSET_SHIFT,
  INT_SIGNED,
  KIND_INT,
  KIND_PTR,
} from "../btf/format.ts";
import { nameOffsetOf, recordOf, segmentOf, sizeOf } from "../btf/view.ts";
import { type Draft, type Drafts, newDraft } from "./draft.ts";
import { DISTINCT, isMarked, type Marks, NAMED } from "./marks.ts";
import { byteText } from "./string-table.ts";

const VOID_POINTER = "void *";
const INDEX_TYPE = "index";
/** The index type of arrays when no kept integer can serve: 4 bytes, unsigned. */
const INDEX_BYTES = 4;

/** Adds an integer's draft, or lets one of the same make stand for it. */
export function addInteger(marks: Marks, drafts: Drafts, id: number): void {
  const { btf } = marks;
  const name = isMarked(marks, id, NAMED) ? byteText(btf.strings, nameOffsetOf(btf, id)) : "";
  const data = btf.words[recordOf(btf, id) + INT_DATA_WORD] as number;
  const size = sizeOf(btf, id);
  const make = `${size}:${plainInteger(data)}`;
  const same = name === "" ? drafts.shared.get(make) : undefined;
  if (same !== undefined) {
    drafts.bySource.set(id, same);
    return;
  }
  // Shared by base and modules alike, so it lies in the base, unless its name makes it a candidate of a module.
  const segment = name === "" ? 0 : segmentOf(btf, id);
  const identity = isMarked(marks, id, DISTINCT) ? id : 0;
  // Under its name, char and bool mean something to a reader; to a loader they do not.
  const draft = newDraft(KIND_INT, { name, size, detail: name === "" ? plainInteger(data) : data, segment, identity });
  drafts.list.push(draft);
  drafts.bySource.set(id, draft);
  if (segment === 0 && !drafts.shared.has(make)) drafts.shared.set(make, draft);
}

/**
 * Loaders read an integer's size, offset, width and sign; of the encoding, whether SIGNED is set and alone (libbpf
 * relo_core.c, bpf_core_calc_field_relo and bpf_core_calc_relo). So char and bool are plain unsigned numbers.
 */
function plainInteger(data: number): number {
  const encoding = (data >>> INT_ENCODING_SHIFT) & INT_ENCODING_MASK;
  if ((encoding & INT_SIGNED) !== 0) return data;
  return data & ~(INT_ENCODING_MASK << INT_ENCODING_SHIFT);
}

/** Lets the one pointer to void stand for a pointer. */
export function addVoidPointer(drafts: Drafts, id: number): void {
  let pointer = drafts.shared.get(VOID_POINTER);
  if (pointer === undefined) {
    pointer = newDraft(KIND_PTR);
    drafts.list.push(pointer);
    drafts.shared.set(VOID_POINTER, pointer);
  }
  drafts.bySource.set(id, pointer);
}

/** The type of every array's index, which no loader reads but the kernel wants: an integer kept anyway, or a new one. */
export function indexType(drafts: Drafts): Draft {
  const known = drafts.shared.get(INDEX_TYPE);
  if (known !== undefined) return known;
  let index = drafts.list.find((draft) => draft.segment === 0 && isRegular(draft));
  if (index === undefined) {
    index = newDraft(KIND_INT, { size: INDEX_BYTES, detail: INDEX_BYTES * 8 });
    drafts.list.push(index);
  }
  drafts.shared.set(INDEX_TYPE, index);
  return index;
}

/** An integer that fills 1, 2, 4 or 8 whole bytes (kernel/bpf/btf.c, btf_type_int_is_regular). */
export function isRegular({ kind, size, detail }: Draft): boolean {
  if (kind !== KIND_INT || (detail & INT_BITS_MASK) !== size * 8) return false;
  return (
    ((detail >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK) === 0 && (size === 1 || size === 2 || size === 4 || size === 8)
  );
}
