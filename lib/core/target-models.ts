import {
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
} from "../btf/format.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, segmentOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import { type AttachTarget, attachTargets } from "./attach-targets.ts";
import { compareModels } from "./compare-models.ts";
import { type FunctionModel, type FunctionModelOptions, functionModel } from "./function-model.ts";
import type { BpfObject } from "./object.ts";
import { typeText } from "./path-text.ts";
import { inBaseFirst, typesByName } from "./type-names.ts";

/**
 * What becomes of a target: `found`; `missing`, with nothing of that name and kind; `impossible`, as there can be no
 * trampoline, or what is there does not fit; `unknown`, as it is in a program that was not given.
 */
export type TargetStatus = "found" | "missing" | "impossible" | "unknown";

/** A target that an object names, looked up. */
export interface ResolvedTarget {
  readonly target: AttachTarget;
  readonly status: TargetStatus;
  /** In words; null where it is found. */
  readonly reason: string | null;
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
/** MAX_BPF_FUNC_REG_ARGS, include/linux/bpf.h: a program calls a kernel function as it calls a helper. */
const MOST_KFUNC_ARGUMENTS = 5;
/** Linkage of a FUNC, in its vlen (uapi/linux/btf.h, BTF_FUNC_GLOBAL). */
const FUNC_GLOBAL = 1;

/**
 * Looks up what objects attach to or call besides helpers: the kernel's functions, tracepoints and variables in
 * `target`, the functions that freplace programs take the place of in the other objects; each with its model. Kernel
 * pointers of maps are not targets in this sense: kernelFields has them.
 */
export function resolveTargets(
  objects: readonly BpfObject[],
  target: Btf,
  options: Omit<FunctionModelOptions, "hidden"> = {},
): ResolvedTarget[] {
  const wanted = objects.flatMap((object) =>
    attachTargets(object).flatMap((one) => (one.kind === "kptr" ? [] : [{ object, one }])),
  );
  const byName = typesByName(target, new Set(wanted.map(({ one }) => one.name)));
  return wanted.map(({ object, one }) => {
    if (one.targetKind === null) return replacedFunction(object, one, objects, options);
    const ids = (byName.get(one.name) ?? []).filter((id) => kindOf(target, id) === one.targetKind);
    const inModule = one.module === null ? ids : ids.filter((id) => isOfModule(target, id, one.module ?? ""));
    const [id] = inBaseFirst(target, inModule);
    return id === undefined ? missing(one, target, ids) : kernelTarget(object, one, target, id, options);
  });
}

function missing(one: AttachTarget, target: Btf, elsewhere: readonly number[]): ResolvedTarget {
  const word = WORDS.get(one.targetKind ?? 0) ?? "type";
  const [other] = elsewhere;
  const where = other === undefined ? "" : `; ${sourceOf(target, other)} has it`;
  const inModule = one.module === null ? "" : ` in module ${one.module}`;
  const reason = `there is no ${word} ${one.name}${inModule}${where}`;
  return { target: one, status: "missing", reason, source: null, typeId: null, type: null, model: null };
}

function kernelTarget(
  object: BpfObject,
  one: AttachTarget,
  target: Btf,
  id: number,
  options: FunctionModelOptions,
): ResolvedTarget {
  const found = { target: one, source: sourceOf(target, id), typeId: id };
  if (one.targetKind === KIND_FUNC) {
    const model = functionModel(target, id, options) ?? null;
    return judged({ ...found, type: null, model }, faultOf(object, one, model));
  }
  if (one.kind === "tp_btf") {
    const model = tracepointModel(target, id, options);
    return judged({ ...found, type: null, model }, model === null ? "its type is no pointer to a function" : null);
  }
  const type = one.targetKind === KIND_VAR ? typeText(target, targetOf(target, id)) : typeText(target, id);
  return judged({ ...found, type, model: null }, null);
}

function judged(found: Omit<ResolvedTarget, "status" | "reason">, reason: string | null): ResolvedTarget {
  return { ...found, status: reason === null ? "found" : "impossible", reason };
}

function faultOf(object: BpfObject, { kind, name }: AttachTarget, model: FunctionModel | null): string | null {
  if (model === null) return null;
  const [first] = model.obstacles;
  if (first !== undefined) return first.text;
  if (kind !== "kfunc") return null;
  if (model.args.length > MOST_KFUNC_ARGUMENTS) {
    return `it has ${model.args.length} arguments, and a program can pass ${MOST_KFUNC_ARGUMENTS}`;
  }
  const own = functionOf(object, name);
  return own === null ? null : differenceText(own, model, "declares");
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
    const id = btf === null ? undefined : findFunction(btf, one.name);
    if (btf === null || id === undefined) continue;
    const model = functionModel(btf, id, options) ?? null;
    const found = { target: one, source, typeId: id, type: null, model };
    if (vlenOf(btf, id) !== FUNC_GLOBAL)
      return judged(found, "it is not global, and only global functions are replaced");
    const own = functionOf(object, one.user);
    if (own === null || model === null) return judged(found, model?.obstacles[0]?.text ?? null);
    return judged(found, model.obstacles[0]?.text ?? differenceText(own, model, "takes"));
  }
  const reason = `no other object that is given has a function ${one.name}`;
  return { target: one, status: "unknown", reason, source: null, typeId: null, type: null, model: null };
}

function functionOf({ btf }: BpfObject, name: string): FunctionModel | null {
  const id = btf === null ? undefined : findFunction(btf, name);
  return btf === null || id === undefined ? null : (functionModel(btf, id) ?? null);
}

function findFunction(btf: Btf, name: string): number | undefined {
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) === KIND_FUNC && nameOf(btf, id) === name) return id;
  }
  return undefined;
}

/** What the object has instead of what is there; null where nothing differs. */
function differenceText(own: FunctionModel, there: FunctionModel, verb: "declares" | "takes"): string | null {
  const [first] = compareModels(there, own).filter(({ what }) => what !== "trampoline");
  if (first === undefined) return null;
  const { what, argument } = first;
  const which = what === "argument" ? `argument ${(argument ?? 0) + 1}` : what === "return" ? "the return value" : what;
  return `the object ${verb} it otherwise: ${which}: ${first.old} there, ${first.new} here`;
}

function sourceOf(btf: Btf, id: number): string {
  return btf.segments[segmentOf(btf, id)]?.source ?? btf.source;
}

/** A module's BTF is known by the name of its file: `veth.ko`, `veth`, `btf/veth.btf`. */
function isOfModule(btf: Btf, id: number, module: string): boolean {
  if (segmentOf(btf, id) === 0) return module === "vmlinux";
  const source = sourceOf(btf, id);
  const file = source.slice(Math.max(source.lastIndexOf("/"), source.lastIndexOf(":")) + 1);
  const name = file.replace(/\.(ko|btf)\b.*$/, "");
  return name.replaceAll("-", "_") === module.replaceAll("-", "_");
}
