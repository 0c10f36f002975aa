import { expect, it } from "vitest";
import { runCompat } from "../../../corpus/compat/run.ts";

it("takes any number of problems from one file", async () => {
  const problems = Array.from({ length: 200_000 }, (_, i) => ({ origin: `x.tar!${i}`, reason: "is empty" }));
  const assessor = { slots: 1, run: async () => ({ kernels: [], passedOver: false, problems }) };
  const task = { path: "x.tar", name: "x.tar", size: 1, isNamed: true };
  const query = { objects: [], rules: "libbpf" as const, byProgram: false };
  const { matrix } = await runCompat([task], assessor, query, { reasonOf: String });
  expect(matrix.unreadable).toHaveLength(problems.length);
});
