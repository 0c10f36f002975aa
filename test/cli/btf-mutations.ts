/** Copies of a small BTF with one change each, as a bug of a minimizer might make them. */
import { FormatError } from "../../lib/btf/error.ts";
import { KIND_ENUM, KIND_PTR, KIND_STRUCT, TYPE_WORDS } from "../../lib/btf/format.ts";
import { lintBtf } from "../../lib/btf/lint.ts";
import { memberName } from "../../lib/btf/members.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, recordOf, typeCount, vlenOf } from "../../lib/btf/view.ts";

const WORD = 4;
const MEMBER_WORDS = 3;
const HEAD_WORDS = 3;

/** Mutants by what is wrong with them. They are for objects that read `task_struct.tgid`, enumerators and types. */
export function btfMutations(btf: Btf, bytes: Uint8Array) {
  const { header } = btf.segments[0] as BtfSegment;
  const start = header.headerLength + header.typeOffset;
  /** A copy with one word of the type section changed. */
  const withWord = (word: number, change: (old: number) => number): Uint8Array => {
    const copy = new Uint8Array(bytes);
    const view = new DataView(copy.buffer);
    const at = start + (word - TYPE_WORDS) * WORD;
    view.setUint32(at, change(view.getUint32(at, header.littleEndian)) >>> 0, header.littleEndian);
    return copy;
  };
  const ids = Array.from({ length: typeCount(btf) - 1 }, (_, i) => i + 1);
  const find = (test: (id: number) => boolean): number => {
    const found = ids.find(test);
    if (found === undefined) throw new Error("the BTF has no such type");
    return found;
  };
  const task = find((id) => kindOf(btf, id) === KIND_STRUCT && nameOf(btf, id) === "task_struct");
  const tgid = Array.from({ length: vlenOf(btf, task) }, (_, i) => i).find(
    (i) => stringAt(btf.strings, memberName(btf, task, i)) === "tgid",
  );
  if (tgid === undefined) throw new Error("the BTF has no task_struct.tgid");
  const member = recordOf(btf, task) + HEAD_WORDS + tgid * MEMBER_WORDS;
  const enumNamed = (name: string) => find((id) => kindOf(btf, id) === KIND_ENUM && nameOf(btf, id) === name);
  const firstEnumerator = (id: number) => recordOf(btf, id) + HEAD_WORDS + 1;
  const pointer = find((id) => kindOf(btf, id) === KIND_PTR);
  const cut = new Uint8Array(bytes);
  cut[header.headerLength + header.stringOffset + header.stringLength - 1] = 0x78;
  return {
    nothing: bytes,
    // Its name goes, as that of padding does.
    "a member is dropped": withWord(member, () => 0),
    "an offset is shifted": withWord(member + 2, (bits) => bits + 64),
    "an enumerator is changed": withWord(firstEnumerator(enumNamed("zone_type")), (value) => value + 1),
    "an enumerator of a poisoned program is changed": withWord(
      firstEnumerator(enumNamed("cgroup_subsys_id")),
      (value) => value + 1,
    ),
    "a pointer is retargeted": retargeted(btf, ids, withWord),
    "a pointer points to itself": withWord(recordOf(btf, pointer) + 2, () => pointer),
    "a string ends the section without a NUL": cut,
  };
}

/** The pointers of `list_head`, made ones to another struct: bpf_core_type_matches looks at their names. */
function retargeted(
  btf: Btf,
  ids: readonly number[],
  withWord: (word: number, change: (old: number) => number) => Uint8Array,
): Uint8Array {
  const head = ids.find((id) => kindOf(btf, id) === KIND_STRUCT && nameOf(btf, id) === "list_head");
  const pointer = ids.find((id) => kindOf(btf, id) === KIND_PTR && btf.words[recordOf(btf, id) + 2] === head);
  const other = ids.find((id) => kindOf(btf, id) === KIND_STRUCT && id !== head);
  if (pointer === undefined || other === undefined) throw new Error("the BTF has no pointer to list_head");
  const copy = withWord(recordOf(btf, pointer) + 2, () => other);
  if (lintBtf(copy, { source: "mutant" }).some(({ severity }) => severity === "error")) {
    throw new FormatError("bad-record", "the mutant is to be well formed", { source: "mutant" });
  }
  return copy;
}
