/** Copies of a BTF with one change each, and what becomes of them in a proof. */
import { FormatError } from "../../lib/btf/error.ts";
import { TYPE_WORDS } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { stringAt } from "../../lib/btf/strings.ts";
import type { Btf, BtfSegment } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { MATCH, NO_MATCH } from "../../lib/core/match-state.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { type FullSide, prove } from "../../lib/verify/prove.ts";

/** A changed copy. */
export interface Mutant {
  /** `word 12: 3 -> 4`. */
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** What became of mutants: those that parse and keep every outcome, and how many do not. */
export interface Proved {
  readonly passed: readonly { readonly mutant: Mutant; readonly malformed: boolean }[];
  /** Some outcome differs. */
  readonly caught: number;
  /** No BTF any more. */
  readonly refused: number;
}

/** Bits of info words, of encodings and offsets, of nothing much. */
const FLIPS = [1 << 3, 1 << 24, 1 << 31, 1 << 16, 1 << 8];

/** Every word of the type section, once one more and once with a bit flipped. */
export function wordMutants(bytes: Uint8Array): Mutant[] {
  const { header } = parseBtf(bytes).segments[0] as BtfSegment;
  const start = header.headerLength + header.typeOffset;
  const mutants: Mutant[] = [];
  for (let at = start; at < start + header.typeLength; at += 4) {
    const old = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, header.littleEndian);
    for (const word of [old + 1, old ^ (FLIPS[(at / 4) % FLIPS.length] as number)]) {
      const copy = new Uint8Array(bytes);
      new DataView(copy.buffer).setUint32(at, word >>> 0, header.littleEndian);
      mutants.push({ what: `word ${(at - start) / 4 + TYPE_WORDS}: ${old} -> ${word >>> 0}`, bytes: copy });
    }
  }
  return mutants;
}

/** Every byte of the strings, changed to another letter; a NUL too, so that two strings become one. */
export function stringMutants(bytes: Uint8Array): Mutant[] {
  const { header } = parseBtf(bytes).segments[0] as BtfSegment;
  const start = header.headerLength + header.stringOffset;
  return Array.from({ length: header.stringLength }, (_, i) => {
    const copy = new Uint8Array(bytes);
    const old = copy[start + i] as number;
    copy[start + i] = old === 0x71 ? 0x7a : 0x71;
    return { what: `string byte ${i}: ${String.fromCharCode(old)}`, bytes: copy };
  });
}

/** Proves each mutant; `malformed` ones that keep every outcome pass here, as their form is not the question. */
export function proveMutants(objects: readonly BpfObject[], full: FullSide, mutants: readonly Mutant[]): Proved {
  const passed: { mutant: Mutant; malformed: boolean }[] = [];
  let caught = 0;
  let refused = 0;
  for (const mutant of mutants) {
    try {
      const { differences, malformed } = prove(objects, full, [{ bytes: mutant.bytes, source: mutant.what }]);
      if (differences.length > 0) caught++;
      else passed.push({ mutant, malformed: malformed.length > 0 });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      refused++;
    }
  }
  return { passed, caught, refused };
}

/** Answers of all candidates as lists in the order of ids, where two BTFs have the same types: an own comparison. */
export function differingRecords(objects: readonly BpfObject[], right: Uint8Array, changed: Uint8Array): string[] {
  const answers = (bytes: Uint8Array) => {
    const btf = parseBtf(bytes, { source: "small" });
    const index = indexCandidates(btf);
    return objects.flatMap((object) => resolveObject(object, index).map((record) => answerOf(btf, record)));
  };
  const [before, after] = [answers(right), answers(changed)];
  return before.flatMap((text, i) => (text === after[i] ? [] : [`${text}, then ${after[i]}`]));
}

function answerOf(
  btf: Btf,
  { status, value, candidates, relocation }: ReturnType<typeof resolveObject>[number],
): string {
  const isId = relocation.kind === RELO_TYPE_ID_TARGET;
  const matching = candidates
    .filter(({ outcome }) => outcome !== NO_MATCH)
    .map(({ outcome, spec, value: own }) => {
      const names = spec.accessors.map(({ nameOffset }) => stringAt(btf.strings, nameOffset)).join(".");
      return outcome === MATCH ? `${names}@${spec.bitOffset}=${isId ? "" : own?.value}/${own?.size}` : `${outcome}`;
    });
  return `${relocation.index} ${status} ${isId ? "" : value?.value} ${value?.size} ${matching.sort().join(" ")}`;
}
