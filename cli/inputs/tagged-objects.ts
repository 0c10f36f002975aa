import { parseObjectArgument, tagFor } from "../../corpus/batch/object-tag.ts";
import type { CompatObject } from "../../corpus/compat/assess.ts";
import { readObjects } from "./object-input.ts";

/** Reads an `--object` argument, `ARCH=PATH` or a path, with what says for which kernels it is. Throws InputError, FormatError. */
export function readTagged(argument: string): CompatObject[] {
  const { path, tag } = parseObjectArgument(argument);
  return readObjects([path]).objects.map((object) => ({ object, tag: tagFor(tag, object.source) }));
}
