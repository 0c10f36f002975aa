import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type OpenBundle, readEntry } from "../../corpus/bundle/read.ts";
import { INDEX_NAME } from "../../corpus/bundle/store-index.ts";
import type { CompatObject } from "../../corpus/compat/assess.ts";
import type { KernelBtf } from "../../corpus/kernel.ts";
import {
  isLooseModule,
  isPassedOver,
  isProblem,
  NO_KERNEL,
  type SourceItem,
  type SourceOptions,
} from "../../corpus/source/item.ts";
import { kernelsOfBytes } from "../../corpus/source/kernels-of-bytes.ts";
import { readKernels } from "../../corpus/source/read-kernels.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { type BtfInput, parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type MatchRules, RULE_SETS } from "../../lib/core/rules.ts";
import { type History, historyBuilder } from "../../lib/diff/history.ts";
import { readEntryArgument } from "../bundle/entry.ts";
import { openBundleArgument } from "../bundle/input.ts";
import { InputError } from "../errors.ts";
import { nameOfInput, readInput, STDIN_NAME } from "../inputs/input.ts";
import { aFew } from "../table.ts";
import { type DirectoryModules, directoryModules } from "./history-modules.ts";
import { historyOrder } from "./history-order.ts";
import type { HistoryKernel, HistoryReport } from "./history-report.ts";
import { isForOthers } from "./others.ts";

/** What to follow. */
export interface HistoryQuery {
  readonly objects: readonly CompatObject[];
  /** Kernels: anything that holds some, also directories and bundles. */
  readonly sources: readonly string[];
  readonly rules: MatchRules["name"];
  readonly options: SourceOptions;
}

/**
 * Follows what objects ask over kernels, which are put in the order of releases where all of theirs are known and
 * else stay in the order given. Their BTF is read one after the other. Throws InputError, FormatError.
 */
export async function runHistory({ objects: tagged, sources, rules, options }: HistoryQuery): Promise<HistoryReport> {
  const objects = tagged.map(({ object }) => object);
  const builder = historyBuilder<HistoryKernel>(objects, RULE_SETS[rules]);
  const kernels: HistoryKernel[] = [];
  const unreadable: HistoryReport["unreadable"][number][] = [];
  for (const source of sources) {
    const before = kernels.length + unreadable.length;
    for await (const item of kernelsOf(source, options)) {
      if ("problem" in item) {
        unreadable.push({ origin: item.origin, reason: item.problem });
        continue;
      }
      try {
        const kernel = { ...item.identity, origin: item.origin, modules: item.modules.length };
        const base = parseBtf(item.btf.bytes, { source: item.btf.source });
        const target = item.modules.length === 0 ? base : parseModules(base, item.modules);
        builder.add(kernel, indexCandidates(target), (at) => isForOthers(tagged[at]?.tag ?? null, kernel));
        kernels.push(kernel);
      } catch (error) {
        // One damaged kernel does not cost the others; a damaged object is no kernel's fault.
        const isOwn = ({ source: own }: BtfInput) => error instanceof FormatError && error.source === own;
        if (!(error instanceof FormatError) || ![item.btf, ...item.modules].some(isOwn)) throw error;
        unreadable.push({ origin: item.origin, reason: error.message.replace(`${item.btf.source}: `, "") });
      }
    }
    if (kernels.length + unreadable.length === before) throw new InputError(nameOfInput(source), NO_KERNEL);
  }
  const history = builder.finish(historyOrder(kernels));
  return historyReport(history, objects, rules, unreadable);
}

function historyReport(
  history: History<HistoryKernel>,
  objects: readonly BpfObject[],
  rules: MatchRules["name"],
  unreadable: HistoryReport["unreadable"],
): HistoryReport {
  return { version: 1, rules, objects: objects.map(({ source }) => source), ...history, unreadable };
}

interface Problem {
  readonly origin: string;
  readonly problem: string;
}

/** The kernels of a source, and what is wrong in it. A file of a directory that holds none is passed over. */
async function* kernelsOf(source: string, options: SourceOptions): AsyncGenerator<KernelBtf | Problem> {
  if (source === "-") {
    yield* kernelsIn(source, kernelsOfBytes(readInput(source), STDIN_NAME, "", options), true);
    return;
  }
  const stats = statSync(source, { throwIfNoEntry: false });
  const bundle = stats === undefined ? null : await storeOf(source, stats.isDirectory());
  if (bundle !== null) {
    yield* kernelsOfStore(bundle, source);
    return;
  }
  const entry = stats === undefined ? await readEntryArgument(source) : undefined;
  if (entry !== undefined) {
    const { source: origin, bytes, identity } = entry;
    yield { identity, origin, btf: { bytes, source: origin }, modules: [] };
    return;
  }
  const isDirectory = stats?.isDirectory() === true;
  const beside = isDirectory && options.modules === true ? await directoryModules(source, options) : null;
  yield* kernelsIn(source, readKernels(source, options), !isDirectory, beside);
  const left = beside?.left() ?? [];
  if (left.length > 0) yield { origin: source, problem: `modules whose kernel is not there: ${aFew(left)}` };
}

async function* kernelsIn(
  source: string,
  items: AsyncIterable<SourceItem>,
  isNamed: boolean,
  beside: DirectoryModules | null = null,
): AsyncGenerator<KernelBtf | Problem> {
  let [kernels, loose] = [0, 0];
  for await (const item of items) {
    if (isLooseModule(item)) loose++;
    else if (!isProblem(item)) {
      kernels++;
      yield await (beside?.join(item) ?? item);
    } else if (!isPassedOver(item, isNamed)) yield item;
  }
  if (kernels > 0 || loose === 0) return;
  throw new InputError(nameOfInput(source), "has modules, and not the kernel that they are of");
}

/** What may be a bundle in one file; `.btf.tar.xz` is BTFHub's archive of one kernel. */
const CONTAINER = /(?<!\.btf)\.tar(\.(gz|xz|zst))?$/;

/** A store names its blobs by their hashes: which kernel has which, only its index says. Null for anything else. */
async function storeOf(source: string, isDirectory: boolean): Promise<OpenBundle | null> {
  if (isDirectory ? !existsSync(join(source, INDEX_NAME)) : !CONTAINER.test(source)) return null;
  try {
    const bundle = await openBundleArgument(source);
    return bundle.layout === "store" ? bundle : null;
  } catch (error) {
    // A directory with an index is meant as a store, and says what is wrong; a tar may be of anything.
    if (isDirectory || !(error instanceof FormatError)) throw error;
    return null;
  }
}

function* kernelsOfStore(bundle: OpenBundle, source: string): Generator<KernelBtf> {
  for (const entry of bundle.entries) {
    const { bytes } = readEntry(bundle, entry);
    const origin = `${source}!${entry.key}`;
    yield { identity: entry.identity, origin, btf: { bytes, source: origin }, modules: [] };
  }
}
