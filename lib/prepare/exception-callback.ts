import { DECL_TAG_COMPONENT_WORD, KIND_DECL_TAG, KIND_FUNC } from "../btf/format.ts";
import { nameOf } from "../btf/strings.ts";
import { kindOf, recordOf, targetOf, typeCount } from "../btf/view.ts";
import type { BpfObject } from "../core/object.ts";
import { LIBRARY_SECTION } from "./code-relocations.ts";

/** What a program's tag starts with that names the function to run when it throws. */
const TAG = "exception_callback:";
/** The tag is the function's own, not a parameter's. */
const WHOLE = 0xffff_ffff;

/**
 * The function of `.text` that a program names as its exception callback, as an index into the object's programs; null for
 * none (libbpf.c, bpf_prog_assign_exc_cb; since 1.3). Of several the kernel takes none, and neither is one taken here.
 */
export function exceptionCallback({ btf, programs }: BpfObject, program: string): number | null {
  if (btf === null) return null;
  const named: string[] = [];
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_DECL_TAG || btf.words[recordOf(btf, id) + DECL_TAG_COMPONENT_WORD] !== WHOLE) continue;
    const tag = nameOf(btf, id);
    if (!tag.startsWith(TAG)) continue;
    const target = targetOf(btf, id);
    if (kindOf(btf, target) === KIND_FUNC && nameOf(btf, target) === program) named.push(tag.slice(TAG.length));
  }
  const [name] = named;
  if (name === undefined || named.length > 1) return null;
  const found = programs.findIndex((one) => one.section === LIBRARY_SECTION && one.name === name);
  return found === -1 ? null : found;
}
