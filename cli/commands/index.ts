import { completion } from "./completion.ts";

/** Every command's data, in the order the help lists them. */
export const COMMANDS = [completion] as const;
