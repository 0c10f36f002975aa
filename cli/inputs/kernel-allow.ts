import { type KernelIdentity, kernelKey } from "../../corpus/kernel.ts";
import { InputError } from "../errors.ts";
import { globFilter } from "../glob.ts";
import { excerpt } from "../table.ts";
import { type AllowRule, parseAllowList } from "./allow-list.ts";

/** A rule of an allow-list, perhaps for some kernels alone. */
export interface KernelRule extends AllowRule {
  /** The pattern for kernels; null where it is for all. */
  readonly kernels: string | null;
  /** True for kernels that it speaks of. */
  readonly covers: (identity: KernelIdentity) => boolean;
}

/** `[debian/11/*] rest`, `[5.10.*] rest`. */
const KERNEL_PART = /^\s*\[([^\]]*)\]\s*/;

/**
 * Parses an allow-list as minimize has it, where a rule may begin with a kernel in brackets, `[GLOB] object:program:path`:
 * a pattern for `ID/VERSION_ID/ARCH/RELEASE` or for the release. Throws InputError with the line's number.
 */
export function parseKernelAllowList(text: string, source: string): KernelRule[] {
  const kernels = new Map<number, string>();
  const rest = text.split("\n").map((line, i) => {
    const match = KERNEL_PART.exec(line);
    if (match === null) return line;
    const pattern = (match[1] ?? "").trim();
    const rule = line.slice(match[0].length);
    if (pattern === "" || rule.trim() === "" || rule.startsWith("#")) {
      throw new InputError(
        `${source}:${i + 1}`,
        `"${excerpt(line.trim())}" is no rule; it should be [kernel] object:program:path[:kind]`,
      );
    }
    kernels.set(i + 1, pattern);
    return rule;
  });
  return parseAllowList(rest.join("\n"), source).map((rule): KernelRule => {
    const pattern = kernels.get(rule.line) ?? null;
    if (pattern === null) return { ...rule, kernels: null, covers: () => true };
    const matches = globFilter([pattern]);
    const covers = (identity: KernelIdentity) => matches(kernelKey(identity)) || matches(identity.release ?? "");
    return { ...rule, text: `[${pattern}] ${rule.text}`, kernels: pattern, covers };
  });
}
