import { batch } from "./batch.ts";
import { bundle } from "./bundle.ts";
import { compat } from "./compat.ts";
import { completion } from "./completion.ts";
import { diff } from "./diff.ts";
import { dump } from "./dump.ts";
import { extract } from "./extract.ts";
import { lint } from "./lint.ts";
import { loader } from "./loader.ts";
import { minCoreBtf } from "./min-core-btf.ts";
import { minimize } from "./minimize.ts";
import { model } from "./model.ts";
import { prepare } from "./prepare.ts";
import { relocate } from "./relocate.ts";
import { relocs } from "./relocs.ts";
import { runLoader } from "./run-loader.ts";
import { select } from "./select.ts";
import { verify } from "./verify.ts";
import { worker } from "./worker.ts";

/** Every command's data, in the order the help lists them. */
export const COMMANDS = [
  minimize,
  minCoreBtf,
  verify,
  relocs,
  model,
  relocate,
  prepare,
  loader,
  runLoader,
  dump,
  lint,
  extract,
  batch,
  bundle,
  select,
  worker,
  compat,
  diff,
  completion,
] as const;
