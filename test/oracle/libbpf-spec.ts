/** Writes our specs as libbpf's debug log prints its own (relo_core.c, bpf_core_format_spec), to compare the two. */

import { enumeratorName, enumeratorValue } from "../../lib/btf/members.ts";
import { skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, kindName, kindOf } from "../../lib/btf/view.ts";
import { reloClass, reloKindName } from "../../lib/core/relo-kind.ts";
import { NO_NAME, type Spec } from "../../lib/core/spec.ts";

/** Size of libbpf's buffer for a spec, with the NUL: longer texts are cut off. */
const BUFFER_BYTES = 256;

/** The text of a spec; of an enumerator's only when it was found. */
export function specText(btf: Btf, kind: number, spec: Spec, found: boolean): string {
  const root = `<${reloKindName(kind)}> [${spec.rootId}] ${kindName(kindOf(btf, spec.rootId)).toLowerCase()} `;
  return `${root}${nameOf(btf, spec.rootId) || "<anon>"}${tail(btf, kind, spec, found)}`.slice(0, BUFFER_BYTES - 1);
}

function tail(btf: Btf, kind: number, spec: Spec, found: boolean): string {
  switch (reloClass(kind)) {
    case "enumval":
      return found ? enumerator(btf, spec) : "";
    case "field":
      return `${path(btf, spec)} (${spec.raw.join(":")} @ offset ${offset(spec.bitOffset)})`;
    default:
      return "";
  }
}

function enumerator(btf: Btf, spec: Spec): string {
  const id = skipModifiersAndTypedefs(btf, spec.rootId);
  const index = spec.raw[0] ?? 0;
  return `::${stringAt(btf.strings, enumeratorName(btf, id, index))} = ${enumeratorValue(btf, id, index)}`;
}

function path(btf: Btf, spec: Spec): string {
  return spec.accessors
    .map(({ nameOffset, index }, i) => {
      if (nameOffset !== NO_NAME) return `.${stringAt(btf.strings, nameOffset)}`;
      return i > 0 || index > 0 ? `[${index}]` : "";
    })
    .join("");
}

function offset(bits: number): string {
  return bits % 8 === 0 ? String(bits / 8) : `${Math.floor(bits / 8)}.${bits % 8}`;
}
