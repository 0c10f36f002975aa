import {
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
} from "../btf/format.ts";
import { arrayElement, memberBitfieldSize, memberBitOffset, memberType } from "../btf/members.ts";
import { pointerBytes, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { type Btf, kindOf, sizeOf, vlenOf } from "../btf/view.ts";

/** As deep as structs are nested; corrupt types may go round in circles. */
const MAX_DEPTH = 32;

/** Alignment of a type in bytes, 0 for one that has none (libbpf btf.c, btf__align_of). */
export function alignmentOf(btf: Btf, id: number, depth = 0): number {
  if (depth > MAX_DEPTH) return 0;
  const at = skipModifiersAndTypedefs(btf, id);
  switch (kindOf(btf, at)) {
    case KIND_INT:
    case KIND_ENUM:
    case KIND_ENUM64:
    case KIND_FLOAT:
      return Math.min(pointerBytes(btf), sizeOf(btf, at));
    case KIND_PTR:
      return pointerBytes(btf);
    case KIND_ARRAY:
      return alignmentOf(btf, arrayElement(btf, at), depth + 1);
    case KIND_STRUCT:
    case KIND_UNION:
      return compositeAlignment(btf, at, depth);
    default:
      return 0;
  }
}

/** The greatest of the members'; 1 for a packed struct: one whose members or size do not fit theirs. */
function compositeAlignment(btf: Btf, id: number, depth: number): number {
  let greatest = 1;
  for (let i = 0; i < vlenOf(btf, id); i++) {
    const align = alignmentOf(btf, memberType(btf, id, i), depth + 1);
    if (align <= 0) return align;
    greatest = Math.max(greatest, align);
    if (memberBitfieldSize(btf, id, i) === 0 && memberBitOffset(btf, id, i) % (8 * align) !== 0) return 1;
  }
  return sizeOf(btf, id) % greatest === 0 ? greatest : 1;
}
