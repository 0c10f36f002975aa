import {
  INT_BITS_MASK,
  INT_DATA_WORD,
  INT_OFFSET_MASK,
  INT_OFFSET_SHIFT,
  KIND_ARRAY,
  KIND_FLOAT,
  KIND_INT,
  KIND_PTR,
  KIND_UNION,
} from "../btf/format.ts";
import {
  arrayElement,
  arrayLength,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
} from "../btf/members.ts";
import { pointerBytes } from "../btf/resolve.ts";
import {
  type Btf,
  isComposite,
  isEnum,
  isTransparent,
  kindOf,
  recordOf,
  sizeOf,
  targetOf,
  typeCount,
  vlenOf,
} from "../btf/view.ts";
import type { Order } from "./order.ts";
import { behindTypedefs, MAX_CHAIN, madeOf, unfolded } from "./references.ts";
import { alignmentOf, bitsOf } from "./scalars.ts";

/** What must be said in C so that structs and unions come out as they are; by id, 0 where nothing is known. */
export interface Layouts {
  readonly btf: Btf;
  /** 1 for a struct that needs `packed`: a member or the size is at odds with alignment. */
  readonly packed: Uint8Array;
  /** Alignment in bytes, as the text makes it. */
  readonly alignments: Uint32Array;
  /** Bytes of an `aligned` of the whole, for the sake of its size. */
  readonly aligned: Uint32Array;
  /** The greatest alignment that every struct which has it inside leaves it. */
  readonly bounds: Uint32Array;
  /** 1 for what lies inside another. */
  readonly embedded: Uint8Array;
  /** Sizes in bytes of types that members have, as far as they were asked for. */
  readonly sizes: Map<number, number>;
  /** What those are made of. */
  readonly made: Map<number, number>;
  /** Types that are not spelled out, with what they have that is beyond a bound. */
  readonly unsaid: ReadonlyMap<number, string>;
}

/** Where a member lies, in bits. */
export interface Place {
  /** Offset of the member's name; 0 for none. */
  readonly name: number;
  /** The struct or union that is written out in place of the member (`unfolded`), or 0. */
  readonly inner: number;
  readonly offset: number;
  /** Of a bitfield; else 0. */
  readonly width: number;
  /** Of its type. */
  readonly size: number;
  /** Of its type, in bytes. */
  readonly alignment: number;
  /** Why C cannot have it there; empty when it can. */
  readonly problem: string;
}

/** No type is aligned to more: a page. Also the bound of what lies in nothing. */
const GREATEST_ALIGNMENT = 4096;
/** Smaller gaps are filled with nameless bitfields rather than blamed on an `aligned`. */
const LEAST_ALIGNED = 16;
const BITS_A_BYTE = 8;

/** Finds the layouts of all structs and unions that a header writes out. */
export function planLayouts(btf: Btf, { units, bodies, unsaid }: Order): Layouts {
  const count = typeCount(btf);
  const layouts: Layouts = {
    btf,
    packed: new Uint8Array(count),
    alignments: new Uint32Array(count),
    aligned: new Uint32Array(count),
    bounds: new Uint32Array(count),
    embedded: new Uint8Array(count),
    sizes: new Map(),
    made: new Map(),
    unsaid,
  };
  // A struct comes behind what it has inside, so from the end it comes before: it bounds their alignment.
  for (let i = units.length - 1; i >= 0; i--) {
    const unit = units[i] as number;
    boundMembers(layouts, unit);
    const inner = bodies.get(unit) ?? [];
    for (let j = inner.length - 1; j >= 0; j--) boundMembers(layouts, inner[j] as number);
  }
  for (const unit of units) {
    for (const body of bodies.get(unit) ?? []) layOut(layouts, body);
    layOut(layouts, unit);
  }
  return layouts;
}

/** Size of an object of a type in bytes; -1 for what has none. */
function objectSize(btf: Btf, id: number): number {
  let elements = 1;
  let at = id;
  for (let steps = 0; steps < MAX_CHAIN; steps++) {
    const kind = kindOf(btf, at);
    if (kind === KIND_ARRAY) {
      elements *= arrayLength(btf, at);
      at = arrayElement(btf, at);
    } else if (isTransparent(kind)) at = targetOf(btf, at);
    else if (kind === KIND_PTR) return elements * pointerBytes(btf);
    else if (isComposite(kind) || isEnum(kind) || kind === KIND_INT || kind === KIND_FLOAT)
      return elements * sizeOf(btf, at);
    else return -1;
  }
  return -1;
}

/**
 * Where a member lies, behind others that fill the struct up to `filled`, in bits. Bitfields of old compilers have their
 * place and width in their INT.
 */
export function placeOf(layouts: Layouts, composite: number, index: number, filled: number): Place {
  const { btf } = layouts;
  const type = memberType(btf, composite, index);
  const bytes = memo(layouts.sizes, btf, type, objectSize);
  const made = memo(layouts.made, btf, type, madeOf);
  let offset = memberBitOffset(btf, composite, index);
  let width = memberBitfieldSize(btf, composite, index);
  if (kindOf(btf, made) === KIND_INT) {
    const data = btf.words[recordOf(btf, made) + INT_DATA_WORD] as number;
    const bits = data & INT_BITS_MASK;
    if (bits !== sizeOf(btf, made) * BITS_A_BYTE && bits > 0 && kindOf(btf, behindTypedefs(btf, type)) === KIND_INT) {
      offset += (data >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK;
      if (width === 0) width = bits;
    }
  }
  const alignment = alignmentOfMade(layouts, made);
  const beyond = layouts.unsaid.get(type);
  return {
    name: memberName(btf, composite, index),
    inner: unfolded(btf, composite, index),
    offset,
    width,
    size: bytes * 8,
    alignment,
    problem:
      (beyond === undefined ? problemOf(btf, composite, type, offset, width, bytes) : `its type has ${beyond}`) ||
      collisionOf(btf, composite, offset, filled),
  };
}

/** True for what is in the text: not what C cannot have there, nor nameless bitfields and the like, which are gaps to C. */
export const isWritten = ({ problem, name, inner }: Place): boolean => problem === "" && (name !== 0 || inner !== 0);

/** Bits up to which a struct or union is filled, once there is a member more. */
export const filledBy = ({ offset, width, size }: Place, filled: number): number =>
  Math.max(filled, offset + (width === 0 ? size : width));

/** Many members share few types. */
function memo(known: Map<number, number>, btf: Btf, type: number, find: (btf: Btf, id: number) => number): number {
  let value = known.get(type);
  if (value === undefined) {
    value = find(btf, type);
    known.set(type, value);
  }
  return value;
}

function alignmentOfMade({ btf, alignments }: Layouts, made: number): number {
  const kind = kindOf(btf, made);
  if (isComposite(kind)) return Math.max(1, alignments[made] as number);
  return alignmentOf(kind === KIND_PTR ? pointerBytes(btf) : sizeOf(btf, made));
}

function problemOf(btf: Btf, composite: number, type: number, offset: number, width: number, bytes: number): string {
  if (bytes < 0) return "its type has no size";
  const end = offset + (width === 0 ? bytes * 8 : width);
  if (end > sizeOf(btf, composite) * 8) return "it ends behind its struct";
  if (width === 0) return offset % 8 === 0 ? "" : "it is no bitfield and begins inside a byte";
  const integer = behindTypedefs(btf, type);
  const kind = kindOf(btf, integer);
  const bits = kind === KIND_INT ? bitsOf(btf, integer) : isEnum(kind) ? bytes * 8 : 0;
  if (bits === 0) return "a bitfield must be an integer";
  return width > bits ? "it is wider than its type" : "";
}

function collisionOf(btf: Btf, composite: number, offset: number, filled: number): string {
  if (kindOf(btf, composite) === KIND_UNION) return offset === 0 ? "" : "it does not begin where its union does";
  return offset < filled ? "it overlaps the member before it" : "";
}

/** The greatest power of two that divides a number of bytes; any does for 0. */
function divisor(bytes: number): number {
  return bytes === 0 ? GREATEST_ALIGNMENT : Math.min(GREATEST_ALIGNMENT, (bytes & -bytes) >>> 0);
}

function boundOf({ btf, bounds }: Layouts, id: number): number {
  return Math.min((bounds[id] as number) || GREATEST_ALIGNMENT, divisor(sizeOf(btf, id)));
}

function boundMembers(layouts: Layouts, composite: number): void {
  const { btf, bounds, embedded } = layouts;
  if (!isComposite(kindOf(btf, composite))) return;
  const own = boundOf(layouts, composite);
  for (let i = 0; i < vlenOf(btf, composite); i++) {
    const made = memo(layouts.made, btf, memberType(btf, composite, i), madeOf);
    if (!isComposite(kindOf(btf, made))) continue;
    const bound = Math.min(own, divisor(memberBitOffset(btf, composite, i) >>> 3));
    bounds[made] = Math.min((bounds[made] as number) || GREATEST_ALIGNMENT, bound);
    embedded[made] = 1;
  }
}

/** Bits rounded up to a number of bytes. */
export const roundUp = (bits: number, bytes: number): number => Math.ceil(bits / (bytes * 8)) * bytes * 8;

/** Where C puts a member behind `end`, in bits, all by itself. */
export function natural(end: number, { width, size, alignment }: Place, packed: boolean): number {
  if (width === 0) return roundUp(end, packed ? 1 : alignment);
  if (packed) return end;
  return (end % (alignment * 8)) + width > size ? roundUp(end, alignment) : end;
}

/** The `aligned` of a member, in bytes, that alone explains a gap behind `end`; 0 when none does. */
export function memberAlignment(layouts: Layouts, composite: number, end: number, place: Place): number {
  // Behind a struct without a declarator the attribute would be its type's, which grows by it.
  if (place.width > 0 || place.name === 0) return 0;
  return explainingAlignment(layouts, composite, end, place.offset);
}

/**
 * The alignment in bytes that alone explains a gap from `end` to `offset` (bits); 0 when none does, when a few nameless
 * bitfields do, or when the struct lies in another where it is aligned to less.
 */
function explainingAlignment(layouts: Layouts, composite: number, end: number, offset: number): number {
  const bound = boundOf(layouts, composite);
  for (let bytes = LEAST_ALIGNED; bytes <= bound; bytes *= 2) {
    if (roundUp(end, bytes) === offset) return bytes;
  }
  return 0;
}

function layOut(layouts: Layouts, composite: number): void {
  const { btf, packed, alignments, aligned } = layouts;
  const kind = kindOf(btf, composite);
  if (!isComposite(kind)) return;
  const isUnion = kind === KIND_UNION;
  const size = sizeOf(btf, composite) * 8;
  // What is left out aligns nothing.
  const places: Place[] = [];
  let alignment = 1;
  let atOdds = false;
  let end = 0;
  for (let i = 0; i < vlenOf(btf, composite); i++) {
    const place = placeOf(layouts, composite, i, end);
    if (!isWritten(place)) continue;
    places.push(place);
    end = filledBy(place, end);
    const { offset, width, size: bits } = place;
    if (width === 0) atOdds ||= offset % (place.alignment * 8) !== 0;
    else atOdds ||= (offset % (place.alignment * 8)) + width > bits;
    alignment = Math.max(alignment, place.alignment);
  }
  atOdds ||= size % (alignment * 8) !== 0;
  if (atOdds) {
    packed[composite] = 1;
    alignments[composite] = 1;
    return;
  }
  end = 0;
  for (const place of places) {
    if (!isUnion && natural(end, place, false) < place.offset) {
      alignment = Math.max(alignment, memberAlignment(layouts, composite, end, place));
    }
    end = filledBy(place, end);
  }
  if (roundUp(end, alignment) < size) {
    const whole = explainingAlignment(layouts, composite, end, size);
    aligned[composite] = whole;
    alignment = Math.max(alignment, whole);
  }
  alignments[composite] = alignment;
}
