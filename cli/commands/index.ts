import { completion } from "./completion.ts";
import { dump } from "./dump.ts";
import { lint } from "./lint.ts";
import { relocs } from "./relocs.ts";

/** Every command's data, in the order the help lists them. */
export const COMMANDS = [relocs, dump, lint, completion] as const;
