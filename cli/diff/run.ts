import { setImmediate as nextTurn } from "node:timers/promises";
import { isatty } from "node:tty";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import { identityOfPath } from "../../corpus/source/identity.ts";
import { FormatError } from "../../lib/btf/error.ts";
import type { Btf } from "../../lib/btf/view.ts";
import type { TypesDiff } from "../../lib/diff/change.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import type { Args } from "../command.ts";
import type { diff as command } from "../commands/diff.ts";
import { compileLater } from "../compile-later.ts";
import { InputError, UsageError } from "../errors.ts";
import { formatOf } from "../format.ts";
import {
  type BtfBlob,
  parseTarget,
  readBtf,
  readBtfAndModules,
  readModules,
  requireKernel,
} from "../inputs/btf-input.ts";
import { readInput } from "../inputs/input.ts";
import { objectPaths } from "../inputs/tagged-objects.ts";
import { checkStandardInput } from "../inputs/target-input.ts";
import { acceptsType, type DiffFilter, type Filtered, filterDiff, parseIgnoreRules, parseTypeRule } from "./rules.ts";
import { type UnknownName, unknownNames } from "./unknown-names.ts";

/** One side as the command line names it. */
interface SideRequest {
  readonly path: string;
  /** The kernel that `path` is a module of. */
  readonly base: string | undefined;
  readonly modules: readonly string[];
  /** Take the modules that come with the kernel, too. */
  readonly own: boolean;
  /** Refuse types of what is no kernel: objects are to be resolved against them. */
  readonly mustBeKernel: boolean;
}

/** One side as read. */
export interface DiffSide {
  readonly target: Btf;
  /** Which kernel it is, as far as its path or what it came in says. */
  readonly identity: KernelIdentity;
}

/** A diff as the command line asks for it. */
export interface DiffRequest {
  readonly old: SideRequest;
  readonly new: SideRequest;
  readonly filter: DiffFilter;
  /** The file of --ignore, for messages. */
  readonly ignoreFile: string | undefined;
  readonly reached: boolean;
  readonly full: boolean;
  readonly stat: boolean;
  readonly format: "text" | "json" | "markdown";
  readonly color: boolean;
  readonly exitCode: boolean;
  /** Where to write a page. */
  readonly html: string | undefined;
}

/** A diff made, and what is shown of it. */
export interface DiffRun {
  readonly diff: TypesDiff;
  readonly filtered: Filtered;
  /** What --type names and neither side has. */
  readonly unknown: readonly UnknownName[];
}

const STDOUT = 1;

/** Checks the arguments. Throws UsageError, or InputError for the file of --ignore. */
export function diffRequestOf(args: Args<typeof command>): DiffRequest {
  const bases = [args["old-base"], args["new-base"]];
  if (bases.includes(undefined) && bases.some((base) => base !== undefined)) {
    throw new UsageError("diff: --old-base and --new-base go together", "A module is compared with a module.");
  }
  if (args.modules && bases[0] !== undefined) {
    throw new UsageError("diff: --modules is for kernels", "With --old-base, OLD and NEW are modules themselves.");
  }
  if (args.new === undefined) throw new UsageError("diff needs OLD and NEW", "See btfgen diff --help.");
  if (args.object.length === 0) {
    const needy = args.more.length > 0 ? "more than two kernels need" : args.strict ? "--strict needs" : undefined;
    if (needy !== undefined) throw new UsageError(`diff: ${needy} --object FILE`);
    if (args.allow !== undefined) throw new UsageError("diff: --allow needs --strict");
    if (args.loader !== undefined) throw new UsageError("diff: --loader needs --object FILE");
  }
  if (args.stat && args.format === "markdown") throw new UsageError("diff: --stat has no Markdown of its own");
  const sides = [args.old, args.new, ...bases, ...args["old-module"], ...args["new-module"]];
  checkStandardInput("diff", [...sides, ...objectPaths(args.object), args.ignore, args.allow]);
  const ignore = args.ignore === undefined ? [] : readRules(args.ignore);
  const each = { own: args.modules, mustBeKernel: args.object.length > 0 };
  return {
    old: { ...each, path: args.old, base: args["old-base"], modules: args["old-module"] },
    new: { ...each, path: args.new, base: args["new-base"], modules: args["new-module"] },
    filter: {
      types: args.type.map((text) => parseTypeRule(text)),
      kinds: args.kind,
      only: args.only,
      own: args.own,
      ignore,
    },
    ignoreFile: args.ignore,
    reached: args.reached,
    full: args.full,
    stat: args.stat,
    format: formatOf("diff", args) ?? "text",
    color: wantsColor(args.color ?? "auto"),
    exitCode: args["exit-code"],
    html: args.html,
  };
}

/** NO_COLOR (no-color.org) speaks where the command line does not. */
function wantsColor(choice: "auto" | "always" | "never"): boolean {
  if (choice !== "auto") return choice === "always";
  const { NO_COLOR, TERM } = process.env;
  return isatty(STDOUT) && (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb";
}

/** Reads both sides and compares them. Throws InputError or FormatError. */
export async function runDiff(request: DiffRequest): Promise<DiffRun> {
  const { old, new: next } = await readSides(request);
  compileLater();
  return compareSides(old.target, next.target, request);
}

/** Reads both sides. Throws InputError or FormatError. */
export async function readSides({ old, new: next }: DiffRequest): Promise<Record<"old" | "new", DiffSide>> {
  const sides = { old: await readSide(old), new: await readSide(next) };
  // Streams let go of the package that they come from, 100 MB with its modules, in the next turn only.
  await nextTurn();
  return sides;
}

/** Compares the types of both sides, and leaves out what the filter does not want. */
export function compareSides(before: Btf, after: Btf, { old, filter, reached, full }: DiffRequest): DiffRun {
  const diff = diffTypes(before, after, {
    accepts: (kind, name) => acceptsType(filter, kind, name),
    reached,
    bodies: full,
    modulesOnly: old.base !== undefined,
  });
  return { diff, filtered: filterDiff(diff.types, filter), unknown: unknownNames(filter.types, diff, [before, after]) };
}

async function readSide({ path, base, modules, own, mustBeKernel }: SideRequest): Promise<DiffSide> {
  const [kernel, others] = base === undefined ? [path, modules] : [base, [path, ...modules]];
  const given: BtfBlob[] = [];
  const read = own ? await readBtfAndModules(kernel) : { kernel: await readBtf(kernel), modules: [] };
  if (mustBeKernel) requireKernel(read.kernel);
  for (const other of others) given.push(...(await readModules(other)));
  const target = parsedSide(read.kernel, [...read.modules, ...given]);
  return { target, identity: read.kernel.identity ?? identityOfPath(kernel) };
}

function parsedSide(kernel: BtfBlob, modules: readonly BtfBlob[]): Btf {
  try {
    return parseTarget(kernel, modules);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== "missing-base") throw error;
    const hint = "Modules are compared with --old-base KERNEL and --new-base KERNEL.";
    throw new InputError(kernel.source, "a kernel module's BTF, which needs its kernel's", hint);
  }
}

function readRules(path: string) {
  return parseIgnoreRules(new TextDecoder().decode(readInput(path)), path);
}
