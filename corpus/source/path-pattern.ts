import { ARCHITECTURE_NAMES, knownArch } from "../arch.ts";
import type { KernelIdentity } from "../kernel.ts";
import { withoutBtfSuffix } from "./identity.ts";

/** The parts of an identity by their names in a pattern. */
const FIELDS = { id: "id", version_id: "versionId", arch: "arch", release: "release" } as const;
type FieldWord = keyof typeof FIELDS;

const WORDS = Object.keys(FIELDS).map((word) => `{${word}}`);
const PIECE = /\{([^{}]*)\}|\*|[^{*]+|\{/g;
const SPECIAL = /[\\^$.*+?()[\]{}|]/g;
/** A longer pattern is a mistake, and would be slow to match. */
const MOST_CHARACTERS = 256;

/** How paths tell which kernel a file has, compiled: see parsePathPattern. */
export interface PathPattern {
  readonly text: string;
  readonly expression: RegExp;
}

/** How many parts of a path, from its end, a pattern looks at. */
export function partsOfPattern(text: string): number {
  return text.split("/").length;
}

/**
 * Compiles a pattern for the end of paths, such as `{id}-{version_id}/{release}-{arch}`: `{...}` stands for a part of the
 * identity, each at most once, `*` for anything within one part of the path; `.btf`, `.btf.tar.xz` and the like are left out
 * on both sides. Where it is none, the reason in words.
 */
export function parsePathPattern(text: string): PathPattern | string {
  if (text.length > MOST_CHARACTERS) return `more than ${MOST_CHARACTERS} characters`;
  const seen = new Set<string>();
  let source = "";
  for (const [piece, word] of withoutBtfSuffix(text).matchAll(PIECE)) {
    if (piece === "*") source += "[^/]*";
    else if (piece === "{") return "a { without its }";
    else if (word === undefined) source += piece.replace(SPECIAL, "\\$&");
    else if (!isField(word)) return `{${word}} is none of ${WORDS.join(", ")}`;
    else if (seen.has(word)) return `{${word}} is there twice`;
    else {
      seen.add(word);
      source += `(?<${word}>${word === "arch" ? ANY_ARCH : "[^/]+"})`;
    }
  }
  if (seen.size === 0) return `none of ${WORDS.join(", ")} is in it`;
  return { text, expression: new RegExp(`(?:^|/)${source}$`, "i") };
}

/** What a path says by a pattern; nothing where the pattern does not fit. */
export function identityByPattern({ expression }: PathPattern, path: string): Partial<KernelIdentity> {
  const groups = expression.exec(withoutBtfSuffix(path.replaceAll("\\", "/")))?.groups ?? {};
  return Object.fromEntries(
    Object.entries(groups).map(([word, value]) => {
      return isField(word) ? [FIELDS[word], word === "arch" ? knownArch(value) : value] : [];
    }),
  );
}

function isField(word: string): word is FieldWord {
  return Object.hasOwn(FIELDS, word);
}

/** Longer names first: `x86_64` begins with `x86`. */
const ANY_ARCH = [...ARCHITECTURE_NAMES]
  .sort((a, b) => b.length - a.length)
  .map((name) => name.replace(SPECIAL, "\\$&"))
  .join("|");
