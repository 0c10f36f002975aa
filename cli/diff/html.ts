import { labelOf, labelText } from "../../corpus/compat/group.ts";
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
  return { ...history, kernels: history.kernels.map(pageKernel), runs };
}

/** Above a lane there is room for what tells a kernel from its neighbours alone. */
function pageKernel(kernel: HistoryKernel): PageKernel {
  const { id, versionId, arch, release } = kernel;
  if (release === null) return { name: kernelText(kernel), group: "" };
  const { version, flavour } = splitRelease(release);
  const shared = labelText(labelOf([{ id, versionId, arch, release: null }]), "");
  return { name: version, group: [shared, flavour].filter((word) => word !== "").join(" ") };
}

/** `6.1.0-47-amd64.btf to 6.1.0-56-amd64.btf`: what a page of two kernels is called. */
export function stepTitle({ old, new: next }: { readonly old: Named; readonly new: Named }): string {
  return `${kernelName(old.source)} to ${kernelName(next.source)}`;
}

interface Named {
  readonly source: string;
}
