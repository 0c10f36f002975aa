import { existsSync } from "node:fs";
import { ARCHITECTURE_NAMES } from "../../corpus/arch.ts";
import { type ObjectArgument, parseObjectArgument, tagFor } from "../../corpus/batch/object-tag.ts";
import type { CompatObject } from "../../corpus/compat/assess.ts";
import { choiceHint } from "../choice.ts";
import { InputError } from "../errors.ts";
import { readObjects } from "./object-input.ts";

/** Splits an `--object` argument, `ARCH=PATH` or a path. Throws InputError for a path behind what is no architecture. */
export function objectArgument(argument: string): ObjectArgument {
  const parsed = parseObjectArgument(argument);
  const [, word = "", path = ""] = /^([^=/]+)=(.+)$/.exec(argument) ?? [];
  if (parsed.tag !== null || path === "" || existsSync(argument) || !existsSync(path)) return parsed;
  throw new InputError(argument, `${word} is no architecture`, choiceHint(word, ARCHITECTURE_NAMES));
}

/** The paths of `--object` arguments. Throws as objectArgument does. */
export function objectPaths(objects: readonly string[]): string[] {
  return objects.map((object) => objectArgument(object).path);
}

/** Reads an `--object` argument, with what says for which kernels it is. Throws InputError, FormatError. */
export function readTagged(argument: string): CompatObject[] {
  const { path, tag } = objectArgument(argument);
  return readObjects([path]).objects.map((object) => ({ object, tag: tagFor(tag, object.source) }));
}
