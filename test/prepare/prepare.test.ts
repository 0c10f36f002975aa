import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import * as make from "../btf/builder.ts";
import { attached } from "../core/target-scene.ts";

const FUNCTION = 3;
const kernel: CandidateIndex = indexCandidates(
  parseBtf(make.btf([make.int("int", 4), make.proto(1, []), make.func("f", 2)]), { source: "vmlinux" }),
);

it.each<[string, string | null, number | null]>([
  ["fentry/f", null, FUNCTION],
  ["fentry/vmlinux:f", "vmlinux", FUNCTION],
  // libbpf compares as many letters as there are.
  ["fentry/vm:f", "vm", FUNCTION],
  // A module's function has no id in the kernel's own BTF, whatever is called so there.
  ["fentry/veth:f", "veth", null],
  ["fentry/vmlinux2:f", "vmlinux2", null],
  ["fentry/g", null, null],
])("the target of %s is in %s and has the id %s", (section, module, typeId) => {
  const plan = prepare(attached([section]), kernel);
  expect(plan.programs[0]?.attachTarget).toMatchObject({ kind: "fentry", module, typeId });
});
