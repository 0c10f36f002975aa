import { pageHtml } from "../../corpus/compat/html.ts";
import { splitRelease } from "../../corpus/compat/release-order.ts";
import type { TypesDiff } from "../../lib/diff/change.ts";
import type { PageKernel } from "../diff-page/data.ts";
import { packType } from "../diff-page/packed.ts";
import { jsonValue } from "../finish.ts";
import { type HistoryKernel, type HistoryReport, kernelText, runsOf } from "./history-report.ts";
import type { ImpactReport } from "./impact-report.ts";
import { kernelName } from "./impact-words.ts";

/** What a page may show; one of the parts at least. */
export interface DiffHtmlParts {
  readonly title: string;
  readonly types: TypesDiff | null;
  readonly impact: ImpactReport | null;
  readonly history: HistoryReport | null;
}

/** The page of a diff: one file that needs no server and no network. `template` is what the build makes of diff-page. */
export function diffHtml({ title, types, impact, history }: DiffHtmlParts, template: string): Uint8Array {
  const data = {
    title,
    types: types?.types.map(packType) ?? null,
    impact,
    history: history === null ? null : pageHistory(history),
  };
  return pageHtml(JSON.stringify(data, jsonValue), template);
}

function pageHistory(history: HistoryReport) {
  const runs = history.rows.map((row) =>
    runsOf(history, row).map(({ label, first, count }) => ({ label, first, count })),
  );
  const isOne = new Set(history.kernels.map(({ id }) => id)).size === 1;
  return { ...history, kernels: history.kernels.map((kernel) => pageKernel(kernel, isOne)), runs };
}

/** Above a lane there is room for what tells a series of kernels from the next alone: of Debian, `x86_64 cloud-amd64`. */
function pageKernel(kernel: HistoryKernel, isOneDistribution: boolean): PageKernel {
  const { id, arch, release } = kernel;
  if (release === null) return { name: kernelText(kernel), group: "" };
  const { version, flavour } = splitRelease(release);
  const words = [isOneDistribution ? null : id, arch, flavour === arch ? null : flavour];
  return { name: version, group: words.filter((word) => word !== null && word !== "").join(" ") };
}

/** `6.1.0-47-amd64.btf to 6.1.0-56-amd64.btf`: what a page of two kernels is called. */
export function stepTitle({ old, new: next }: { readonly old: Named; readonly new: Named }): string {
  return `${kernelName(old.source)} to ${kernelName(next.source)}`;
}

interface Named {
  readonly source: string;
}
