import { kernelKey } from "../../corpus/kernel.ts";
import { missingOptions } from "../../corpus/source/identity.ts";
import { NO_KERNEL } from "../../corpus/source/item.ts";
import { EXIT_BAD_INPUT, EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { formatTable, printable } from "../table.ts";
import type { Extracted } from "./run.ts";

/** What `extract` says: a line a kernel, problems as remarks. Nothing written is bad input, a part of it a finding. */
export function extractOutcome(extracted: Extracted, sources: readonly string[]): Outcome {
  const { files, problems, passedOver } = extracted;
  const isEmpty = files.length === 0;
  const notes = problems.map(({ origin, problem }) => `${printable(origin)}: ${problem}`);
  if (isEmpty && problems.length === 0) notes.push(`${sources.join(", ")}: ${NO_KERNEL}`);
  if (passedOver > 0) notes.push(`${passedOver} ${passedOver === 1 ? "file" : "files"} without a kernel passed over`);
  const unknown = new Set(files.flatMap(({ identity }) => missingOptions(identity)));
  if (unknown.size > 0)
    notes.push(`not all is known of each kernel; what is can be said by ${[...unknown].join(", ")}`);
  return {
    exitCode: isEmpty ? EXIT_BAD_INPUT : problems.length > 0 ? EXIT_FINDING : EXIT_FINE,
    json: { files, problems, passedOver },
    text: () => text(extracted),
    notes,
  };
}

function text({ files }: Extracted): string {
  if (files.length === 0) return "";
  const rows = files.map(({ file, identity, bytes, modules }) => [
    file,
    kernelKey(identity),
    bytes.toLocaleString("en-US"),
    String(modules),
  ]);
  return formatTable(["file", "kernel", "bytes", "modules"], rows, new Set(["bytes", "modules"]));
}
