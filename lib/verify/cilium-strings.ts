import { KIND_DATASEC } from "../btf/format.ts";
import { ELEMENT_WORDS, FIXED_WORDS } from "../btf/kind-table.ts";
import type { LintFinding } from "../btf/lint-finding.ts";
import { nameOf } from "../btf/strings.ts";
import {
  type Btf,
  type BtfSegment,
  kindName,
  kindOf,
  nameOffsetOf,
  recordOf,
  segmentOf,
  typeCount,
  vlenOf,
} from "../btf/view.ts";

/**
 * The first type of each segment that has a name beginning inside another string: cilium/ebpf then reads nothing of the
 * whole BTF, or not that type, depending on its release (btf/strings.go, Lookup). libbpf and the kernel do not mind.
 */
export function findSharedTails(btf: Btf): { readonly source: string; readonly finding: LintFinding }[] {
  const found = new Map<number, { source: string; finding: LintFinding }>();
  for (let id = 1; id < typeCount(btf); id++) {
    const index = segmentOf(btf, id);
    if (found.has(index) || !hasSharedTail(btf, id)) continue;
    const { source, idShift } = btf.segments[index] as BtfSegment;
    const finding: LintFinding = {
      rule: "name-offset",
      severity: "error",
      kind: kindName(kindOf(btf, id)),
      typeId: id - idShift,
      name: nameOf(btf, id),
      message: "a name begins inside another string, which cilium/ebpf does not read",
    };
    found.set(index, { source, finding });
  }
  return [...found.values()];
}

function hasSharedTail(btf: Btf, id: number): boolean {
  const { words, strings } = btf;
  const isInside = (offset: number) => offset > 0 && strings[offset - 1] !== 0;
  if (isInside(nameOffsetOf(btf, id))) return true;
  const kind = kindOf(btf, id);
  const perElement = ELEMENT_WORDS[kind] as number;
  // A section's variables have no names of their own.
  if (perElement === 0 || kind === KIND_DATASEC) return false;
  const first = recordOf(btf, id) + (FIXED_WORDS[kind] as number);
  for (let i = 0; i < vlenOf(btf, id); i++) {
    if (isInside(words[first + i * perElement] as number)) return true;
  }
  return false;
}
