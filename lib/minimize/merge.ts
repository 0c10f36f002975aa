import type { Draft, Drafts } from "./draft.ts";

/**
 * Makes drafts that no reader can tell apart into one: same kind, name, size and so on, and referring to types that
 * are one as well (cycles included). Classes start out as coarse as what a draft says of itself and are split where
 * references differ, until nothing splits any more.
 */
export function mergeDrafts(drafts: Drafts): void {
  const { list } = drafts;
  const classOf = new Map<Draft, number>();
  let groups = classify(list, ownTraits);
  let count = number(groups, classOf);
  for (;;) {
    // A class of one cannot be split further.
    groups = groups.flatMap((group) =>
      group.length === 1 ? [group] : classify(group, (draft) => references(draft, classOf)),
    );
    const finer = number(groups, classOf);
    if (finer === count) break;
    count = finer;
  }
  const first = groups.map((group) => group[0] as Draft);
  const representative = (draft: Draft | null): Draft | null =>
    draft === null ? null : (first[classOf.get(draft) as number] as Draft);
  drafts.list = list.filter((draft) => representative(draft) === draft);
  for (const draft of drafts.list) {
    draft.target = representative(draft.target);
    draft.indexType = representative(draft.indexType);
    draft.elements = draft.elements.map((element) => ({ ...element, type: representative(element.type) }));
  }
  for (const [id, draft] of drafts.bySource) drafts.bySource.set(id, representative(draft) as Draft);
}

function classify(list: readonly Draft[], traits: (draft: Draft) => string): Draft[][] {
  const groups = new Map<string, Draft[]>();
  for (const draft of list) {
    const key = traits(draft);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [draft]);
    else group.push(draft);
  }
  return [...groups.values()];
}

function number(groups: readonly Draft[][], classOf: Map<Draft, number>): number {
  groups.forEach((group, i) => {
    for (const draft of group) classOf.set(draft, i);
  });
  return groups.length;
}

function ownTraits(draft: Draft): string {
  const { kind, kindFlag, name, size, detail, segment, identity } = draft;
  const elements = draft.elements.map((element) => `${element.name}:${element.rest.join()}`).join(";");
  return `${kind},${kindFlag},${size},${detail},${segment},${identity},${name}{${elements}`;
}

function references(draft: Draft, classOf: Map<Draft, number>): string {
  const classNumber = (other: Draft | null) => (other === null ? -1 : (classOf.get(other) as number));
  const elements = draft.elements.map(({ type }) => classNumber(type));
  return `${classNumber(draft.target)},${classNumber(draft.indexType)},${elements.join()}`;
}
