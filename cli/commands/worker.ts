import { defineCommand } from "../command.ts";
import { WORK_OPTIONS } from "./corpus-options.ts";

/** `btfgen worker --queue URL`. */
export const worker = defineCommand({
  name: "worker",
  summary: "Do the work of batch --queue, until stopped",
  description:
    "Takes files from a queue, minimizes the kernels in them and hands the proved results back. It must see the corpus " +
    "under the paths that batch was given, and be of the same version. A worker that is killed loses nothing: its file " +
    "is given to another. Needs the packages bullmq and ioredis beside btfgen, and a Redis server.",
  positionals: [],
  options: {
    queue: { type: "string", required: true, value: "redis://...", describe: "Where batch --queue puts the work" },
    jobs: { type: "number", alias: "j", value: "N", describe: "Files at once (all cores)" },
    ...WORK_OPTIONS,
  },
  examples: [{ line: "worker --queue redis://queue.internal:6379 --jobs 8", describe: "eight files at once" }],
});
