import { ARRAY_ELEMENT_WORD, KIND_ARRAY, KIND_PTR, SIZE_OR_TYPE_WORD } from "../btf/format.ts";
import { memberType } from "../btf/members.ts";
import { type Btf, isComposite, isTransparent, kindOf, nameOffsetOf, typeCount, vlenOf } from "../btf/view.ts";

/** Steps that all counts of one counter may take together; a kernel's take a few million. */
const STEP_BUDGET = 50_000_000;

/**
 * Makes a function that counts the named structs and unions which hold a type by value: as a member, in an array, or in
 * a member that holds it. Null when counting has taken too long, which no real BTF's does.
 */
export function reachCounter(btf: Btf): (id: number) => number | null {
  const { starts, holders } = holdersOf(btf);
  const seen = new Uint32Array(typeCount(btf));
  let round = 0;
  let steps = 0;
  return (id) => {
    round++;
    let count = 0;
    const stack = [id];
    seen[id] = round;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const end = starts[at + 1] as number;
      for (let i = starts[at] as number; i < end; i++) {
        if (++steps > STEP_BUDGET) return null;
        const holder = holders[i] as number;
        if (seen[holder] === round) continue;
        seen[holder] = round;
        if (nameOffsetOf(btf, holder) !== 0 && isComposite(kindOf(btf, holder))) count++;
        stack.push(holder);
      }
    }
    return count;
  };
}

/** For each type those that hold it directly: `holders[starts[id]]` to `holders[starts[id + 1] - 1]`. */
function holdersOf(btf: Btf): { starts: Uint32Array; holders: Uint32Array } {
  const count = typeCount(btf);
  const starts = new Uint32Array(count + 1);
  forHeld(btf, (_, held) => {
    starts[held + 1] = (starts[held + 1] as number) + 1;
  });
  for (let id = 0; id < count; id++) starts[id + 1] = (starts[id + 1] as number) + (starts[id] as number);
  const holders = new Uint32Array(starts[count] as number);
  const next = starts.slice();
  forHeld(btf, (holder, held) => {
    const at = next[held] as number;
    holders[at] = holder;
    next[held] = at + 1;
  });
  return { starts, holders };
}

function forHeld(btf: Btf, see: (holder: number, held: number) => void): void {
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = kindOf(btf, id);
    const at = btf.offsets[id] as number;
    if (isComposite(kind)) {
      for (let i = 0; i < vlenOf(btf, id); i++) see(id, memberType(btf, id, i));
    } else if (kind === KIND_ARRAY) see(id, btf.words[at + ARRAY_ELEMENT_WORD] as number);
    else if (isTransparent(kind) && kind !== KIND_PTR) see(id, btf.words[at + SIZE_OR_TYPE_WORD] as number);
  }
}
