import {
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
} from "../btf/format.ts";
import { paramType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, segmentOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import { type AttachTarget, attachTargets, mayBeIn } from "./attach-targets.ts";
import { type FunctionModel, type FunctionModelOptions, functionModel } from "./function-model.ts";
import { MATCH, matchState } from "./match-state.ts";
import { typesCompatible } from "./match-type.ts";
import { moduleName } from "./module-name.ts";
import type { BpfObject } from "./object.ts";
import { typeText } from "./path-text.ts";
import { replacementFault } from "./replacement.ts";
import { LIBBPF_RULES } from "./rules.ts";
import { passesOnStack, REGISTER_ARGUMENTS } from "./stack-arguments.ts";
import { inBaseFirst, typesByName } from "./type-names.ts";

/**
 * What becomes of a target: `found`; `missing`, with nothing of that name and kind; `impossible`, as there can be no
 * trampoline, or what is there does not fit; `unknown`, as it is in a program that was not given, or no type tells whether
 * programs can call it.
 */
export type TargetStatus = "found" | "missing" | "impossible" | "unknown";

/** A target that an object names, looked up. */
export interface ResolvedTarget {
  readonly target: AttachTarget;
  readonly status: TargetStatus;
  /** In words; null where it is found. */
  readonly reason: string | null;
  /** In words, the whole name of a module of which the section has the beginning, or who has what is missing; else null. */
  readonly remark: string | null;
  /** Where it was found: the kernel's or a module's BTF, or the other program's object. */
  readonly source: string | null;
  /** In the BTF it was found in; null where it was not. */
  readonly typeId: number | null;
  /** A variable's or struct's type as C declares it; null of functions. */
  readonly type: string | null;
  /** Of functions and tracepoints; null of anything else, and where it was not found. */
  readonly model: FunctionModel | null;
}

/** Kinds in a person's words. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [KIND_FUNC, "function"],
  [KIND_TYPEDEF, "tracepoint"],
  [KIND_VAR, "variable"],
  [KIND_STRUCT, "struct"],
  [KIND_UNION, "union"],
]);
/** A tracepoint's own `void *__data`, which programs are not given (kernel/bpf/btf.c, btf_ctx_access). */
const HIDDEN_OF_TRACEPOINT = 1;
/** Linkage of a FUNC, in its vlen (uapi/linux/btf.h, BTF_FUNC_GLOBAL). */
const FUNC_GLOBAL = 1;

/**
 * Looks up what objects attach to or call besides helpers: the kernel's functions, tracepoints and variables in
 * `target` (its base first, then the modules in their order), the functions that freplace programs take the place of in
 * the other objects; each with its model. Kernel pointers of maps are not targets in this sense: kernelFields has them.
 */
export function resolveTargets(
  objects: readonly BpfObject[],
  target: Btf,
  options: Omit<FunctionModelOptions, "hidden"> = {},
): ResolvedTarget[] {
  return resolveByObject(objects, target, options).flat();
}

/** As resolveTargets, for each object in turn. */
export function resolveByObject(
  objects: readonly BpfObject[],
  target: Btf,
  options: Omit<FunctionModelOptions, "hidden"> = {},
): ResolvedTarget[][] {
  const wanted = objects.map((object) => attachTargets(object).filter(({ kind }) => kind !== "kptr"));
  const byName = typesByName(target, new Set(wanted.flat().map(({ name }) => name)));
  return objects.map((object, i) =>
    (wanted[i] ?? []).map((one) => {
      if (one.targetKind === null) return replacedFunction(object, one, objects, options);
      const ids = (byName.get(one.name) ?? []).filter((id) => kindOf(target, id) === one.targetKind);
      const ofModule = ids.filter((each) => mayBeIn(one, moduleOf(target, each)));
      const [id] = inBaseFirst(target, ofModule);
      return id === undefined ? missing(one, target, ids) : kernelTarget(object, one, target, id, options);
    }),
  );
}

function missing(one: AttachTarget, target: Btf, elsewhere: readonly number[]): ResolvedTarget {
  const word = WORDS.get(one.targetKind ?? 0) ?? "type";
  const [other] = elsewhere;
  const remark = other === undefined ? null : `${sourceOf(target, other)} has it`;
  const inModule = one.module === null ? "" : ` in module ${one.module}`;
  const reason = `there is no ${word} ${one.name}${inModule}`;
  return { target: one, status: "missing", reason, remark, source: null, typeId: null, type: null, model: null };
}

function kernelTarget(
  object: BpfObject,
  one: AttachTarget,
  target: Btf,
  id: number,
  options: FunctionModelOptions,
): ResolvedTarget {
  const found = { target: one, remark: moduleRemark(one, target, id), source: sourceOf(target, id), typeId: id };
  if (one.targetKind === KIND_FUNC) {
    const model = functionModel(target, id, options) ?? null;
    const obstacle = model?.obstacles[0]?.text ?? null;
    if (one.kind !== "kfunc") return judged({ ...found, type: null, model }, obstacle);
    const typed = judged({ ...found, type: null, model }, obstacle ?? externFault(object, one, target, id));
    return typed.status === "found" ? called(typed, target) : typed;
  }
  if (one.kind === "tp_btf") {
    const model = tracepointModel(target, id, options);
    return judged({ ...found, type: null, model }, model === null ? "its type is no pointer to a function" : null);
  }
  if (one.targetKind !== KIND_VAR) return judged({ ...found, type: typeText(target, id), model: null }, null);
  const type = typeText(target, targetOf(target, id));
  return judged({ ...found, type, model: null }, externFault(object, one, target, id));
}

/** Which module a section's beginning of a name stands for: see mayBeIn. */
function moduleRemark({ module }: AttachTarget, target: Btf, id: number): string | null {
  const whole = moduleOf(target, id);
  return module === null || module === whole ? null : `'${module}' stands for ${whole}, the first that has it`;
}

function judged(found: Omit<ResolvedTarget, "status" | "reason">, reason: string | null): ResolvedTarget {
  return { ...found, status: reason === null ? "found" : "impossible", reason };
}

/** A function whose type is right, judged by how many arguments programs can pass it. */
function called(found: ResolvedTarget, target: Btf): ResolvedTarget {
  const count = found.model?.args.length ?? 0;
  const passes = count <= REGISTER_ARGUMENTS || passesOnStack(target);
  if (passes === true) return found;
  if (passes === false) return judged(found, `it has ${count} arguments, and a program can pass ${REGISTER_ARGUMENTS}`);
  const reason = `it has ${count} arguments, and the kernel's BTF does not tell whether programs can pass so many`;
  return { ...found, status: "unknown", reason };
}

/** libbpf compares each extern's own type with the kernel's, loosely (libbpf.c, bpf_object__resolve_ksym_*_btf_id). */
function externFault({ btf }: BpfObject, { targetKind, symbol }: AttachTarget, target: Btf, id: number): string | null {
  const own = btf === null || symbol === null ? undefined : findNamed(btf, targetKind, symbol);
  if (btf === null || own === undefined) return null;
  const [here, there] = [
    skipModifiersAndTypedefs(btf, targetOf(btf, own)),
    skipModifiersAndTypedefs(target, targetOf(target, id)),
  ];
  if (typesCompatible(matchState(btf, target, LIBBPF_RULES, null), here, there) === MATCH) return null;
  return `the object declares it otherwise: ${shapeText(target, there)} there, ${shapeText(btf, here)} here`;
}

/** `int (struct task_struct *)`; a type that is no prototype as C has it. */
function shapeText(btf: Btf, id: number): string {
  if (kindOf(btf, id) !== KIND_FUNC_PROTO) return typeText(btf, id);
  const params = Array.from({ length: vlenOf(btf, id) }, (_, i) => typeText(btf, paramType(btf, id, i)));
  return `${typeText(btf, targetOf(btf, id))} (${params.join(", ") || "void"})`;
}

/** btf_trace_X is a typedef of a pointer to a prototype; no trampoline is made for one, so nothing is in its way. */
function tracepointModel(target: Btf, id: number, options: FunctionModelOptions): FunctionModel | null {
  const pointer = skipModifiersAndTypedefs(target, id);
  if (kindOf(target, pointer) !== KIND_PTR) return null;
  const prototype = skipModifiersAndTypedefs(target, targetOf(target, pointer));
  if (kindOf(target, prototype) !== KIND_FUNC_PROTO) return null;
  const model = functionModel(target, prototype, { ...options, hidden: HIDDEN_OF_TRACEPOINT });
  return model === undefined ? null : { ...model, name: nameOf(target, id), obstacles: [] };
}

/** What an freplace program takes the place of: a global function of another object with the same arguments. */
function replacedFunction(
  object: BpfObject,
  one: AttachTarget,
  objects: readonly BpfObject[],
  options: FunctionModelOptions,
): ResolvedTarget {
  for (const { btf, source } of objects.filter((other) => other !== object)) {
    const id = btf === null ? undefined : findNamed(btf, KIND_FUNC, one.name);
    if (btf === null || id === undefined) continue;
    const model = functionModel(btf, id, options) ?? null;
    const found = { target: one, remark: null, source, typeId: id, type: null, model };
    if (vlenOf(btf, id) !== FUNC_GLOBAL)
      return judged(found, "it is not global, and only global functions are replaced");
    const own = object.btf === null ? undefined : findNamed(object.btf, KIND_FUNC, one.user);
    const fault = model?.obstacles[0]?.text ?? null;
    if (object.btf === null || own === undefined || fault !== null) return judged(found, fault);
    return judged(found, replacementFault(object.btf, targetOf(object.btf, own), btf, targetOf(btf, id)));
  }
  const reason = `no other object that is given has a function ${one.name}`;
  return { target: one, status: "unknown", reason, remark: null, source: null, typeId: null, type: null, model: null };
}

/** The first type of that kind and whole name. */
function findNamed(btf: Btf, kind: number | null, name: string): number | undefined {
  for (let id = 1; id < typeCount(btf); id++) if (kindOf(btf, id) === kind && nameOf(btf, id) === name) return id;
  return undefined;
}

function sourceOf(btf: Btf, id: number): string {
  return btf.segments[segmentOf(btf, id)]?.source ?? btf.source;
}

/** `vmlinux`, or the module's name by that of its file. */
function moduleOf(btf: Btf, id: number): string {
  return segmentOf(btf, id) === 0 ? "vmlinux" : moduleName(sourceOf(btf, id));
}
