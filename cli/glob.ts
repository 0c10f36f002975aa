/**
 * A test for whole names: `*` stands for any run of characters, `?` for one, everything else for itself. No patterns
 * at all accept every name.
 */
export function globFilter(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => true;
  const expressions = patterns.map((pattern) => {
    // Runs of stars are one star, so that a pattern cannot make the search explode.
    const parts = pattern.replace(/\*+/g, "*").split(/([*?])/);
    const source = parts.map((part) => (part === "*" ? ".*" : part === "?" ? "." : escaped(part))).join("");
    return new RegExp(`^${source}$`, "su");
  });
  return (name) => expressions.some((expression) => expression.test(name));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
