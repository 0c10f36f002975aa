import { existsSync } from "node:fs";
import { ARCHITECTURE_NAMES, knownArch } from "../../corpus/arch.ts";
import { trampolineRules } from "../../lib/core/trampoline-rules.ts";
import { choiceHint } from "../choice.ts";
import type { Args } from "../command.ts";
import type { model as command } from "../commands/model.ts";
import { UsageError } from "../errors.ts";
import { globFilter } from "../glob.ts";
import { type KernelRules, kernelNamedBy, rulesOfKernel } from "../inputs/kernel-release.ts";
import { readObjects } from "../inputs/object-input.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";
import { isModelFinding, reportModels } from "../inspect/model-report.ts";
import { modelNotes, modelText } from "../inspect/model-text.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";

const ANY_ARCH = "any";

/** Models functions, and what objects name. */
export async function model(args: Args<typeof command>): Promise<Outcome> {
  const { function: names, object, regex } = args;
  if (names.length === 0 && object.length === 0) throw new UsageError("model: name a function, or an --object");
  const file = regex ? undefined : names.find((name) => /[./]/.test(name) && existsSync(name));
  if (file !== undefined) throw new UsageError(`model: ${file} is a file, not a function`, "Objects go with --object.");
  checkStandardInput("model", [args.btf, ...args.module, ...object]);
  const patterns = names.map((name) => patternOf(name, regex));
  const rules = rulesOf(args);
  const { target } = await readTarget(args.btf, args.module);
  const objects = object.length === 0 ? null : readObjects(object).objects;
  const report = reportModels({ target, names, patterns, objects, impossibleOnly: args.impossible, rules });
  return {
    exitCode: isModelFinding(report, args.strict) ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => modelText(report),
    notes: modelNotes(report),
  };
}

/** The release's rules: of the option, or of what the path tells. */
function rulesOf({ btf, release, arch }: Args<typeof command>): KernelRules {
  const named = kernelNamedBy(btf);
  const isX86 = arch === undefined ? named.isX86 : archOf(arch) === "x86_64";
  if (release === undefined) return rulesOfKernel({ ...named, isX86 });
  if (trampolineRules(release) === undefined) {
    throw new UsageError(`model: --release ${release} is no release with trampolines, such as 5.10 or 6.1.0-56-amd64`);
  }
  return rulesOfKernel({ release, from: "option", isX86 });
}

/** The architecture, `any` aside. A name that is none would quietly lose what it was to add. Throws UsageError. */
function archOf(word: string): string | null {
  const arch = knownArch(word);
  if (arch !== null || word === ANY_ARCH) return arch;
  throw new UsageError(`model: --arch ${word} is no architecture`, choiceHint(word, [ANY_ARCH, ...ARCHITECTURE_NAMES]));
}

function patternOf(name: string, regex: boolean): ((name: string) => boolean) | null {
  if (!regex) return /[*?]/.test(name) ? globFilter([name]) : null;
  try {
    const expression = new RegExp(name, "u");
    return (text) => expression.test(text);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new UsageError(`model: ${name} is no regular expression: ${said}`);
  }
}
