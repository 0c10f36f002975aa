import { KIND_TYPE_TAG } from "./format.ts";
import { complainOfType } from "./lint-finding.ts";
import { BROKEN, isTransparent, MAX_DEPTH, type Walk } from "./lint-walk.ts";
import { kindOf, targetOf } from "./view.ts";

/**
 * Chains of modifiers and typedefs: type tags come first, and a chain has at most 32 links (kernel/bpf/btf.c,
 * btf_check_type_tags). Links with lower ids were looked at before, so a chain ends at the first of them. A chain
 * that the walk could not settle (a loop, mostly) was reported by it.
 */
export function lintChains({ subject, state }: Walk): void {
  const { btf, startId, endId } = subject;
  let checked = startId - 1;
  for (let id = startId; id < endId; id++) {
    const kind = kindOf(btf, id);
    if (!isTransparent(kind)) continue;
    const next = targetOf(btf, id);
    if (kind !== KIND_TYPE_TAG && next < endId && kindOf(btf, next) === KIND_TYPE_TAG) {
      complainOfType(subject, "type-tag-order", id, `is before TYPE_TAG [${next}], which must come first`);
    }
    let at = id;
    let links = 0;
    while (at < endId && isTransparent(kindOf(btf, at)) && links <= MAX_DEPTH) {
      links++;
      if (at <= checked) break;
      at = targetOf(btf, at);
    }
    if (links > MAX_DEPTH && state[id] !== BROKEN) {
      complainOfType(subject, "modifier-chain", id, `more than ${MAX_DEPTH} modifiers and typedefs follow each other`);
    }
    checked = id;
  }
}
