import { DECL_TAG_COMPONENT_WORD, KIND_DECL_TAG, KIND_FUNC, KIND_TYPE_TAG } from "../btf/format.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindFlagOf, kindOf, recordOf, targetOf, typeCount } from "../btf/view.ts";

/** Tags of declarations, found once. */
export interface Tags {
  /** Type id -> ids of the DECL_TAGs on it or its components. */
  readonly byTarget: ReadonlyMap<number, readonly number[]>;
  /** Which macros the header needs: those of attributes, and whether there are tags in text. */
  readonly attributes: ReadonlySet<string>;
  readonly typeTags: boolean;
  readonly declTags: boolean;
}

/** An attribute by its name and arguments. */
const ATTRIBUTE = /^([a-z]\w*)(?:\(([\w, ]*)\))?$/;
const NO_TEXT = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/** The tag that marks a kernel function which BPF programs may call, and that of calls which spare registers. */
export const KFUNC_TAG = "bpf_kfunc";
export const FASTCALL_TAG = "bpf_fastcall";

/** Finds all tags of a BTF. */
export function findTags(btf: Btf): Tags {
  const byTarget = new Map<number, number[]>();
  const attributes = new Set<string>();
  let typeTags = false;
  let declTags = false;
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = kindOf(btf, id);
    if (kind !== KIND_TYPE_TAG && kind !== KIND_DECL_TAG) continue;
    const attribute = kindFlagOf(btf, id) === 1 ? ATTRIBUTE.exec(nameOf(btf, id)) : null;
    if (kind === KIND_DECL_TAG) {
      const target = targetOf(btf, id);
      const list = byTarget.get(target);
      if (list === undefined) byTarget.set(target, [id]);
      else list.push(id);
      // Functions are printed with the few tags a program needs.
      if (kindOf(btf, target) === KIND_FUNC) continue;
    }
    if (attribute !== null) attributes.add(attributeMacro(attribute));
    else if (kindFlagOf(btf, id) === 1) continue;
    else if (kind === KIND_TYPE_TAG) typeTags = true;
    else declTags = true;
  }
  return { byTarget, attributes, typeTags, declTags };
}

/** True when a declaration (component -1) has a tag. */
export function hasTag(btf: Btf, { byTarget }: Tags, id: number, text: string): boolean {
  return (byTarget.get(id) ?? []).some((tag) => componentOf(btf, tag) === -1 && nameOf(btf, tag) === text);
}

/** Attributes of a declaration or (from 0) of its member, each behind a space. */
export function declTagText(btf: Btf, { byTarget }: Tags, id: number, component: number): string {
  let text = "";
  for (const tag of byTarget.get(id) ?? []) {
    if (componentOf(btf, tag) !== component) continue;
    const attribute = tagText(btf, tag, "__btf_decl_tag");
    if (attribute !== "") text += ` ${attribute}`;
  }
  return text;
}

/** The attribute that makes a TYPE_TAG. */
export const typeTagText = (btf: Btf, id: number): string => tagText(btf, id, "__btf_type_tag");

function tagText(btf: Btf, id: number, macro: string): string {
  const name = nameOf(btf, id);
  if (kindFlagOf(btf, id) === 0) return `${macro}("${name.replace(NO_TEXT, octal)}")`;
  const match = ATTRIBUTE.exec(name);
  return match === null ? "" : `${attributeMacro(match)}(${match[2] ?? ""})`;
}

const PREFIX = "__btf_attribute_";
const WITH_ARGUMENTS = "_of";

/** The macro of an attribute: one for those without arguments, one for those with. */
const attributeMacro = ([, name, parameters]: RegExpExecArray): string =>
  PREFIX + name + (parameters === undefined ? "" : WITH_ARGUMENTS);

/** What may not stand in a string literal, as the bytes of its UTF-8. */
function octal(character: string): string {
  return [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

const componentOf = (btf: Btf, tag: number): number =>
  (btf.words[recordOf(btf, tag) + DECL_TAG_COMPONENT_WORD] as number) | 0;

/** Macros for the tags of a BTF: a compiler that does not know an attribute leaves it out. */
export function tagMacros({ attributes, typeTags, declTags }: Tags): string {
  let text = "";
  for (const [name, used] of [
    ["btf_type_tag", typeTags],
    ["btf_decl_tag", declTags],
  ] as const) {
    if (used) text += macro(`__${name}(text)`, `__has_attribute(${name})`, `__attribute__((${name}(text)))`);
  }
  for (const head of [...attributes].sort()) {
    const takes = head.endsWith(WITH_ARGUMENTS);
    const name = head.slice(PREFIX.length, takes ? -WITH_ARGUMENTS.length : undefined);
    // Clang takes any address space, but only later ones can make code for the BPF arena's.
    const condition = name === "address_space" ? "defined(__BPF_FEATURE_ADDR_SPACE_CAST)" : `__has_attribute(${name})`;
    const body = `__attribute__((${name}${takes ? "(__VA_ARGS__)" : ""}))`;
    text += macro(`${head}(${takes ? "..." : ""})`, condition, body);
  }
  return text;
}

const macro = (head: string, condition: string, body: string): string =>
  `#if ${condition}\n#define ${head} ${body}\n#else\n#define ${head}\n#endif\n\n`;
