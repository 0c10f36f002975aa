import { indexCandidates } from "../lib/core/candidates.ts";
import type { Plan } from "../lib/prepare/plan.ts";
import { type PrepareOptions, prepare } from "../lib/prepare/prepare.ts";
import { type BtfFeatures, btfFeatures } from "../lib/prepare/sanitize-btf.ts";
import { byteOrderOf } from "./byte-order.ts";
import { InputError, UsageError } from "./errors.ts";
import { readInput } from "./input.ts";
import { readObjects } from "./object-input.ts";
import { checkStandardInput, readTarget } from "./target-input.ts";

/** What to plan, and for which kernel. */
interface PrepareRequest {
  readonly object: readonly string[];
  readonly target: string | undefined;
  readonly module: readonly string[];
  readonly kconfig: string | undefined;
  readonly name: string | undefined;
  readonly btfFor: string | undefined;
}

/** Reads the inputs and plans each object. Throws UsageError, InputError or FormatError. */
export async function runPrepare(request: PrepareRequest): Promise<Plan[]> {
  const { target: kernel, module, name, kconfig } = request;
  checkStandardInput("prepare", [kernel, kconfig, ...module, ...request.object]);
  if (kernel === undefined && module.length > 0) throw new UsageError("prepare: --module needs --target BTF");
  const features = featuresOf("prepare", request.btfFor);
  const { objects } = readObjects(request.object);
  if (name !== undefined && objects.length > 1) {
    throw new UsageError(`prepare: --name is one object's, but there are ${objects.length}`);
  }
  const target = kernel === undefined ? null : (await readTarget(kernel, module)).target;
  const index = target === null ? null : indexCandidates(target);
  const options: PrepareOptions = {
    ...(name === undefined ? {} : { name }),
    ...(kconfig === undefined ? {} : { kconfig: new TextDecoder().decode(readInput(kconfig)) }),
    ...(features === undefined ? {} : { features }),
  };
  return objects.map((object) => {
    if (target !== null && object.littleEndian !== (byteOrderOf(target) === "little")) {
      const reason = `is of another byte order than the target, which is ${byteOrderOf(target)}-endian`;
      throw new InputError(object.source, reason);
    }
    return prepare(object, index, options);
  });
}

/** What a release of Linux (`5.4`) knows of BTF; undefined for none named. Throws UsageError. */
export function featuresOf(command: string, release: string | undefined): BtfFeatures | undefined {
  if (release === undefined) return undefined;
  const match = /^(\d+)\.(\d+)(?:[.-].*)?$/.exec(release);
  if (match === null) throw new UsageError(`${command}: --btf-for ${release}: not a release like 5.4`);
  return btfFeatures(Number(match[1]), Number(match[2]));
}
