import { prove, resolveFull } from "../../lib/verify/prove.ts";
import { readBtf } from "../btf-input.ts";
import type { Args } from "../command.ts";
import type { verify as command } from "../commands/verify.ts";
import { RunError } from "../errors.ts";
import { ruleSetsOf } from "../minimize-run.ts";
import { readObjects } from "../object-input.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { checkStandardInput, readTarget } from "../target-input.ts";
import { reportVerify, verifyText } from "../verify-report.ts";

/** Compares what relocations come to on small BTF and on full BTF. */
export async function verify(args: Args<typeof command>): Promise<Outcome> {
  const { level, small, full } = args;
  if (level !== undefined && level !== "replay") throw new RunError(`verify: level ${level} is not built yet`);
  const smallModules = args["small-module"];
  checkStandardInput("verify", [small, full, ...args.object, ...args["full-module"], ...smallModules]);
  const inputs = readObjects(args.object);
  const { target } = await readTarget(full, args["full-module"]);
  const base = await readBtf(small);
  const modules = await Promise.all(smallModules.map(readBtf));
  const side = resolveFull(target, inputs.objects, ruleSetsOf(args.loader));
  const proof = prove(inputs.objects, side, [base, ...modules]);
  const report = reportVerify(
    proof,
    side,
    inputs,
    [base, ...modules].map(({ source }) => source),
  );
  return { exitCode: proof.holds ? EXIT_FINE : EXIT_FINDING, json: report, text: () => verifyText(report) };
}
