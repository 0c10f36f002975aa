// What the host calls, in this order: seedHashes; allocateStrings and newSide for both sides, then it writes their
// strings, records and offsets; numberNames; it may attach what is said of types elsewhere; classify, findUnequal. From
// then on nothing is allocated.
import { classify, nameClassEnd } from "./classes.ts";
import { kindTable } from "./elements.ts";
import { seedHashes } from "./hash.ts";
import { allocateWords } from "./memory.ts";
import { allocateStrings } from "./name-starts.ts";
import { numberNames } from "./names.ts";
import { findUnequal, unequalClasses } from "./pairs.ts";
import { newSide, Side } from "./side.ts";

export {
  allocateStrings,
  allocateWords,
  classify,
  findUnequal,
  kindTable,
  nameClassEnd,
  newSide,
  numberNames,
  seedHashes,
  unequalClasses,
};

/** Address of a side's records. */
export function wordsOf(side: Side): usize {
  return side.words;
}

/** Address of the offsets of its records. */
export function offsetsOf(side: Side): usize {
  return side.offsets;
}

/** Address of its reference classes by type id. */
export function referencesOf(side: Side): usize {
  return side.references;
}

/** Address of the last type of each class of a name. */
export function lastOf(side: Side): usize {
  return side.last;
}

/** Address of what comes before each type in its class. */
export function beforeOf(side: Side): usize {
  return side.before;
}

/** Address of the ids of its DECL_TAGs and DATASECs. */
export function speakingOf(side: Side): usize {
  return side.speaking;
}

/** How many those are. */
export function speakingCount(side: Side): i32 {
  return side.speakingCount;
}

/** Address of the ids of its enums without a name. */
export function unnamedEnumsOf(side: Side): usize {
  return side.unnamedEnums;
}

/** How many those are. */
export function unnamedEnumCount(side: Side): i32 {
  return side.unnamedEnumCount;
}

/** Address of a byte for each type id, 1 where another type refers to it. */
export function referencedOf(side: Side): usize {
  return side.referenced;
}

/** Address of its body classes by type id. */
export function bodiesOf(side: Side): usize {
  return side.bodies;
}

/** Says where `Side.attached` lies. */
export function attach(side: Side, attached: usize): void {
  side.attached = attached;
}
