import { type LackedSection, lackedSection } from "../../lib/core/lacked-section.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { lackingNotes, lackingObjects } from "../objects/lacking.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { counted, formatTable, grouped } from "../table.ts";
import { passedOverNotes } from "./outcome.ts";
import type { PreparedBatch } from "./run.ts";

/** The document of `btfgen batch --plan --json`; docs/FORMATS.md has it in words. */
export interface PlanReport {
  /** SHA-256 over names and sizes of the whole corpus. */
  readonly plan: string;
  /** `3/20`; null for a whole run. */
  readonly shard: string | null;
  /** Of all shards together. */
  readonly corpus: { readonly files: number; readonly bytes: number };
  /** In the order of results. */
  readonly jobs: readonly { readonly file: string; readonly path: string; readonly bytes: number }[];
  readonly objects: readonly PlannedObject[];
  /** SHA-256 over objects, options and program: with it, and a file's content, results are kept. */
  readonly setup: string;
  readonly problems: readonly { readonly file: string; readonly reason: string }[];
  /** Bundles in the corpus. */
  readonly passedOver: readonly { readonly file: string; readonly reason: string }[];
}

interface PlannedObject {
  readonly name: string;
  readonly byteOrder: "little" | "big";
  /** Architectures of the kernels it is for; null for all. */
  readonly arches: readonly string[] | null;
  readonly relocations: number;
  readonly lacks: LackedSection | null;
}

/** What `--plan` shows: nothing is run or written. */
export function planOutcome(prepared: PreparedBatch): Outcome {
  const report = reportPlan(prepared);
  return {
    exitCode: report.problems.length === 0 ? EXIT_FINE : EXIT_FINDING,
    json: report,
    text: () => planText(report),
    notes: [
      ...passedOverNotes(prepared),
      ...report.problems.map(({ file, reason }) => `${file}: ${reason}`),
      ...lackingNotes(lackingObjects(report.objects), false),
    ],
  };
}

function reportPlan({ plan, setup, objects, problems, passedOver }: PreparedBatch): PlanReport {
  const { shard } = plan;
  return {
    plan: plan.digest,
    shard: shard === null ? null : `${shard.index + 1}/${shard.count}`,
    corpus: { files: plan.filesTotal, bytes: plan.bytesTotal },
    jobs: plan.jobs.map(({ name, path, size }) => ({ file: name, path, bytes: size })),
    objects: setup.objects.map(({ name, littleEndian, tag }, i) => ({
      name,
      byteOrder: littleEndian ? "little" : "big",
      arches: tag?.arches ?? null,
      relocations: (objects[i] as BpfObject).relocations.length,
      lacks: lackedSection(objects[i] as BpfObject),
    })),
    setup: setup.digest,
    problems: problems.map(({ origin, reason }) => ({ file: origin, reason })),
    passedOver: passedOver.map(({ origin, reason }) => ({ file: origin, reason })),
  };
}

function planText({ jobs, objects, shard, corpus, plan }: PlanReport): string {
  const files = formatTable(
    ["FILE", "BYTES"],
    jobs.map(({ file, bytes }) => [file, grouped(bytes)]),
    new Set(["BYTES"]),
  );
  const rows = objects.map(({ name, byteOrder, arches, relocations }) => [
    byteOrder,
    arches === null ? "any" : arches.join(","),
    grouped(relocations),
    name,
  ]);
  const table = formatTable(["ORDER", "ARCH", "RELOCATIONS", "OBJECT"], rows, new Set(["RELOCATIONS"]));
  const bytes = jobs.reduce((sum, job) => sum + job.bytes, 0);
  const of = shard === null ? "" : `, shard ${shard} of ${counted(corpus.files, "file")}`;
  return `${files}\n${table}\n${counted(jobs.length, "file")}, ${grouped(bytes)} bytes${of}; corpus ${plan.slice(0, 16)}\n`;
}
