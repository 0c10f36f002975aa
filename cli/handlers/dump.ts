import { dumpJson } from "../../lib/btf/dump-json.ts";
import { dumpRaw } from "../../lib/btf/dump-raw.ts";
import { type DumpSelection, type IdRange, selectTypes } from "../../lib/btf/dump-select.ts";
import { KIND_NAMES } from "../../lib/btf/format.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { dumpC } from "../../lib/c/header.ts";
import { nearest } from "../../lib/core/nearest.ts";
import { namesOf } from "../../lib/core/type-names.ts";
import { choiceHint } from "../choice.ts";
import type { Args } from "../command.ts";
import type { dump as command } from "../commands/dump.ts";
import { UsageError } from "../errors.ts";
import { formatOf } from "../format.ts";
import { parseTarget, readBtf } from "../inputs/btf-input.ts";
import { EXIT_FINE, type Outcome } from "../outcome.ts";

const NAMED_KINDS = KIND_NAMES.map((_, kind) => kind);

/** Prints types as they are read, so that `| head` costs nothing. */
export async function dump(args: Args<typeof command>): Promise<Outcome> {
  const selection = { names: args.name, kinds: args.kind.map(kindNumber), ids: args.id.map(idRange) };
  const print = { json: dumpJson, c: dumpC, raw: dumpRaw }[formatOf("dump", args) ?? "raw"];
  const blob = await readBtf(args.btf);
  const btf = args.base === undefined ? parseTarget(blob) : parseTarget(await readBtf(args.base), [blob]);
  return {
    exitCode: EXIT_FINE,
    json: null,
    notes: missing(btf, selection),
    stream: (write) => print(btf, write, selection),
  };
}

/** What is asked for and not there: names, else all of it. */
function missing(btf: Btf, selection: Required<Pick<DumpSelection, "names" | "kinds" | "ids">>): string[] {
  const unknown = selection.names.filter((name) => selectTypes(btf, { names: [name] }).length === 0);
  if (unknown.length > 0) {
    return unknown.map((name) => {
      const guess = nearest(name, namesOf(btf, NAMED_KINDS));
      return `--name ${name}: there is no such type${guess === undefined ? "" : `; did you mean ${guess}?`}`;
    });
  }
  const isWhole = [selection.kinds, selection.ids, selection.names].every((words) => words.length === 0);
  return isWhole || selectTypes(btf, selection).length > 0 ? [] : ["no type is selected"];
}

function kindNumber(word: string): number {
  // Void, kind 0, is no type of any file.
  const kind = KIND_NAMES.indexOf(word.toUpperCase(), 1);
  if (kind !== -1) return kind;
  const names = KIND_NAMES.slice(1).map((name) => name.toLowerCase());
  throw new UsageError(`dump: there is no kind ${word}`, choiceHint(word.toLowerCase(), names));
}

function idRange(text: string): IdRange {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || last < first)
    throw new UsageError(`dump: --id ${text} is neither an id nor a range such as 5-9`);
  return { first, last };
}
