import {
  DECL_TAG_COMPONENT_WORD,
  KIND_ARRAY,
  KIND_DATASEC,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOID,
  SECINFO_SIZE_WORD,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  TYPE_WORDS,
} from "./format.ts";
import { complainOfType } from "./lint-finding.ts";
import { IS_DECLARATION, KIND_TRAITS, WALKED } from "./lint-kinds.ts";
import { isRegularInt, lintMemberPlace } from "./lint-member.ts";
import { memberText } from "./lint-meta.ts";
import {
  BROKEN,
  bytesOf,
  exists,
  hasNoSize,
  isKnownKind,
  isSettled,
  isSizeHidden,
  isTransparent,
  mustWalk,
  NO_SIZE,
  sizedType,
  targetBehind,
  type Walk,
} from "./lint-walk.ts";
import { arrayElement, arrayIndex, arrayLength, memberType, paramName, paramType } from "./members.ts";
import { isComposite, kindName, kindOf, recordOf, targetOf, vlenOf } from "./view.ts";

/** Results of a step besides an id that must be walked first. */
export const DONE = -1;
export const FAILED = -2;

const MAX_U32 = 0xffff_ffff;
const WHOLE_TYPE = -1;

/** Brings one type as far as it goes: DONE, FAILED, or the id of a type that must be walked first. */
export function step(walk: Walk, id: number): number {
  const kind = kindOf(walk.subject.btf, id);
  if (isComposite(kind)) return stepComposite(walk, id);
  if (isTransparent(kind)) return stepReference(walk, id);
  switch (kind) {
    case KIND_PTR:
      return stepReference(walk, id);
    case KIND_ARRAY:
      return stepArray(walk, id);
    case KIND_FUNC:
      return stepFunction(walk, id);
    case KIND_VAR:
      return stepVariable(walk, id);
    case KIND_DATASEC:
      return stepDatasec(walk, id);
    default:
      return stepDeclTag(walk, id);
  }
}

/** True when nothing can be said about a reference: the type is not there or of an unknown kind. */
export function isDark(walk: Walk, id: number): boolean {
  return !exists(walk, id) || !isKnownKind(kindOf(walk.subject.btf, id));
}

/** True for what only a declaration tag (or a DATASEC's list) may refer to. */
export function isDeclaration(walk: Walk, id: number): boolean {
  return ((KIND_TRAITS[kindOf(walk.subject.btf, id)] as number) & IS_DECLARATION) !== 0;
}

/** `STRUCT [12]`, for messages. */
export function describe(walk: Walk, id: number): string {
  return id === 0 ? "void" : `${kindName(kindOf(walk.subject.btf, id))} [${id}]`;
}

/** Settles a type that leads to `target`. */
function settle(walk: Walk, id: number, target: number): number {
  walk.target[id] = target;
  return DONE;
}

/**
 * Behind a modifier that a composite's walk settled, a pointer may still wait: it must not lead back here.
 * Returns its id, or DONE.
 */
function pointerLeftBehind(walk: Walk, id: number): number {
  if (!isTransparent(kindOf(walk.subject.btf, id))) return DONE;
  const behind = targetBehind(walk, id);
  const isOpen = behind > 0 && kindOf(walk.subject.btf, behind) === KIND_PTR && mustWalk(walk, behind);
  return isOpen ? behind : DONE;
}

/** PTR, modifiers and TYPEDEF: anything but declarations; a FUNC only when it was settled before. */
function stepReference(walk: Walk, id: number): number {
  const { subject } = walk;
  const { btf } = subject;
  const next = targetOf(btf, id);
  if (isDark(walk, next)) return FAILED;
  if (isDeclaration(walk, next)) {
    complainOfType(subject, "reference-kind", id, `refers to ${describe(walk, next)}`);
    return FAILED;
  }
  if (mustWalk(walk, next)) return next;
  if (kindOf(btf, id) === KIND_PTR) {
    const pointer = pointerLeftBehind(walk, next);
    if (pointer !== DONE) return pointer;
  }
  if (walk.state[next] === BROKEN) return FAILED;
  const sized = sizedType(walk, next);
  if (sized >= 0) return settle(walk, id, sized);
  if (sized !== NO_SIZE) return FAILED;
  const behind = isSettled(walk, next) ? targetBehind(walk, next) : next;
  if (behind < 0) return FAILED;
  const behindKind = kindOf(btf, behind);
  if (behindKind !== KIND_VOID && behindKind !== KIND_FWD && behindKind !== KIND_FUNC_PROTO) {
    complainOfType(subject, "reference-kind", id, `refers to ${describe(walk, behind)}`);
    return FAILED;
  }
  return settle(walk, id, behind);
}

function stepVariable(walk: Walk, id: number): number {
  const { subject } = walk;
  const next = targetOf(subject.btf, id);
  if (isDark(walk, next)) return FAILED;
  if (isDeclaration(walk, next)) {
    complainOfType(subject, "var-type", id, `the variable's type is ${describe(walk, next)}`);
    return FAILED;
  }
  if (mustWalk(walk, next)) return next;
  const pointer = pointerLeftBehind(walk, next);
  if (pointer !== DONE) return pointer;
  const sized = sizedType(walk, next);
  // A void variable was reported with its record.
  if (sized === NO_SIZE && next !== 0) {
    complainOfType(subject, "var-type", id, `the variable's type, ${describe(walk, next)}, has no size`);
  }
  return sized < 0 ? FAILED : settle(walk, id, sized);
}

function stepArray(walk: Walk, id: number): number {
  const { subject } = walk;
  const { btf } = subject;
  const index = arrayIndex(btf, id);
  const element = arrayElement(btf, id);
  // Void was reported with the record.
  if (index === 0 || element === 0 || isDark(walk, index) || isDark(walk, element)) return FAILED;
  if (hasNoSize(kindOf(btf, index)) || isDeclaration(walk, index)) {
    complainOfType(subject, "array-index", id, `the index type is ${describe(walk, index)}, expected an INT`);
    return FAILED;
  }
  if (mustWalk(walk, index)) return index;
  const indexType = sizedType(walk, index);
  if (indexType === NO_SIZE || (indexType >= 0 && !isWholeInt(walk, indexType))) {
    complainOfType(subject, "array-index", id, `the index type, ${describe(walk, index)}, is no whole integer`);
    return FAILED;
  }
  if (hasNoSize(kindOf(btf, element)) || isDeclaration(walk, element)) {
    complainOfType(subject, "array-element", id, `the element type is ${describe(walk, element)}, which has no size`);
    return FAILED;
  }
  if (mustWalk(walk, element)) return element;
  const sized = sizedType(walk, element);
  if (sized === NO_SIZE) {
    complainOfType(subject, "array-element", id, `the element type, ${describe(walk, element)}, has no size`);
  }
  if (sized < 0 || indexType < 0) return FAILED;
  if (kindOf(btf, sized) === KIND_INT && !isRegularInt(btf, sized)) {
    complainOfType(subject, "array-element", id, `the elements, ${describe(walk, sized)}, are no whole integers`);
    return FAILED;
  }
  // The kernel takes a size that it does not know yet for 0.
  const bytes = isSizeHidden(walk, sized) ? 0 : bytesOf(walk, sized);
  const total = bytes * arrayLength(btf, id);
  if (total > MAX_U32) {
    complainOfType(subject, "array-overflow", id, `${arrayLength(btf, id)} elements of ${bytes} bytes`);
    return FAILED;
  }
  walk.arrayBytes[id] = total;
  return settle(walk, id, sized);
}

function isWholeInt(walk: Walk, id: number): boolean {
  return kindOf(walk.subject.btf, id) === KIND_INT && isRegularInt(walk.subject.btf, id);
}

function stepComposite(walk: Walk, id: number): number {
  const { subject } = walk;
  const { btf } = subject;
  const vlen = vlenOf(btf, id);
  const level = walk.depth - 1;
  for (let i = walk.progress[level] as number; i < vlen; i++) {
    const type = memberType(btf, id, i);
    if (type === 0 || isDark(walk, type)) continue;
    if (hasNoSize(kindOf(btf, type)) || isDeclaration(walk, type)) {
      const message = `${memberText(subject, id, i)} is a ${describe(walk, type)}, which has no size`;
      complainOfType(subject, "member-type", id, message, i);
      continue;
    }
    if (mustWalk(walk, type)) {
      walk.progress[level] = i;
      return type;
    }
    const sized = sizedType(walk, type);
    if (sized >= 0) lintMemberPlace(walk, id, i, sized);
    else if (sized === NO_SIZE) {
      const message = `${memberText(subject, id, i)} has the type ${describe(walk, type)}, which has no size`;
      complainOfType(subject, "member-type", id, message, i);
    }
  }
  return DONE;
}

function stepDatasec(walk: Walk, id: number): number {
  const { subject } = walk;
  const { btf } = subject;
  const vlen = vlenOf(btf, id);
  const level = walk.depth - 1;
  walk.mode = WALKED;
  for (let i = walk.progress[level] as number; i < vlen; i++) {
    const at = recordOf(btf, id) + TYPE_WORDS + i * SECINFO_WORDS;
    const variable = btf.words[at + SECINFO_TYPE_WORD] as number;
    if (variable === 0 || isDark(walk, variable)) continue;
    if (kindOf(btf, variable) !== KIND_VAR) {
      complainOfType(
        subject,
        "datasec-variable",
        id,
        `variable ${i} is ${describe(walk, variable)}, expected a VAR`,
        i,
      );
      continue;
    }
    if (mustWalk(walk, variable)) {
      walk.progress[level] = i;
      return variable;
    }
    if (walk.state[variable] === BROKEN || !exists(walk, targetOf(btf, variable))) continue;
    const sized = sizedType(walk, targetOf(btf, variable));
    if (sized < 0 || isSizeHidden(walk, sized)) continue;
    const room = btf.words[at + SECINFO_SIZE_WORD] as number;
    if (bytesOf(walk, sized) > room) {
      const message = `variable ${i} has ${room} bytes, but its type takes ${bytesOf(walk, sized)}`;
      complainOfType(subject, "datasec-variable", id, message, i);
    }
  }
  return DONE;
}

function stepFunction(walk: Walk, id: number): number {
  const { subject } = walk;
  const { btf } = subject;
  const proto = targetOf(btf, id);
  if (isDark(walk, proto)) return FAILED;
  if (kindOf(btf, proto) !== KIND_FUNC_PROTO) {
    complainOfType(subject, "func-prototype", id, `its type is ${describe(walk, proto)}, expected a FUNC_PROTO`);
    return FAILED;
  }
  const vlen = vlenOf(btf, proto);
  for (let i = 0; i < vlen; i++) {
    if (paramName(btf, proto, i) === 0 && paramType(btf, proto, i) !== 0) {
      complainOfType(subject, "func-param-name", id, `parameter ${i} has no name`, i);
    }
  }
  return settle(walk, id, proto);
}

function stepDeclTag(walk: Walk, id: number): number {
  const { subject } = walk;
  const { btf } = subject;
  const next = targetOf(btf, id);
  if (isDark(walk, next)) return FAILED;
  const kind = kindOf(btf, next);
  const isOnFunction = kind === KIND_FUNC;
  const isOnWhole = kind === KIND_VAR || kind === KIND_TYPEDEF;
  if (!isOnFunction && !isOnWhole && kind !== KIND_STRUCT && kind !== KIND_UNION) {
    complainOfType(subject, "decl-tag-target", id, `is on ${describe(walk, next)}`);
    return FAILED;
  }
  if (mustWalk(walk, next)) return next;
  const component = (btf.words[recordOf(btf, id) + DECL_TAG_COMPONENT_WORD] as number) | 0;
  const owner = isOnFunction ? targetOf(btf, next) : next;
  // A lower index was reported with the record.
  if (component <= WHOLE_TYPE || walk.state[next] === BROKEN || isDark(walk, owner)) return settle(walk, id, next);
  const parts = isOnWhole ? 0 : vlenOf(btf, owner);
  if (component >= parts) {
    const message = `component index is ${component}, but ${describe(walk, next)} has ${parts} components`;
    complainOfType(subject, "decl-tag-component", id, message);
  }
  return settle(walk, id, next);
}
