import type { Args } from "../command.ts";
import type { verify as command } from "../commands/verify.ts";
import { nameOfInput } from "../inputs/input.ts";
import { EXIT_COULD_NOT_RUN, EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { hasFinding, reportVerify, verifyText } from "../verify/report.ts";
import { runVerify } from "../verify/run.ts";

/** Compares what objects come to on small BTF and on full BTF, as far as asked. */
export async function verify(args: Args<typeof command>): Promise<Outcome> {
  const { findings, isNamed, isSwapped } = await runVerify({
    small: args.small,
    full: args.full,
    objects: args.object,
    fullModules: args["full-module"],
    smallModules: args["small-module"],
    loaders: args.loader,
    level: args.level,
    kernel: args.kernel,
    timeout: args.timeout,
  });
  const report = reportVerify(findings);
  const { noFurther } = report;
  const cannot = isNamed && noFurther !== null && !noFurther.failed;
  return {
    exitCode: hasFinding(report) ? EXIT_FINDING : cannot ? EXIT_COULD_NOT_RUN : EXIT_FINE,
    json: report,
    text: () => verifyText(report, args.verbose),
    notes: [
      ...(isSwapped
        ? [`warning: ${nameOfInput(args.small)} has more types than the full BTF: is each given for the other?`]
        : []),
      ...(cannot ? [`verify: level ${noFurther.level} cannot run: ${noFurther.reason}`] : []),
    ],
  };
}
