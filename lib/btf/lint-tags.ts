import { KIND_TYPE_TAG } from "./format.ts";
import { complainOfType, type LintSubject } from "./lint-finding.ts";
import { isTransparent, MAX_DEPTH } from "./lint-walk.ts";
import { kindOf, targetOf } from "./view.ts";

/**
 * Chains of modifiers and typedefs: type tags come first, and a chain has at most 32 links (kernel/bpf/btf.c,
 * btf_check_type_tags). Links with lower ids were looked at before, so a chain ends at the first of them.
 */
export function lintChains(subject: LintSubject): void {
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
    if (links > MAX_DEPTH) {
      complainOfType(subject, "modifier-chain", id, `more than ${MAX_DEPTH} modifiers and typedefs follow each other`);
    }
    checked = id;
  }
}
