import type { Command, Handler } from "../command.ts";
import type { COMMANDS } from "../commands/index.ts";
import type { Outcome } from "../outcome.ts";

type Known = (typeof COMMANDS)[number];

/** How to get at each command's code: imported when the command runs, not before. A command without one is a type error. */
const HANDLERS: { readonly [C in Known as C["name"]]: () => Promise<Handler<C>> } = {
  minimize: async () => (await import("./minimize.ts")).minimize,
  min_core_btf: async () => (await import("./min-core-btf.ts")).minCoreBtf,
  verify: async () => (await import("./verify.ts")).verify,
  prepare: async () => (await import("./prepare.ts")).prepare,
  relocate: async () => (await import("./relocate.ts")).relocate,
  loader: async () => (await import("./loader.ts")).loader,
  "run-loader": async () => (await import("./run-loader.ts")).runLoader,
  relocs: async () => (await import("./relocs.ts")).relocs,
  model: async () => (await import("./model.ts")).model,
  dump: async () => (await import("./dump.ts")).dump,
  lint: async () => (await import("./lint.ts")).lint,
  extract: async () => (await import("./extract.ts")).extract,
  batch: async () => (await import("./batch.ts")).batch,
  bundle: async () => (await import("./bundle.ts")).bundle,
  select: async () => (await import("./select.ts")).select,
  worker: async () => (await import("./worker.ts")).worker,
  compat: async () => (await import("./compat.ts")).compat,
  diff: async () => (await import("./diff.ts")).diff,
  completion: async () => (await import("./completion.ts")).completion,
};

/** Loads the code of a command. Its arguments must have been filled from the same command's data, hence `never`. */
export function loadHandler(command: Command): Promise<(args: never) => Outcome | Promise<Outcome>> {
  return HANDLERS[command.name as Known["name"]]();
}
