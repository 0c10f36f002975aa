import type { FunctionModel, ValueModel } from "./function-model.ts";

/** What two models of a function do not have in common. */
export interface ModelDifference {
  readonly what: "arguments" | "variadic" | "argument" | "return" | "trampoline";
  /** Of `argument`: counted from 0. */
  readonly argument: number | null;
  /** In a few words, each side's. */
  readonly old: string;
  readonly new: string;
}

/**
 * How two models of one function differ to a trampoline and to a program that is called by it: the number of arguments,
 * how each is passed, in how many bytes, with a sign or without, what is returned, and whether there can be a trampoline
 * at all. Names of arguments and of types are not compared: `struct sock *` and `struct sk_buff *` are passed alike.
 */
export function compareModels(old: FunctionModel, next: FunctionModel): ModelDifference[] {
  const found: ModelDifference[] = [];
  const add = (what: ModelDifference["what"], argument: number | null, a: string, b: string) => {
    if (a !== b) found.push({ what, argument, old: a, new: b });
  };
  add("arguments", null, String(old.args.length), String(next.args.length));
  add("variadic", null, old.variadic ? "variadic" : "not variadic", next.variadic ? "variadic" : "not variadic");
  const common = Math.min(old.args.length, next.args.length);
  for (let i = 0; i < common; i++) {
    add("argument", i, passingText(old.args[i] as ValueModel), passingText(next.args[i] as ValueModel));
  }
  add("return", null, passingText(old.returns), passingText(next.returns));
  // Why there is none may differ in the words for what has been said above.
  add("trampoline", null, attachText(old), attachText(next));
  return found;
}

/** True where a program sees no difference (see compareModels). */
export function sameModel(old: FunctionModel, next: FunctionModel): boolean {
  return compareModels(old, next).length === 0;
}

/** How a value is passed: `signed integer of 4 bytes`, `pointer of 8 bytes`, `void`. */
export function passingText({ as, bytes, signed, type }: ValueModel): string {
  if (as === "void") return "void";
  if (as === "unsupported" || bytes === null) return type;
  const sign = as === "integer" ? (signed ? "signed " : "unsigned ") : "";
  return `${sign}${as} of ${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
}

function attachText({ obstacles }: FunctionModel): string {
  return obstacles.length === 0 ? "possible" : "impossible";
}
