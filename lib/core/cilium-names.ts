import {
  KIND_DATASEC,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FWD,
  KIND_INT,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
} from "../btf/format.ts";
import { equalBytes, essentialLength, flavourlessLength } from "../btf/strings.ts";
import { type Btf, kindOf, nameOffsetOf } from "../btf/view.ts";
import { type CandidateIndex, lookUp, scanAll } from "./candidates.ts";

const UNDERSCORE = 0x5f;
/** Names longer than this are looked at once, however many types share them. */
const LONG_NAME = 256;

/** Kinds whose name is theirs; cilium/ebpf gives modifiers, pointers and tags none, whatever the BTF says. */
const NAMED_KINDS: ReadonlySet<number> = new Set([
  KIND_INT,
  KIND_STRUCT,
  KIND_UNION,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FWD,
  KIND_TYPEDEF,
  KIND_FLOAT,
]);

/** Kinds that have a name too, and are compatible with no other. */
const KINDS_APART: ReadonlySet<number> = new Set([KIND_FUNC, KIND_VAR, KIND_DATASEC]);

/**
 * The types of the target that bear the local type's name without flavour, whatever their kind, in the order in which
 * cilium/ebpf tries them: the base's, then each module's, by ascending id (btf/core.go, CORERelocate; btf/unmarshal.go,
 * TypesByName). A FUNC, VAR or DATASEC is incompatible with all other kinds, so it is one only where the root is one.
 * Releases from 0.19 on find no type whose only `___` is at the beginning of its name; here it is a candidate as before.
 */
export function findCiliumCandidates(index: CandidateIndex, local: Btf, localId: number): number[] {
  const { btf } = index;
  if (!hasCiliumName(local, localId)) return [];
  const kind = kindOf(local, localId);
  const name = nameOffsetOf(local, localId);
  const length = flavourlessLength(local.strings, name);
  const bearsName = (id: number): boolean => {
    const targetName = nameOffsetOf(btf, id);
    return (
      equalBytes(local.strings, name, btf.strings, targetName, length) &&
      flavourlessLength(btf.strings, targetName) === length
    );
  };
  const isCandidate = (id: number): boolean => NAMED_KINDS.has(kindOf(btf, id)) && bearsName(id);
  const found = new Set(lookUp(index, local.strings, name, length, isCandidate));
  for (const id of oddNames(index)) if (isCandidate(id)) found.add(id);
  if (KINDS_APART.has(kind)) {
    for (const id of scanAll(btf, (id) => kindOf(btf, id) === kind && bearsName(id))) found.add(id);
  }
  return [...found].sort((a, b) => a - b);
}

/** Whether cilium/ebpf takes a type for named; a relocation of one that is not is an error. */
export function hasCiliumName(btf: Btf, id: number): boolean {
  const kind = kindOf(btf, id);
  const canHaveName = NAMED_KINDS.has(kind) || KINDS_APART.has(kind);
  return canHaveName && btf.strings[nameOffsetOf(btf, id)] !== 0;
}

/** Types that the index has under another name than cilium/ebpf cuts out of theirs. */
function oddNames(index: CandidateIndex): readonly number[] {
  index.oddNames ??= findOddNames(index.btf);
  return index.oddNames;
}

function findOddNames(btf: Btf): number[] {
  const { strings } = btf;
  const odd: number[] = [];
  // A hundred thousand types may share one name of a megabyte.
  const longNames = new Map<number, boolean>();
  for (const id of btf.roots) {
    const name = nameOffsetOf(btf, id);
    let isOdd = longNames.get(name);
    if (isOdd === undefined) {
      const length = flavourMarkOrEnd(strings, name) - name;
      const isMarked = strings[name + length] !== 0;
      isOdd = isMarked && essentialLength(strings, name) !== flavourlessLength(strings, name);
      if (length > LONG_NAME) longNames.set(name, isOdd);
    }
    if (isOdd) odd.push(id);
  }
  return odd;
}

/** Offset of the first `___` of a name, or of its end. */
function flavourMarkOrEnd(strings: Uint8Array, name: number): number {
  let run = 0;
  for (let at = name; ; at++) {
    const byte = strings[at] ?? 0;
    if (byte === 0) return at;
    run = byte === UNDERSCORE ? run + 1 : 0;
    if (run === 3) return at - 2;
  }
}
