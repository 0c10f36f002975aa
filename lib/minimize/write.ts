import { assembleBtf } from "../btf/encode.ts";
import { INFO_KIND_FLAG_SHIFT, INFO_KIND_SHIFT, KIND_ARRAY, KIND_FUNC, KIND_INT, KIND_VAR } from "../btf/format.ts";
import { ELEMENT_TYPE_ID_WORDS } from "../btf/kind-table.ts";
import { layoutOfKnownKinds } from "../btf/layout.ts";
import { type Draft, refersToType } from "./draft.ts";
import { buildStringTable, offsetOf, type StringTable } from "./string-table.ts";

/** How the result is written. */
export interface WriteOptions {
  readonly littleEndian: boolean;
  /** A 32-byte header with the layout section, which kernels before 7.1 refuse. */
  readonly layout: boolean;
  /** Let a string that is another's tail begin inside it. */
  readonly shareTails: boolean;
  /** Number of segments: 1 for the base alone, one more for each module. */
  readonly segments: number;
}

/** The written blobs and where each draft went. */
export interface Written {
  /** One blob a segment: the base, then the modules as split BTF on it. */
  readonly blobs: Uint8Array[];
  /** Type id of each draft in its blob. */
  readonly ids: ReadonlyMap<Draft, number>;
}

/** Writes drafts in their order: first all ids, then the bytes. */
export function writeDrafts(list: readonly Draft[], options: WriteOptions): Written {
  const ids = new Map<Draft, number>();
  const bySegment = Array.from({ length: options.segments }, (_, segment) =>
    list.filter((draft) => draft.segment === segment),
  );
  const baseCount = (bySegment[0] as Draft[]).length;
  bySegment.forEach((drafts, segment) => {
    const start = segment === 0 ? 1 : baseCount + 1;
    drafts.forEach((draft, i) => {
      ids.set(draft, start + i);
    });
  });
  const layout = options.layout ? layoutOfKnownKinds() : new Uint8Array(0);
  let base: StringTable | undefined;
  const blobs = bySegment.map((drafts) => {
    const strings = buildStringTable(names(drafts), base, options.shareTails);
    base ??= strings;
    const words = recordWords(drafts, ids, strings);
    return assembleBtf({ words, strings: strings.bytes, littleEndian: options.littleEndian, layout });
  });
  return { blobs, ids };
}

function* names(drafts: readonly Draft[]): Generator<string> {
  for (const draft of drafts) {
    yield draft.name;
    for (const element of draft.elements) yield element.name;
  }
}

function recordWords(drafts: readonly Draft[], ids: ReadonlyMap<Draft, number>, strings: StringTable): Uint32Array {
  const words: number[] = [];
  const idOf = (draft: Draft | null): number => (draft === null ? 0 : (ids.get(draft) as number));
  for (const draft of drafts) {
    const { kind, kindFlag, elements } = draft;
    const vlen = kind === KIND_FUNC ? draft.detail : elements.length;
    const info = ((kindFlag << INFO_KIND_FLAG_SHIFT) | (kind << INFO_KIND_SHIFT) | vlen) >>> 0;
    words.push(offsetOf(strings, draft.name), info, refersToType(kind) ? idOf(draft.target) : draft.size);
    if (kind === KIND_INT || kind === KIND_VAR) words.push(draft.detail);
    if (kind === KIND_ARRAY) words.push(idOf(draft.target), idOf(draft.indexType), draft.detail);
    for (const { name, type, rest } of elements) {
      words.push(offsetOf(strings, name));
      if (ELEMENT_TYPE_ID_WORDS[kind] !== 0) words.push(idOf(type));
      words.push(...rest);
    }
  }
  return Uint32Array.from(words);
}
