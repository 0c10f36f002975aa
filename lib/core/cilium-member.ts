import { MEMBER_NAME_WORD, MEMBER_WORDS } from "../btf/format.ts";
import { memberAt, memberType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { equalStrings } from "../btf/strings.ts";
import { isComposite, kindOf, vlenOf } from "../btf/view.ts";
import { MAX_DEPTH, memberExtent } from "./cilium-layout.ts";
import { FACT_DISTINCT, FACT_MEMBER, FACT_TYPE } from "./evidence.ts";
import { ERROR_INVALID, ERROR_TOO_LONG, MATCH, type MatchState, NO_MATCH, note, spend } from "./match-state.ts";

/** A member that was found, with the way to it. */
export interface FoundMember {
  readonly outcome: typeof MATCH;
  /** The composite that has it, and its index there. */
  readonly ownerId: number;
  readonly index: number;
  /** Offset from the start of the composite that was searched, in bits. */
  readonly bitOffset: number;
  readonly bitfieldSize: number;
  /** Whether it is the last member of its owner. */
  readonly isLast: boolean;
  /** Indexes of the anonymous members that lead to it, and its own. */
  readonly raw: readonly number[];
}

/** Nothing found: no such member, or something that makes the loader give up. */
export interface NoMember {
  readonly outcome: number;
  readonly why: string;
}

/** A composite to be searched: the one asked for, or an anonymous member of an earlier one. */
interface Place {
  readonly typeId: number;
  readonly bitOffset: number;
  /** Where it is a member, and which one; null for the first. */
  readonly within: Place | null;
  readonly index: number;
}

/**
 * Looks for a member in a struct or union, level by level: all members of the outermost first, then those of its
 * anonymous members in their order, then those of the anonymous members inside these (cilium/ebpf btf/core.go,
 * coreFindMember; libbpf searches depth first). A composite is searched once at each offset. An anonymous member that
 * is no composite makes the loader give up if it is met before the name, and so do more than 32 composites.
 */
export function findCiliumMember(state: MatchState, localName: number, compositeId: number): FoundMember | NoMember {
  const { target } = state;
  const { words, strings } = target;
  const localStrings = state.local.strings;
  const initial = localStrings[localName];
  const places: Place[] = [{ typeId: compositeId, bitOffset: 0, within: null, index: 0 }];
  const visited = new Set<string>();
  for (let i = 0; i < places.length; i++) {
    const place = places[i] as Place;
    const { typeId, bitOffset } = place;
    const key = `${typeId} ${bitOffset}`;
    if (visited.has(key)) continue;
    if (visited.size >= MAX_DEPTH) {
      for (const visitedPlace of places.slice(0, i + 1)) noteDistinct(state, visitedPlace);
      return { outcome: ERROR_TOO_LONG, why: `has more than ${MAX_DEPTH} anonymous structs and unions to look into` };
    }
    visited.add(key);
    const count = vlenOf(target, typeId);
    spend(state, typeId, count + 1);
    const first = memberAt(target, typeId, 0);
    for (let index = 0; index < count; index++) {
      const name = words[first + index * MEMBER_WORDS + MEMBER_NAME_WORD] as number;
      const letter = strings[name] as number;
      if (letter !== 0) {
        if (letter !== initial || !equalStrings(localStrings, localName, strings, name)) continue;
        noteWay(state, place);
        note(state, FACT_MEMBER, typeId, index);
        const extent = memberExtent(target, typeId, index);
        return {
          outcome: MATCH,
          ownerId: typeId,
          index,
          bitOffset: (bitOffset + extent.bitOffset) >>> 0,
          bitfieldSize: extent.bitfieldSize,
          isLast: index === count - 1,
          raw: [...wayTo(place), index],
        };
      }
      const inner = skipModifiersAndTypedefs(target, memberType(target, typeId, index));
      if (!isComposite(kindOf(target, inner))) {
        noteWay(state, place);
        note(state, FACT_MEMBER, typeId, index);
        note(state, FACT_TYPE, inner, 0);
        return { outcome: ERROR_INVALID, why: "has a member without a name that is no struct or union" };
      }
      const offset = (bitOffset + memberExtent(target, typeId, index).bitOffset) >>> 0;
      places.push({ typeId: inner, bitOffset: offset, within: place, index });
    }
  }
  return { outcome: NO_MATCH, why: "has no such member" };
}

/** Writes down the anonymous members that lead to a place. */
function noteWay(state: MatchState, place: Place): void {
  note(state, FACT_TYPE, place.typeId, 0);
  for (let at = place; at.within !== null; at = at.within) note(state, FACT_MEMBER, at.within.typeId, at.index);
}

/** The same, where types are counted: two that look alike may not become one. */
function noteDistinct(state: MatchState, place: Place): void {
  noteWay(state, place);
  note(state, FACT_DISTINCT, place.typeId, 0);
}

function wayTo(place: Place): number[] {
  const way: number[] = [];
  for (let at = place; at.within !== null; at = at.within) way.unshift(at.index);
  return way;
}
