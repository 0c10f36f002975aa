/** The rule set `kernel` against the running kernel: programs are loaded with their relocations, for it to resolve. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { INT_SIGNED, KIND_ENUM64, KIND_FUNC, KIND_FUNC_PROTO, KIND_PTR, KIND_STRUCT } from "../../lib/btf/format.ts";
import { enumeratorName, memberName, memberType } from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, kindOf, sizeOf, vlenOf } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_EXISTS,
  RELO_TYPE_EXISTS,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { KERNEL_RULES, LIBBPF_RULES, type MatchRules } from "../../lib/core/rules.ts";
import { typesByName } from "../../lib/core/type-names.ts";
import { info, int, type Row } from "../btf/records.ts";
import { enum64, enumOf, struct } from "../core/case.ts";
import { buildObject, EXIT, MOV_K, type ObjectParts, type Program } from "../core/object-builder.ts";
import { askKernel, type KernelAnswer } from "./kernel-resolve.ts";
import { describeOracle } from "./requirements.ts";

const HOST_BTF = "/sys/kernel/btf/vmlinux";
const INT = 1;
const POINTER = 2;
const FUNCTION = 4;
const ROOT = 5;
const BASE: readonly Row[] = [
  int("int", 4, INT_SIGNED),
  ["", info(KIND_PTR), 0],
  ["", info(KIND_FUNC_PROTO), INT],
  ["asked", info(KIND_FUNC, 1), 3],
];

/** A question: relocation kind, access string, and the value that the instruction has before. */
type Question = readonly [kind: number, access: string, imm: number];

/** Programs about one root type, each of which returns what its last question is answered. */
function asking(root: Row, programs: readonly (readonly Question[])[]): ObjectParts {
  return {
    rows: [...BASE, root],
    programs: programs.map(
      (questions, i): Program => ({
        name: `asked${i}`,
        section: `socket/${i}`,
        insns: [...questions.map(([, , imm]) => ({ ...MOV_K, imm })), EXIT],
        relos: questions.map(([kind, access], insn) => ({ kind, typeId: ROOT, access, insn })),
      }),
    ),
  };
}

/** What a rule set says of each program, in the kernel's words. */
function expected(parts: ObjectParts, target: Btf, rules: MatchRules): KernelAnswer[] {
  const object = buildObject(parts);
  const records = resolveObject(object, indexCandidates(target), { rules });
  return object.programs.map((_, i) => {
    const own = records.filter(({ relocation }) => relocation.program === i);
    const refused = own.find(({ status }) => status === "ambiguous" || status === "poisoned");
    if (refused !== undefined) return refused.status;
    return Number((own.at(-1) as ReloRecord).value?.value);
  });
}

/** Names of a struct's members that are pointers. */
function pointersOf(btf: Btf, id: number): string[] {
  return Array.from({ length: vlenOf(btf, id) }, (_, i) => i)
    .filter((i) => kindOf(btf, skipModifiersAndTypedefs(btf, memberType(btf, id, i))) === KIND_PTR)
    .map((i) => stringAt(btf.strings, memberName(btf, id, i)));
}

/** Structs that share a name and differ in size, as local types with a pointer that only one of them has. */
function twins(btf: Btf): Row[] {
  const structs = [...btf.roots].filter((id) => kindOf(btf, id) === KIND_STRUCT);
  const byName = typesByName(btf, new Set(structs.map((id) => nameOf(btf, id))));
  return [...byName].flatMap(([name, all]) => {
    const ids = all.filter((id) => kindOf(btf, id) === KIND_STRUCT);
    if (new Set(ids.map((id) => sizeOf(btf, id))).size < 2) return [];
    const members = ids.flatMap((id) => pointersOf(btf, id));
    const own = members.find((member) => members.filter((other) => other === member).length === 1);
    return own === undefined ? [] : [struct(name, [[own, POINTER, 0]])];
  });
}

describeOracle("the kernel's own resolution", ["bpf"], () => {
  const host = existsSync(HOST_BTF) ? parseBtf(readFileSync(HOST_BTF), { source: HOST_BTF }) : null;

  it("has every candidate for every relocation, whatever an earlier one of its type came to", async ({ skip }) => {
    const roots = host === null ? [] : twins(host);
    if (host === null || roots.length === 0) return skip("this kernel has no two structs of one name to tell apart");
    const own: Question = [RELO_FIELD_BYTE_OFFSET, "0:0", 0];
    const size: Question = [RELO_TYPE_SIZE, "0", 64];
    for (const root of roots) {
      const parts = asking(root, [[own], [own, size], [[RELO_FIELD_EXISTS, "0:0", 1]]]);
      const answers = await askKernel(parts, FUNCTION);
      expect(answers, String(root[0])).toEqual(expected(parts, host, KERNEL_RULES));
      expect(answers[1]).toBe("ambiguous");
      expect(expected(parts, host, LIBBPF_RULES)[1], String(root[0])).toEqual(expect.any(Number));
    }
  });

  // The kernel remembers candidates by name alone, so each name is asked for as one kind.
  it("takes an enum of 64 bits for no candidate of one of 32", async ({ skip }) => {
    const names = (host === null ? [] : [...host.roots]).flatMap((id) =>
      kindOf(host as Btf, id) === KIND_ENUM64
        ? [{ name: nameOf(host as Btf, id), first: enumeratorName(host as Btf, id, 0) }]
        : [],
    );
    if (host === null || names.length < 2) return skip("this kernel has too few enums of 64 bits");
    for (const [i, { name, first }] of names.entries()) {
      const isWide = i % 2 === 1;
      const enumerators = [[stringAt(host.strings, first), 1]] as const;
      const parts = asking(isWide ? enum64(name, enumerators) : enumOf(name, enumerators), [
        [[RELO_ENUMVAL_EXISTS, "0", 1]],
        [[RELO_TYPE_EXISTS, "0", 1]],
        [[RELO_FIELD_EXISTS, "0", 1]],
        ...(isWide ? [] : [[[RELO_ENUMVAL_VALUE, "0", 1]] as const]),
      ]);
      const answers = await askKernel(parts, FUNCTION);
      expect(answers, name).toEqual(expected(parts, host, KERNEL_RULES));
      expect(answers).toEqual(isWide ? [1, 1, 1] : [0, 0, 0, "poisoned"]);
    }
  });
});
