import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_UNION,
  KIND_VOID,
  KIND_VOLATILE,
} from "../btf/format.ts";
import {
  arrayElement,
  arrayLength,
  memberBitfieldSize,
  memberName,
  memberType,
  paramName,
  paramType,
} from "../btf/members.ts";
import { nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, kindFlagOf, kindName, kindOf, targetOf, vlenOf } from "../btf/view.ts";
import { behindTypedefs } from "./references.ts";

/** How the parts of a declaration are spelled that C's grammar leaves open. */
export interface Spelling {
  readonly btf: Btf;
  /** A type that is no pointer, array, function, qualifier or tag: `int`, `struct sock`, `struct { ... }`. */
  readonly specifier: (id: number) => string;
  /** A TYPE_TAG, which stands like a qualifier behind the type it is of; empty to leave it out. */
  readonly typeTag: (id: number) => string;
  /** For one function: its parameters' names by their offsets, asked for in their order; empty for none. */
  readonly parameters: () => (nameOffset: number) => string;
  /** How much is spelled out; dots stand for the rest. */
  readonly bounds: Bounds;
}

/** How much of one declaration is spelled out. */
export interface Bounds {
  /** Pointers, arrays and qualifiers in a row. */
  readonly steps: number;
  /** Functions inside each other. */
  readonly functions: number;
  /** Parameters, all functions together: nested ones could grow as a power of two. */
  readonly parameters: number;
}

/** More than any real type has. */
const PLAIN_BOUNDS: Bounds = { steps: 256, functions: 12, parameters: 1024 };
const REST = "...";

/** How much of a declaration may still be spelled out. */
interface Budget {
  functions: number;
  parameters: number;
}

const IDENTIFIER = /^\w+$/;

/**
 * Names as they are in the BTF, nameless types as `struct {...}`, a type tag as the kernel's sources have it (`__user`):
 * declarations for people. Never throws.
 */
export function plainSpelling(btf: Btf): Spelling {
  return {
    btf,
    specifier: (id) => plainSpecifier(btf, id),
    typeTag: (id) => plainTag(btf, id),
    parameters: () => (offset) => stringAt(btf.strings, offset),
    bounds: PLAIN_BOUNDS,
  };
}

/**
 * A type with a name as C declares it, without members and without a semicolon: `int (*poll)(struct file *, int)`,
 * `const char *const names[4]`, `struct {...} u`. The empty name gives the type alone: `int (*)(void)`, `char[16]`.
 */
export function declare(spelling: Spelling, id: number, name: string): string {
  const { functions, parameters } = spelling.bounds;
  return declareAt(spelling, id, name, { functions, parameters });
}

/** A member of a struct or union as C declares it, bitfields with their width: `unsigned int isn: 1`. */
export function declareMember(spelling: Spelling, composite: number, index: number): string {
  const { btf } = spelling;
  const bits = memberBitfieldSize(btf, composite, index);
  const name = stringAt(btf.strings, memberName(btf, composite, index));
  const text = declare(spelling, memberType(btf, composite, index), name);
  return bits === 0 ? text : `${text}: ${bits}`;
}

/** The keyword in front of a tag: struct, union or enum; undefined for other kinds. */
export function keywordOf(btf: Btf, id: number): "struct" | "union" | "enum" | undefined {
  switch (kindOf(btf, id)) {
    case KIND_STRUCT:
      return "struct";
    case KIND_UNION:
      return "union";
    case KIND_FWD:
      return kindFlagOf(btf, id) === 1 ? "union" : "struct";
    case KIND_ENUM:
    case KIND_ENUM64:
      return "enum";
    default:
      return undefined;
  }
}

/** From the outermost type inwards, which is from the name outwards: each step wraps what is there. */
function declareAt(spelling: Spelling, id: number, name: string, budget: Budget): string {
  const { btf } = spelling;
  let text = name;
  let qualifiers = "";
  let tags = "";
  let behindPointer = false;
  let at = id;
  for (let steps = 0; steps < spelling.bounds.steps; steps++) {
    const kind = kindOf(btf, at);
    switch (kind) {
      case KIND_CONST:
      case KIND_VOLATILE:
      case KIND_RESTRICT: {
        const word = kindName(kind).toLowerCase();
        if (!qualifiers.includes(word)) qualifiers += `${word} `;
        at = targetOf(btf, at);
        break;
      }
      case KIND_TYPE_TAG: {
        const tag = spelling.typeTag(at);
        if (tag !== "") tags = `${tag} ${tags}`; // the last one written is the outermost
        at = targetOf(btf, at);
        break;
      }
      case KIND_PTR:
        text = `*${spaced(qualifiers + tags, text)}`;
        qualifiers = tags = "";
        behindPointer = true;
        at = targetOf(btf, at);
        break;
      case KIND_ARRAY:
        // A qualified array is an array of qualified elements.
        text = `${behindPointer ? `(${text})` : text}[${arrayLength(btf, at)}]`;
        behindPointer = false;
        at = arrayElement(btf, at);
        break;
      case KIND_FUNC_PROTO:
        text = `${behindPointer ? `(${text})` : text}(${parameters(spelling, at, budget)})`;
        qualifiers = tags = "";
        behindPointer = false;
        at = targetOf(btf, at);
        break;
      default: {
        // Only pointers can be restricted, here those that have a name.
        const restricted = qualifiers.includes("restrict") && kindOf(btf, behindTypedefs(btf, at)) === KIND_PTR;
        const front = qualifiers.replace("restrict ", "") + spelling.specifier(at) + (restricted ? " restrict" : "");
        const type = tags === "" ? front : `${front} ${tags.trimEnd()}`;
        return text === "" || text.startsWith("[") ? type + text : `${type} ${text}`;
      }
    }
  }
  return `${REST} ${name}`.trimEnd();
}

/** Words that each end in a space, in front of a text that may be empty. */
const spaced = (words: string, text: string): string => (text === "" ? words.trimEnd() : words + text);

function parameters(spelling: Spelling, id: number, budget: Budget): string {
  const { btf } = spelling;
  const count = vlenOf(btf, id);
  if (count === 0) return "void";
  if (budget.functions === 0) return REST;
  budget.functions--;
  const nameAt = spelling.parameters();
  let text = "";
  for (let i = 0; i < count; i++) {
    if (budget.parameters === 0) return text + REST;
    budget.parameters--;
    const type = paramType(btf, id, i);
    const nameOffset = paramName(btf, id, i);
    const variadic = type === KIND_VOID && nameOffset === 0 && i === count - 1;
    // C before 2023 has no parameters without a named one in front.
    if (i > 0) text += ", ";
    if (!variadic) text += declareAt(spelling, type, nameAt(nameOffset), budget);
    else if (i > 0) text += "...";
  }
  budget.functions++;
  return text;
}

function plainSpecifier(btf: Btf, id: number): string {
  const kind = kindOf(btf, id);
  if (kind === KIND_VOID) return "void";
  const keyword = keywordOf(btf, id);
  const name = nameOf(btf, id);
  return keyword === undefined ? name || kindName(kind) : `${keyword} ${name || "{...}"}`;
}

function plainTag(btf: Btf, id: number): string {
  const name = nameOf(btf, id);
  const attribute = kindFlagOf(btf, id) === 1;
  if (!attribute && IDENTIFIER.test(name)) return `__${name}`;
  return attribute ? `__attribute__((${name}))` : `__attribute__((btf_type_tag(${JSON.stringify(name)})))`;
}
