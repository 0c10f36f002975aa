import { type DumpSelection, selectTypes } from "../btf/dump-select.ts";
import { type ChunkWriter, flush, openSink, put, rawName } from "../btf/dump-sink.ts";
import {
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_TYPEDEF,
  KIND_VAR,
} from "../btf/format.ts";
import { stringAt } from "../btf/strings.ts";
import { compareText } from "../btf/text-order.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, targetOf, typeCount } from "../btf/view.ts";
import { compositeBody } from "./body.ts";
import { declare, keywordOf, type Spelling } from "./declarator.ts";
import { enumBody, isTruth } from "./enumeration.ts";
import { identifier } from "./identifiers.ts";
import { planLayouts } from "./layout.ts";
import { findNameless, type Nameless } from "./nameless.ts";
import { isUnit, orderUnits } from "./order.ts";
import { isNamelessComposite, madeOf, referenceAt, referenceCount } from "./references.ts";
import { standIn } from "./scalars.ts";
import { declTagText, FASTCALL_TAG, findTags, hasTag, KFUNC_TAG, tagMacros, typeTagText } from "./tags.ts";
import { laterName, nameUnits, ordinaryName, rawNameOf, tagged, type Writer } from "./writer.ts";

/**
 * Prints BTF as a C header that a compiler for BPF makes the same layout of: what `bpftool btf dump file FILE format c`
 * is for. Without filters all types of the segment, and those of the base that they need; with filters what they
 * select and all that must be complete for it, while what is only pointed to stays a tag. FUNCs that the kernel tags as
 * callable from BPF become prototypes; other functions and variables, comments where a filter selects them.
 *
 * Chunks as dumpRaw; nothing is written before it is known that all can be. @throws FormatError for what C cannot
 * have: a struct inside itself, text that would grow beyond all measure.
 */
export function dumpC(btf: Btf, write: ChunkWriter, selection: DumpSelection = {}): void {
  const sink = openSink(btf.strings, write);
  const tags = findTags(btf);
  const nameless = findNameless(btf);
  const ids = (selection.ids ?? []).length > 0;
  const filtered = ids || (selection.names ?? []).length > 0 || (selection.kinds ?? []).length > 0;
  const { roots, kfuncs, remarks } = chooseRoots(btf, nameless, selection, ids, filtered, tags);
  const order = orderUnits(btf, nameless, roots);
  const functions = kfuncs.map((id) => rawNameOf({ btf, sink }, id));
  const writer: Writer = {
    btf,
    sink,
    tags,
    layouts: planLayouts(btf, order),
    names: nameUnits(btf, sink, nameless, order, functions),
    around: new Map(),
    indent: "",
    gaps: 0,
    members: new Map(),
    later: new Map(),
  };
  const spelling = headerSpelling(writer, nameless);
  const declared = new Set<string>();
  const declareTags = (id: number): void => {
    for (const tag of order.forward.get(id) ?? []) declareTag(writer, declared, tag);
  };
  // Clang warns of an attribute that nothing takes.
  const hasRecords = order.bodies.size > 0 || order.units.some((id) => isComposite(kindOf(btf, id)));
  put(sink, PROLOGUE + (hasRecords ? PUSH : "") + tagMacros(tags));
  for (const unit of order.units) {
    declareTags(unit);
    writer.gaps = 0;
    putUnit(writer, spelling, declared, unit);
  }
  for (const id of remarks) putText(writer, `/* ${functionText(writer, spelling, id).replaceAll("*/", "* /")}; */\n`);
  if (kfuncs.length > 0) {
    put(sink, KFUNC_PROLOGUE);
    for (const id of kfuncs) declareTags(targetOf(btf, id));
    for (const id of sortedByName(writer, kfuncs)) {
      const fast = hasTag(btf, tags, id, FASTCALL_TAG) ? "__bpf_fastcall " : "";
      putText(writer, `extern ${fast}${functionText(writer, spelling, id)} __weak __ksym;\n`);
    }
    put(sink, "#endif\n\n");
  }
  put(sink, (hasRecords ? POP : "") + EPILOGUE);
  flush(sink);
}

interface Roots {
  readonly roots: readonly number[];
  /** Functions to print as prototypes: one of each name. */
  readonly kfuncs: readonly number[];
  /** Functions and variables to print as comments. */
  readonly remarks: readonly number[];
}

function chooseRoots(
  btf: Btf,
  nameless: Nameless,
  selection: DumpSelection,
  ids: boolean,
  filtered: boolean,
  tags: ReturnType<typeof findTags>,
): Roots {
  const roots: number[] = [];
  // Behind all definitions, where most have nothing to say.
  const forward: number[] = [];
  const kfuncs = new Map<number, number>();
  const remarks: number[] = [];
  for (const id of selectTypes(btf, selection)) {
    const kind = kindOf(btf, id);
    if (kind === KIND_FUNC && kindOf(btf, targetOf(btf, id)) === KIND_FUNC_PROTO && hasTag(btf, tags, id, KFUNC_TAG)) {
      const name = nameOffsetOf(btf, id);
      if (!kfuncs.has(name) && isIdentifier(btf, name)) kfuncs.set(name, id);
    } else if (kind === KIND_FUNC || kind === KIND_VAR) {
      if (filtered) remarks.push(id);
    } else if (kind === KIND_DATASEC || kind === KIND_DECL_TAG) {
      // Sections have no place in C, tags stand with what they are of.
    } else if (isNamelessComposite(btf, id)) {
      // Written out where something needs it; asked for by number it gets a name.
      if (ids) nameless.toName.add(id);
      if (nameless.toName.has(id)) roots.push(id);
    } else if (kind === KIND_FWD) {
      forward.push(id);
    } else if (isUnit(btf, nameless, id) || isEnum(kind) || filtered) {
      roots.push(id);
    }
  }
  // Who asks for a typedef wants objects of it; who calls a function, its result and what it takes.
  const objects = roots.filter((id) => kindOf(btf, id) === KIND_TYPEDEF);
  for (const id of kfuncs.values()) {
    const prototype = targetOf(btf, id);
    for (let i = 0; i < referenceCount(btf, prototype); i++) objects.push(referenceAt(btf, prototype, i));
  }
  const made = objects.map((id) => madeOf(btf, id));
  for (const id of made) if (isComposite(kindOf(btf, id)) && isUnit(btf, nameless, id)) roots.push(id);
  for (const id of forward) roots.push(id);
  for (const id of kfuncs.values()) roots.push(targetOf(btf, id));
  for (const id of remarks) roots.push(targetOf(btf, id));
  return { roots, kfuncs: [...kfuncs.values()], remarks };
}

function isIdentifier(btf: Btf, nameOffset: number): boolean {
  const name = stringAt(btf.strings, nameOffset);
  return identifier(name) === name;
}

/** Names and bodies as the header has them. */
function headerSpelling(writer: Writer, nameless: Nameless): Spelling {
  const { btf, names, sink } = writer;
  const spelling: Spelling = {
    btf,
    specifier: (id) => {
      const kind = kindOf(btf, id);
      if (keywordOf(btf, id) === undefined) return ordinaryName(writer, id);
      if (isUnit(btf, nameless, id)) return tagged(writer, id);
      return keywordOf(btf, id) + (isComposite(kind) ? ownBody(writer, spelling, id) : enumBody(writer, id));
    },
    typeTag: (id) => typeTagText(btf, id),
    parameters: () => {
      const taken = new Set<string>();
      return (offset) => {
        const name = offset === 0 ? "" : identifier(rawName(sink, offset));
        // A parameter hides a typedef from those behind it, and no other can have its name.
        if (names.ordinary.has(name) || taken.has(name)) return "";
        taken.add(name);
        return name;
      };
    },
    // What has been ordered has an end, and the text of all of it is bounded.
    bounds: { steps: typeCount(btf), functions: Number.POSITIVE_INFINITY, parameters: Number.POSITIVE_INFINITY },
  };
  return spelling;
}

/** A struct's body: its members' names are apart from those of the struct around it. */
function ownBody(writer: Writer, spelling: Spelling, id: number): string {
  const outer = writer.members;
  writer.members = new Map();
  const text = compositeBody(writer, spelling, id);
  writer.members = outer;
  return text;
}

function putUnit(writer: Writer, spelling: Spelling, declared: Set<string>, id: number): void {
  const { btf, sink, tags } = writer;
  const kind = kindOf(btf, id);
  if (kind === KIND_FWD) declareTag(writer, declared, id);
  else if (isComposite(kind)) {
    const tag = tagged(writer, id);
    declared.add(tag);
    putText(writer, `${tag}${ownBody(writer, spelling, id)};\n\n`);
  } else if (isEnum(kind)) {
    const name = nameOffsetOf(btf, id) === 0 && !writer.names.byId.has(id) ? "enum" : tagged(writer, id);
    putUnlessC23(writer, isTruth(btf, id), `${name}${enumBody(writer, id)};\n\n`);
  } else if (kind === KIND_TYPEDEF) {
    const name = ordinaryName(writer, id);
    const text = `typedef ${declare(spelling, targetOf(btf, id), name)}${declTagText(btf, tags, id, -1)};\n\n`;
    putUnlessC23(writer, name === "bool", text);
  } else {
    put(sink, `typedef ${standIn(btf, id)} ${ordinaryName(writer, id)};\n\n`);
  }
}

function declareTag(writer: Writer, declared: Set<string>, id: number): void {
  const tag = tagged(writer, id);
  if (declared.has(tag)) return;
  declared.add(tag);
  put(writer.sink, `${tag};\n\n`);
}

/** C has had `bool`, `true` and `false` of its own since 2023. */
function putUnlessC23(writer: Writer, isOwn: boolean, text: string): void {
  putText(writer, isOwn ? `${BEFORE_C23}${text.trimEnd()}\n#endif\n\n` : text);
}

/** Puts text behind the macros of those of its members' names that later C has taken. */
function putText({ sink, later }: Writer, text: string): void {
  for (const [word, isDefined] of later) {
    if (isDefined) continue;
    const macro = `#define ${laterName(word)}`;
    put(sink, `${BEFORE_C23}${macro} ${word}\n#else\n${macro} ${identifier(word)}\n#endif\n\n`);
    later.set(word, true);
  }
  put(sink, text);
}

function functionText(writer: Writer, spelling: Spelling, id: number): string {
  return declare(spelling, targetOf(writer.btf, id), identifier(rawNameOf(writer, id)));
}

function sortedByName(writer: Writer, ids: readonly number[]): number[] {
  const named = ids.map((id) => ({ id, name: rawNameOf(writer, id) }));
  named.sort((a, b) => compareText(a.name, b.name));
  return named.map(({ id }) => id);
}

/** Compilers on the way to C23 say 202000L of it, and only some have its words then; so `true`, which is 1 to those. */
const BEFORE_C23 = "#if !defined(__STDC_VERSION__) || __STDC_VERSION__ <= 201710L || !true\n";

/** `__VMLINUX_H__` tells libbpf's headers, too, which types they have. */
const PROLOGUE = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef __has_attribute
#define __has_attribute(name) 0
#endif

`;

const PUSH = `#if defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`;

const POP = `#if defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute pop
#endif

`;

const EPILOGUE = "#endif /* __VMLINUX_H__ */\n";

const KFUNC_PROLOGUE = `#ifndef BPF_NO_KFUNC_PROTOTYPES
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`;
