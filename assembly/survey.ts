import { KIND_DATASEC, KIND_DECL_TAG, NAME_WORD } from "../lib/btf/format.ts";
import {
  elementBytes,
  elementsEnd,
  elementTypeWord,
  firstElement,
  hasElementNames,
  recordKind,
  typeIdWords,
} from "./elements.ts";
import { get, set } from "./memory.ts";
import { markStart } from "./name-starts.ts";
import { inBlocks, recordOf, Side } from "./side.ts";

/** Finds where names begin, which types say something of others, and which are referred to; a tag is no use of a type. */
export function survey(side: Side): void {
  inBlocks(side, surveySome);
}

function surveySome(side: Side, from: i32, to: i32): void {
  for (let id = from; id < to; id++) {
    const record = recordOf(side, id);
    const kind = recordKind(record);
    if (kind === KIND_DECL_TAG || kind === KIND_DATASEC) set(side.speaking, side.speakingCount++, id);
    markStart(side.stringStart + get(record, NAME_WORD));
    let word = 0;
    for (let bits = kind === KIND_DECL_TAG ? 0 : typeIdWords(kind); bits !== 0; bits >>>= 1) {
      if ((bits & 1) === 1) setReferenced(side, get(record, word));
      word++;
    }
    surveyElements(side, record, kind);
  }
}

function surveyElements(side: Side, record: usize, kind: i32): void {
  const hasNames = hasElementNames(kind);
  const typeWord = elementTypeWord(kind);
  const step = elementBytes(kind);
  const end = elementsEnd(record, kind);
  for (let element = firstElement(record, kind); element < end; element += step) {
    if (hasNames) markStart(side.stringStart + get(element, 0));
    if (typeWord >= 0) setReferenced(side, get(element, typeWord));
  }
}

function setReferenced(side: Side, id: i32): void {
  store<u8>(side.referenced + <usize>id, 1);
}
