import { defineCommand } from "../command.ts";

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
    timeout: { type: "number", value: "SECONDS", describe: "Give a file up after that long" },
    cache: { type: "string", value: "DIR", describe: "Keep results there ($XDG_CACHE_HOME/btfgen/batch)" },
    "no-cache": { type: "boolean", describe: "Neither look for kept results nor keep them" },
  },
  examples: [{ line: "worker --queue redis://queue.internal:6379 --jobs 8", describe: "eight files at once" }],
});
