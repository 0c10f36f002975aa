/** Options of commands that go through many kernels. */
export const MAX_SIZE_OPTION = {
  "max-size": { type: "number", value: "MIB", describe: "Refuse what unpacks to more (1024)" },
} as const;

/** What works for a batch, in its own process or another. */
export const WORK_OPTIONS = {
  timeout: { type: "number", value: "SECONDS", describe: "Give a file up after that long" },
  cache: { type: "string", value: "DIR", describe: "Keep results there ($XDG_CACHE_HOME/btfgen/batch)" },
  "no-cache": { type: "boolean", describe: "Neither look for kept results nor keep them" },
} as const;
