import { SIZE_OR_TYPE_WORD } from "../btf/format.ts";
import { TYPE_ID_WORDS } from "../btf/kind-table.ts";

/** A member, enumerator or parameter of a draft. */
export interface DraftElement {
  readonly name: string;
  /** The draft it refers to; null for void, and for an enumerator. */
  readonly type: Draft | null;
  /** Words behind name and type: a member's offset, an enumerator's value. */
  readonly rest: readonly number[];
}

/** A type of the result before ids are known. There are a few hundred of them, so an object each is cheap here. */
export interface Draft {
  readonly kind: number;
  readonly kindFlag: number;
  readonly name: string;
  /** Size in bytes where the kind has one. */
  readonly size: number;
  /** What it refers to where the kind refers to a type; null for void. */
  target: Draft | null;
  /** An array's index type. */
  indexType: Draft | null;
  /** An INT's data word, an array's length, a VAR's or FUNC's linkage. */
  readonly detail: number;
  elements: readonly DraftElement[];
  /** The segment it is written into. */
  segment: number;
  /** Its id in the source where it may not become one with another, else 0. */
  readonly identity: number;
}

/** All drafts in the order they are written, and which one stands for a type of the source. */
export interface Drafts {
  list: Draft[];
  /** By type id of the source; only kept types have one. */
  readonly bySource: Map<number, Draft>;
  /** Drafts that stand for many types, by what they have in common. */
  readonly shared: Map<string, Draft>;
}

/** A draft that refers to nothing and has no elements yet. */
export function newDraft(kind: number, fields: Partial<Draft> = {}): Draft {
  return {
    kind,
    kindFlag: 0,
    name: "",
    size: 0,
    target: null,
    indexType: null,
    detail: 0,
    elements: [],
    segment: 0,
    identity: 0,
    ...fields,
  };
}

/** True for kinds whose third word is a type id. */
export function refersToType(kind: number): boolean {
  return (((TYPE_ID_WORDS[kind] as number) >>> SIZE_OR_TYPE_WORD) & 1) === 1;
}
