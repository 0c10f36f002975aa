import type { KernelReport } from "./native-report.ts";

/**
 * A line for each program that was loaded, as the kernel counts it: its ids, load by load, are what audit records
 * (AUDIT_BPF) have as `prog-id=`.
 */
export function loadedLines({ programs }: KernelReport): string[] {
  return programs.flatMap(({ object, program, loaded }) =>
    (["full", "small"] as const).flatMap((side) => {
      const load = loaded[side];
      if (load === null) return [];
      const { ids, tag, verifiedInstructions } = load;
      const verified = verifiedInstructions === 0 ? "" : `, ${verifiedInstructions} instructions verified`;
      return `${object}: ${program}: loaded with ${side} BTF: prog-id ${ids.join(", ")}; tag ${tag}${verified}`;
    }),
  );
}
