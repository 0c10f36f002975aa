import {
  INT_SIGNED,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
} from "../btf/format.ts";
import { intEncoding, paramName, paramType } from "../btf/members.ts";
import { pointerBytes, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, kindName, kindOf, sizeOf, targetOf, vlenOf } from "../btf/view.ts";
import { typeText } from "./path-text.ts";
import { NEWEST_TRAMPOLINE_RULES, type TrampolineRules } from "./trampoline-rules.ts";

/** How a value is passed: in bytes of its own, or (`unsupported`) in none that a trampoline knows. */
export type PassedAs = "void" | "integer" | "enum" | "pointer" | "struct" | "union" | "unsupported";

/** An argument or a return value as a trampoline sees it (struct btf_func_model, include/linux/bpf.h). */
export interface ValueModel {
  /** As C declares it: `const struct sock *`. */
  readonly type: string;
  readonly as: PassedAs;
  /** In bytes; 0 for void, null where a trampoline has no size for it. */
  readonly bytes: number | null;
  /** 8-byte words that it takes of what a program is given. */
  readonly words: number;
  /** True for signed integers alone, as the kernel has it: a signed enum is none (BTF_FMODEL_SIGNED_ARG). */
  readonly signed: boolean;
}

/** An argument. */
export interface ArgumentModel extends ValueModel {
  /** Empty where the BTF has none. */
  readonly name: string;
}

/** Why a function cannot have a trampoline. */
export type ObstacleCode =
  | "no-prototype"
  | "too-many-arguments"
  | "return-type"
  | "variadic"
  | "void-argument"
  | "argument-type"
  | "argument-size"
  | "too-many-words";

/** One reason. */
export interface TrampolineObstacle {
  readonly code: ObstacleCode;
  /** Counted from 0; null where it is no single argument's. */
  readonly argument: number | null;
  /** In words. */
  readonly text: string;
}

/** What the kernel distils from a function's BTF for the code that calls programs in its place. */
export interface FunctionModel {
  readonly name: string;
  /** The FUNC, or the prototype where that was given. */
  readonly typeId: number;
  /** Without `...`. */
  readonly args: readonly ArgumentModel[];
  readonly returns: ValueModel;
  readonly variadic: boolean;
  /** 8-byte words of all arguments: as many registers and places on the stack. */
  readonly words: number;
  /** The rules asked, by the release they began with. */
  readonly rules: string;
  /** In the kernel's order, which stops at the first; none where a trampoline can be made. */
  readonly obstacles: readonly TrampolineObstacle[];
}

/** How to look at a function. */
export interface FunctionModelOptions {
  /** Of the newest kernels by default. */
  readonly rules?: TrampolineRules;
  /** `x86_64`: also what its code generator refuses; without it, what every architecture's does. */
  readonly architecture?: string;
  /** Arguments at the beginning that programs are not given: 1 for a tracepoint's `void *__data`. */
  readonly hidden?: number;
}

const WORD_BYTES = 8;
const PASSED_AS: ReadonlyMap<number, PassedAs> = new Map([
  [KIND_INT, "integer"],
  [KIND_ENUM, "enum"],
  [KIND_ENUM64, "enum"],
  [KIND_PTR, "pointer"],
  [KIND_STRUCT, "struct"],
  [KIND_UNION, "union"],
]);

/**
 * The model of a FUNC, or of a FUNC_PROTO by itself (kernel/bpf/btf.c, btf_distill_func_proto). Undefined for a type
 * of any other kind.
 * @throws FormatError where a type is qualified without end (see skipModifiersAndTypedefs).
 */
export function functionModel(btf: Btf, typeId: number, options: FunctionModelOptions = {}): FunctionModel | undefined {
  const kind = kindOf(btf, typeId);
  if (kind !== KIND_FUNC && kind !== KIND_FUNC_PROTO) return undefined;
  const prototype = kind === KIND_FUNC ? targetOf(btf, typeId) : typeId;
  const rules = options.rules ?? NEWEST_TRAMPOLINE_RULES;
  const head = { name: nameOf(btf, typeId), typeId, rules: rules.since };
  if (kindOf(btf, prototype) !== KIND_FUNC_PROTO) {
    const text = `its type is a ${kindName(kindOf(btf, prototype))}, and no prototype`;
    const obstacles: TrampolineObstacle[] = [{ code: "no-prototype", argument: null, text }];
    return { ...head, args: [], returns: valueModel(btf, 0), variadic: false, words: 0, obstacles };
  }
  const count = vlenOf(btf, prototype);
  // The marker of `...`: a last parameter without a type.
  const variadic = count > 0 && paramType(btf, prototype, count - 1) === 0;
  const args: ArgumentModel[] = [];
  for (let i = options.hidden ?? 0; i < (variadic ? count - 1 : count); i++) {
    const name = stringAt(btf.strings, paramName(btf, prototype, i));
    args.push({ name, ...valueModel(btf, paramType(btf, prototype, i)) });
  }
  const words = args.reduce((sum, one) => sum + one.words, 0);
  const shape = { args, returns: valueModel(btf, targetOf(btf, prototype)), variadic, words };
  return { ...head, ...shape, obstacles: trampolineObstacles(shape, rules, options.architecture) };
}

/** kernel/bpf/btf.c, __get_type_size and __get_type_fmodel_flags. */
function valueModel(btf: Btf, id: number): ValueModel {
  const at = skipModifiersAndTypedefs(btf, id);
  const kind = kindOf(btf, at);
  const type = typeText(btf, id);
  // Only a plain void has no bytes to the kernel; a qualified one, or a typedef of it, is a type without a size.
  if (id === 0) return { type, as: "void", bytes: 0, words: 0, signed: false };
  const as = PASSED_AS.get(kind);
  if (as === undefined) return { type, as: "unsupported", bytes: null, words: 0, signed: false };
  const bytes = as === "pointer" ? pointerBytes(btf) : sizeOf(btf, at);
  const signed = kind === KIND_INT && (intEncoding(btf, at) & INT_SIGNED) !== 0;
  return { type, as, bytes, words: Math.ceil(bytes / WORD_BYTES), signed };
}

/** Why a function of this shape has no trampoline by these rules, in the order in which the kernel looks. */
function trampolineObstacles(
  { args, returns, variadic, words }: Pick<FunctionModel, "args" | "returns" | "variadic" | "words">,
  rules: TrampolineRules,
  architecture: string | undefined,
): TrampolineObstacle[] {
  const found: TrampolineObstacle[] = [];
  const add = (code: ObstacleCode, argument: number | null, text: string) => found.push({ code, argument, text });
  const count = args.length + (variadic ? 1 : 0);
  if (count > rules.maxArguments) {
    add("too-many-arguments", null, `it has ${count} arguments, and ${rules.maxArguments} are the most`);
  }
  if (!isReturned(returns)) add("return-type", null, `it returns ${returns.type}, which no trampoline hands on`);
  args.forEach((arg, i) => {
    const who = `argument ${i + 1}${arg.name === "" ? "" : ` (${arg.name})`}`;
    if (!isPassed(arg, rules)) add("argument-type", i, `${who} is ${arg.type}, which is not passed by value`);
    else if (arg.bytes === 0) {
      add("void-argument", i, `${who} is ${arg.type}, which has no bytes`);
    } else if ((arg.bytes ?? 0) > rules.maxArgumentBytes) {
      add(
        "argument-size",
        i,
        `${who} is ${arg.type} of ${arg.bytes} bytes, and ${rules.maxArgumentBytes} are the most`,
      );
    }
  });
  if (variadic) add("variadic", args.length, "it takes a variable number of arguments");
  const most = architecture === undefined ? undefined : rules.maxWords[architecture];
  if (most !== undefined && words > most) {
    add("too-many-words", null, `its arguments take ${words} words of 8 bytes, and ${architecture} passes ${most}`);
  }
  return found;
}

function isReturned({ as }: ValueModel): boolean {
  return as !== "struct" && as !== "union" && as !== "unsupported";
}

function isPassed({ as }: ValueModel, { composites }: TrampolineRules): boolean {
  if (as === "struct") return composites !== "none";
  if (as === "union") return composites === "structs and unions";
  return as !== "unsupported";
}
