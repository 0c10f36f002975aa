import {
  DECL_TAG_COMPONENT_WORD,
  KIND_DECL_TAG,
  NAME_WORD,
  SECINFO_OFFSET_WORD,
  SECINFO_SIZE_WORD,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  TYPE_WORDS,
} from "../btf/format.ts";
import { type Btf, kindOf, recordOf, targetOf, vlenOf } from "../btf/view.ts";

/** What is said of types elsewhere, by the id of the type it is said of: each list in an order without ids. */
export interface Attached {
  readonly tags: ReadonlyMap<number, readonly AttachedTag[]>;
  readonly places: ReadonlyMap<number, readonly AttachedPlace[]>;
}

/** A declaration tag on a type. */
export interface AttachedTag {
  /** Common number of the tag's text. */
  readonly name: number;
  readonly nameOffset: number;
  /** Index of the member or parameter, -1 for the type itself. */
  readonly component: number;
}

/** A variable's place in a section, in bytes. */
export interface AttachedPlace {
  /** Common number of the section's name. */
  readonly name: number;
  readonly nameOffset: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Collects declaration tags and places of variables.
 * @param records The type records with each name's number in place of its offset.
 * @param speaking Ids of the DECL_TAGs and DATASECs.
 */
export function collectAttached(btf: Btf, records: Int32Array, speaking: Int32Array): Attached {
  const tags = new Map<number, AttachedTag[]>();
  const places = new Map<number, AttachedPlace[]>();
  for (const id of speaking) {
    const at = recordOf(btf, id);
    const nameOffset = btf.words[at + NAME_WORD] as number;
    const name = records[at + NAME_WORD] as number;
    if (kindOf(btf, id) === KIND_DECL_TAG) {
      const component = (btf.words[at + DECL_TAG_COMPONENT_WORD] as number) | 0;
      add(tags, targetOf(btf, id), { name, nameOffset, component });
      continue;
    }
    const end = at + TYPE_WORDS + vlenOf(btf, id) * SECINFO_WORDS;
    for (let variable = at + TYPE_WORDS; variable < end; variable += SECINFO_WORDS) {
      const offset = btf.words[variable + SECINFO_OFFSET_WORD] as number;
      const size = btf.words[variable + SECINFO_SIZE_WORD] as number;
      add(places, btf.words[variable + SECINFO_TYPE_WORD] as number, { name, nameOffset, offset, size });
    }
  }
  for (const list of tags.values()) list.sort((a, b) => a.component - b.component || a.name - b.name);
  for (const list of places.values()) list.sort((a, b) => a.name - b.name || a.offset - b.offset || a.size - b.size);
  return { tags, places };
}

function add<T>(lists: Map<number, T[]>, id: number, item: T): void {
  const list = lists.get(id);
  if (list === undefined) lists.set(id, [item]);
  else list.push(item);
}
