import { assembleBtf } from "./encode.ts";
import { FormatError } from "./error.ts";
import {
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FWD,
  KIND_INT,
  KIND_MAX,
  KIND_STRUCT,
  KIND_UNION,
  NAME_WORD,
} from "./format.ts";
import { hashName } from "./hash.ts";
import { arrayElement, intEncoding, memberType } from "./members.ts";
import { parseBtf, parseModules } from "./parse.ts";
import { mapReferences } from "./shift.ts";
import { equalStrings, nameOf } from "./strings.ts";
import {
  type Btf,
  type BtfSegment,
  isComposite,
  isTransparent,
  kindFlagOf,
  kindName,
  kindOf,
  nameOffsetOf,
  recordOf,
  sizeOf,
  targetOf,
  typeCount,
  vlenOf,
} from "./view.ts";

/**
 * Puts a module's BTF, which was split on a *distilled* base (the module's `.BTF.base` section, Linux 6.11 and later),
 * on the real base, as the kernel does when it loads the module: the result is plain split BTF in the base's byte
 * order, to be read by parseModules.
 *
 * A distilled base holds the named types alone that the module needs, structs without members, so that the module
 * fits any kernel that has types of these names (and sizes, see findCandidates). Of a view with modules, the base
 * alone is taken. Source of the rules: libbpf btf_relocate.c, which the kernel compiles, too.
 * @throws FormatError for corrupt input; missing-base when a type has no counterpart, or two, in this base.
 */
export function relocateDistilled(
  module: Uint8Array,
  distilledBase: Uint8Array,
  base: Btf,
  source = "BTF",
): Uint8Array {
  const distilled = parseBtf(distilledBase, { source: `${source} .BTF.base` });
  const target = base.segments[0] as BtfSegment;
  if (target.header.littleEndian !== distilled.segments[0]?.header.littleEndian) {
    throw new FormatError("bad-magic", `byte order differs from that of its base, ${base.source}`, { source });
  }
  checkDistilled(distilled);
  const view = parseModules(distilled, [{ bytes: module, source }]);
  const segment = view.segments[1] as BtfSegment;
  checkKnownKinds(view, segment);
  const counterparts = findCounterparts(distilled, base, target, embeddedTypes(view, segment));
  const names = counterpartNames(distilled, base, counterparts);

  const firstId = typeCount(distilled);
  const firstName = distilled.strings.length;
  const words = view.words.slice();
  mapReferences(
    words,
    view.offsets,
    segment.startId,
    segment.endId,
    (id) => (id < firstId ? (counterparts[id] as number) : id - firstId + target.endId),
    (name) => (name < firstName ? mappedName(names, name, source) : name - firstName + target.stringEnd),
  );
  return assembleBtf({
    words: words.subarray(recordOf(view, segment.startId), view.offsets[segment.endId]),
    strings: view.strings.subarray(segment.stringStart, segment.stringEnd),
    littleEndian: segment.header.littleEndian,
    layout: segment.layout,
    flags: segment.header.flags,
    headerLength: segment.header.headerLength,
  });
}

/** The kinds that pahole and libbpf put into a distilled base; an ENUM64 is there as an ENUM of 8 bytes. */
function isDistilledKind(kind: number): boolean {
  return isComposite(kind) || kind === KIND_INT || kind === KIND_FLOAT || kind === KIND_ENUM || kind === KIND_FWD;
}

function checkDistilled(distilled: Btf): void {
  for (let id = 1; id < typeCount(distilled); id++) {
    const kind = kindOf(distilled, id);
    if (isDistilledKind(kind) && nameOffsetOf(distilled, id) !== 0) continue;
    const fault = isDistilledKind(kind) ? "has no name" : "does not belong there";
    throw new FormatError("bad-record", `${kindName(kind)} in a distilled base ${fault}`, {
      source: distilled.source,
      section: "BTF types",
      typeId: id,
    });
  }
}

/** Where the ids and names of an unknown kind sit is not known, so that it cannot be moved. */
function checkKnownKinds(view: Btf, segment: BtfSegment): void {
  for (let id = segment.startId; id < segment.endId; id++) {
    const kind = kindOf(view, id);
    if (kind <= KIND_MAX) continue;
    throw new FormatError("unknown-kind", `kind ${kind} cannot be put on another base`, {
      source: segment.source,
      section: "BTF types",
      typeId: id,
    });
  }
}

/**
 * 1 for each distilled struct or union that lies in one of the module's own, by value: as a member, through modifiers,
 * typedefs and arrays, but not behind a pointer. Its size is part of the module's layout, so that it must not differ.
 */
function embeddedTypes(view: Btf, segment: BtfSegment): Uint8Array {
  const embedded = new Uint8Array(segment.startId);
  const known = new Uint32Array(typeCount(view));
  for (let id = segment.startId; id < segment.endId; id++) {
    if (!isComposite(kindOf(view, id))) continue;
    for (let i = 0; i < vlenOf(view, id); i++) {
      const held = heldByValue(view, memberType(view, id, i), known, segment);
      if (held < segment.startId && isComposite(kindOf(view, held))) embedded[held] = 1;
    }
  }
  return embedded;
}

/**
 * The type that is left of a member's when modifiers, typedefs and arrays are taken off. `known` remembers each such
 * type's answer, plus 1, so that many members with one long chain cost no more than the chain.
 */
function heldByValue(view: Btf, from: number, known: Uint32Array, segment: BtfSegment): number {
  let id = from;
  for (let steps = 0; known[id] === 0 && isLookedThrough(view, id); steps++) {
    if (steps > typeCount(view)) {
      throw new FormatError("type-loop", "modifiers, typedefs and arrays lead back to where they started", {
        source: segment.source,
        section: "BTF types",
        typeId: from,
      });
    }
    id = insideOf(view, id);
  }
  const held = known[id] === 0 ? id : (known[id] as number) - 1;
  for (id = from; known[id] === 0; id = insideOf(view, id)) {
    known[id] = held + 1;
    if (id === held) break;
  }
  return held;
}

function isLookedThrough(view: Btf, id: number): boolean {
  const kind = kindOf(view, id);
  return kind === KIND_ARRAY || isTransparent(kind);
}

function insideOf(view: Btf, id: number): number {
  return kindOf(view, id) === KIND_ARRAY ? arrayElement(view, id) : targetOf(view, id);
}

/**
 * The base's type id for each distilled one. Every type of the base that fits is a candidate, and there must be
 * exactly one.
 */
function findCounterparts(distilled: Btf, base: Btf, target: BtfSegment, embedded: Uint8Array): Uint32Array {
  const counterparts = new Uint32Array(typeCount(distilled));
  const byName = idsByName(distilled);
  const sharedNames = sharedCompositeNames(base, target);
  for (let id = 1; id < target.endId; id++) {
    const kind = kindOf(base, id);
    const name = nameOffsetOf(base, id);
    if (name === 0 || !(isDistilledKind(kind) || kind === KIND_ENUM64)) continue;
    for (const wanted of byName.get(hashName(base.strings, name)) ?? []) {
      if (!equalStrings(base.strings, name, distilled.strings, nameOffsetOf(distilled, wanted))) continue;
      const bySize = kind !== KIND_FWD && (!isComposite(kind) || sharedNames[name] === MANY);
      // A FWD's third word is not a size but 0, and is compared like one: so does libbpf.
      if (bySize && sizeOf(base, id) !== sizeOf(distilled, wanted)) continue;
      if (!fits(distilled, wanted, base, id, embedded[wanted] === 1)) continue;
      const other = counterparts[wanted] as number;
      if (other !== 0)
        throw noCounterpart(distilled, wanted, `fits two types of ${base.source}, ids ${other} and ${id}`);
      counterparts[wanted] = id;
    }
  }
  const missing = counterparts.indexOf(0, 1);
  if (missing !== -1) throw noCounterpart(distilled, missing, `has no counterpart in ${base.source}`);
  return counterparts;
}

/**
 * True when a type of the base can stand for a distilled one of the same name; sizes were compared where they must be
 * equal whatever the kind. Which kinds a struct's or union's counterpart may have is not asked: a forward declaration
 * will do where it is not embedded. For a distilled FWD and a struct or union, libbpf looks at the kind_flag of the
 * latter (has it bitfields?), not at that of the FWD; followed here, as ids must be those which the kernel gives.
 */
function fits(distilled: Btf, wanted: number, base: Btf, id: number, embedded: boolean): boolean {
  const kind = kindOf(base, id);
  switch (kindOf(distilled, wanted)) {
    case KIND_FWD:
      if (kind === KIND_FWD) return kindFlagOf(base, id) === kindFlagOf(distilled, wanted);
      if (kind === KIND_STRUCT) return kindFlagOf(base, id) === 0;
      return kind === KIND_UNION && kindFlagOf(base, id) === 1;
    case KIND_INT:
      return kind === KIND_INT && intEncoding(base, id) === intEncoding(distilled, wanted);
    case KIND_FLOAT:
      return kind === KIND_FLOAT;
    case KIND_ENUM:
      return kind === KIND_ENUM || kind === KIND_ENUM64;
    default:
      return !embedded || sizeOf(base, id) === sizeOf(distilled, wanted);
  }
}

function noCounterpart(distilled: Btf, id: number, fault: string): FormatError {
  const what = `${kindName(kindOf(distilled, id))} ${nameOf(distilled, id)} of ${sizeOf(distilled, id)} bytes`;
  return new FormatError("missing-base", `${what} ${fault}: is that the kernel the module is for?`, {
    source: distilled.source,
    section: "BTF types",
    typeId: id,
  });
}

const MANY = 2;

/** By name offset: 0, 1 or MANY structs and unions of the base have that name; MANY are told apart by their size. */
function sharedCompositeNames(base: Btf, target: BtfSegment): Uint8Array {
  const counts = new Uint8Array(target.stringEnd);
  for (let id = 1; id < target.endId; id++) {
    if (!isComposite(kindOf(base, id))) continue;
    const name = nameOffsetOf(base, id);
    if ((counts[name] as number) < MANY) counts[name] = (counts[name] as number) + 1;
  }
  return counts;
}

function idsByName(btf: Btf): Map<number, number[]> {
  const byName = new Map<number, number[]>();
  for (let id = 1; id < typeCount(btf); id++) {
    const hash = hashName(btf.strings, nameOffsetOf(btf, id));
    const ids = byName.get(hash);
    if (ids === undefined) byName.set(hash, [id]);
    else ids.push(id);
  }
  return byName;
}

/** By offset of a distilled type's name: the offset of its counterpart's; 0 where there is none. */
function counterpartNames(distilled: Btf, base: Btf, counterparts: Uint32Array): Uint32Array {
  const names = new Uint32Array(distilled.strings.length);
  for (let id = 1; id < counterparts.length; id++) {
    const record = recordOf(base, counterparts[id] as number);
    names[nameOffsetOf(distilled, id)] = base.words[record + NAME_WORD] as number;
  }
  return names;
}

function mappedName(names: Uint32Array, offset: number, source: string): number {
  const mapped = names[offset] as number;
  if (offset === 0 || mapped !== 0) return mapped;
  throw new FormatError("bad-name-offset", `a name at ${offset} is in .BTF.base, but no type there has it`, {
    source,
    section: "BTF strings",
    offset,
  });
}
