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
 * The functions of `.text` that programs name as their exception callbacks, as indexes into the object's programs, by the
 * programs' names (libbpf.c, bpf_prog_assign_exc_cb; since 1.3). Of several of one program the kernel takes none, and
 * neither is one taken here.
 */
export function exceptionCallbacks({ btf, programs }: BpfObject): ReadonlyMap<string, number> {
  const named = new Map<string, string[]>();
  for (let id = 1; btf !== null && id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_DECL_TAG || btf.words[recordOf(btf, id) + DECL_TAG_COMPONENT_WORD] !== WHOLE) continue;
    const tag = nameOf(btf, id);
    const target = targetOf(btf, id);
    if (!tag.startsWith(TAG) || kindOf(btf, target) !== KIND_FUNC) continue;
    const program = nameOf(btf, target);
    named.set(program, [...(named.get(program) ?? []), tag.slice(TAG.length)]);
  }
  const found = new Map<string, number>();
  for (const [program, [name, ...others]] of named) {
    const index = programs.findIndex((one) => one.section === LIBRARY_SECTION && one.name === name);
    if (others.length === 0 && index !== -1) found.set(program, index);
  }
  return found;
}
