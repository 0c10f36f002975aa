import { relocateDistilled } from "../../lib/btf/distilled.ts";
import type { LintFinding } from "../../lib/btf/lint-finding.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import type { BtfBlob } from "../inputs/btf-input.ts";

/** The document of `btfgen lint --json`; docs/FORMATS.md has it in words. */
export interface LintReport {
  readonly source: string;
  /** Size of the blob that was checked. */
  readonly bytes: number;
  readonly errors: number;
  readonly warnings: number;
  /** In the order header, records, graph, waste. */
  readonly findings: readonly LintFinding[];
}

/**
 * What to check of a file, and behind which base. A module that brings a distilled base is checked on that one, or put
 * on the real base first where one is given, as the kernel does before it checks.
 */
export function lintTarget(blob: BtfBlob, base: Btf | undefined): { bytes: Uint8Array; base: Btf | undefined } {
  const { bytes, distilledBase, source } = blob;
  if (distilledBase === undefined) return { bytes, base };
  if (base === undefined) return { bytes, base: parseBtf(distilledBase, { source: `${source} .BTF.base` }) };
  return { bytes: relocateDistilled(bytes, distilledBase, base, source), base };
}
