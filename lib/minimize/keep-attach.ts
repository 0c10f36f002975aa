import { KIND_FUNC, KIND_FWD, KIND_PTR, KIND_STRUCT, KIND_TYPEDEF, KIND_UNION, KIND_VAR } from "../btf/format.ts";
import { memberType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { essentialLength } from "../btf/strings.ts";
import { type Btf, kindOf, nameOffsetOf, vlenOf } from "../btf/view.ts";
import type { AttachTarget } from "../core/attach-targets.ts";
import { nearest } from "../core/nearest.ts";
import type { ReloRecord } from "../core/resolve.ts";
import { inBaseFirst, namesOf, typesByName } from "../core/type-names.ts";
import { DECLARED, KEPT, type Marks, markDeclared, markExactly, markMember, NAMED } from "./marks.ts";
import { byteText } from "./string-table.ts";

/** A target that the kernel does not have: data, for the caller to judge (`target.optional` says whether it matters). */
export interface AttachProblem {
  readonly target: AttachTarget;
  /** In words: "there is no function vfs_raed". */
  readonly reason: string;
}

/** The name that comes nearest to a missing target's. Compares all of the kind, half a second for functions: ask late. */
export function nearestAttachTarget(btf: Btf, { name, targetKind }: AttachTarget): string | undefined {
  return targetKind === null ? undefined : nearest(name, namesOf(btf, [targetKind]));
}

const WORDS: ReadonlyMap<number, string> = new Map([
  [KIND_FUNC, "function"],
  [KIND_TYPEDEF, "typedef"],
  [KIND_VAR, "variable"],
  [KIND_STRUCT, "struct"],
  [KIND_UNION, "union"],
]);

/**
 * Keeps the signatures of what objects attach to, for tools to compare kernels by: functions and tracepoints with the
 * names of parameters and the names and kinds of types, structs behind pointers as forward declarations; variables by
 * type; struct_ops structs with all members and the signatures of their functions; kptr structs as declarations.
 *
 * Type ids change, and a kernel attaches by its own ids: none of these can be used as an attach id, and loaders that
 * get this BTF still look attach targets up in the kernel's.
 */
export function markAttachTargets(marks: Marks, targets: readonly AttachTarget[]): AttachProblem[] {
  const { btf } = marks;
  const inKernel = targets.filter(({ targetKind }) => targetKind !== null);
  const byName = typesByName(btf, new Set(inKernel.map(({ name }) => name)));
  const problems: AttachProblem[] = [];
  for (const target of inKernel) {
    const kind = target.targetKind as number;
    const found = inBaseFirst(
      btf,
      (byName.get(target.name) ?? []).filter((id) => kindOf(btf, id) === kind),
    );
    if (found.length > 0) {
      for (const id of found) keepTarget(marks, target, id);
      continue;
    }
    const reason = `there is no ${WORDS.get(kind) ?? "type"} ${target.name}`;
    problems.push({ target, reason });
  }
  return problems;
}

function keepTarget(marks: Marks, { kind }: AttachTarget, id: number): void {
  const { btf } = marks;
  if (kind === "kptr") markDeclared(marks, id, true);
  else if (kind !== "struct_ops") markExactly(marks, id, KEPT | NAMED | DECLARED);
  else {
    markExactly(marks, id, KEPT | NAMED);
    for (let i = 0; i < vlenOf(btf, id); i++) {
      markMember(marks, id, i);
      const type = skipModifiersAndTypedefs(btf, memberType(btf, id, i));
      if (kindOf(btf, type) === KIND_PTR) markDeclared(marks, type, false);
    }
  }
}

/**
 * Structs that may not be written as a forward declaration, since a relocation asks for a forward declaration of that
 * name and would find one that the kernel does not have: those are kept by name and size.
 */
export function forbidDeclarations(marks: Marks, records: readonly ReloRecord[]): void {
  const { btf } = marks;
  const names = new Set<string>();
  for (const { object, relocation } of records) {
    if (object.btf === null || kindOf(object.btf, relocation.typeId) !== KIND_FWD) continue;
    names.add(essentialName(object.btf, relocation.typeId));
  }
  if (names.size === 0) return;
  marks.types.forEach((bits, id) => {
    if ((bits & KEPT) === 0 && (bits & DECLARED) !== 0 && names.has(essentialName(btf, id))) {
      markExactly(marks, id, NAMED);
    }
  });
}

function essentialName(btf: Btf, id: number): string {
  const offset = nameOffsetOf(btf, id);
  return byteText(btf.strings, offset).slice(0, essentialLength(btf.strings, offset));
}
