import { indexCandidates } from "../../lib/core/candidates.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { UsageError } from "../errors.ts";
import { requireByteOrder } from "../inputs/byte-order.ts";
import { readObjects } from "../inputs/object-input.ts";
import { planOptions } from "../inputs/plan-input.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";

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
  const options = planOptions("prepare", request);
  const { objects } = readObjects(request.object, kernel === undefined);
  if (name !== undefined && objects.length > 1) {
    throw new UsageError(`prepare: --name is one object's, but there are ${objects.length}`);
  }
  const target = kernel === undefined ? null : (await readTarget(kernel, module)).target;
  const index = target === null ? null : indexCandidates(target);
  return objects.map((object) => {
    if (target !== null) requireByteOrder(object, target);
    return prepare(object, index, options);
  });
}
