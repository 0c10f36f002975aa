/** What libbpf and the kernel make of several relocations of one type: where the two differ, and where they do not. */
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import {
  RELO_ENUMVAL_EXISTS as ENUM_EXISTS,
  RELO_FIELD_EXISTS as EXISTS,
  RELO_FIELD_BYTE_OFFSET as OFFSET,
  RELO_TYPE_EXISTS as TYPE_EXISTS,
  RELO_ENUMVAL_VALUE as VALUE,
} from "../../lib/core/relo-kind.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { resolveSets } from "../../lib/core/resolve-sets.ts";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import type { Row } from "../btf/records.ts";
import { enum64, enumOf, FIRST, INT, sceneObject, sceneTarget, struct, summary } from "./case.ts";
import { buildObject, EXIT, MOV_K, type Relo } from "./object-builder.ts";

type Asked = readonly [kind: number, access: string];

interface Scene {
  readonly name: string;
  readonly local: readonly Row[];
  readonly target: readonly Row[];
  /** All of the first local type, in the order of one program. */
  readonly asked: readonly Asked[];
  readonly libbpf: readonly string[];
  readonly kernel: readonly string[];
}

const X_Y = struct("s", [
  ["x", INT, 0],
  ["y", INT, 32],
]);
const Y = struct("s", [["y", INT, 64]]);
const X: Asked = [OFFSET, "0:0"];
const Y_TOO: Asked = [OFFSET, "0:1"];

const SCENES: readonly Scene[] = [
  {
    name: "a candidate that one relocation does not match is out for later ones, with libbpf alone",
    local: [X_Y],
    target: [X_Y, Y],
    asked: [X, Y_TOO],
    libbpf: ["0", "4"],
    kernel: ["0", "ambiguous"],
  },
  {
    name: "not for earlier ones",
    local: [X_Y],
    target: [X_Y, Y],
    asked: [Y_TOO, X],
    libbpf: ["ambiguous", "0"],
    kernel: ["ambiguous", "0"],
  },
  {
    name: "whatever the question was",
    local: [X_Y],
    target: [Y, X_Y],
    asked: [[EXISTS, "0:0"], Y_TOO, Y_TOO],
    libbpf: ["1", "4", "4"],
    kernel: ["1", "ambiguous", "ambiguous"],
  },
  {
    name: "one that nothing of the kernel matches leaves all in",
    local: [struct("s", [["z", INT, 0]]), X_Y],
    target: [X_Y, Y],
    asked: [[EXISTS, "0:0"], X],
    libbpf: ["absent", "poisoned"],
    kernel: ["absent", "poisoned"],
  },
  {
    name: "candidates that agree",
    local: [X_Y],
    target: [X_Y, X_Y, struct("s", [])],
    asked: [X, Y_TOO],
    libbpf: ["0", "4"],
    kernel: ["0", "4"],
  },
  {
    name: "what one enum lacks and another of 64 bits has",
    local: [
      enumOf("e", [
        ["A", 1],
        ["B", 2],
      ]),
    ],
    target: [enumOf("e", [["A", 7]]), enum64("e", [["B", 8]])],
    asked: [
      [ENUM_EXISTS, "1"],
      [VALUE, "1"],
      [VALUE, "0"],
      [TYPE_EXISTS, "0"],
    ],
    libbpf: ["1", "8", "poisoned", "1"],
    kernel: ["absent", "poisoned", "7", "1"],
  },
];

function sceneOf({ local, target, asked }: Scene) {
  const relos = asked.map(([kind, access], insn): Relo => ({ kind, typeId: FIRST, access, insn }));
  const programs = [{ name: "prog", insns: [...asked.map(() => MOV_K), EXIT], relos }];
  return {
    object: buildObject(sceneObject({ local, programs })),
    index: indexCandidates(parseBtf(sceneTarget({ target }))),
  };
}

describe("several relocations of one type", () => {
  it.each(SCENES)("$name", (scene) => {
    const { object, index } = sceneOf(scene);
    for (const rules of [LIBBPF_RULES, KERNEL_RULES] as const) {
      const said = resolveObject(object, index, { rules }).map(summary);
      expect(said, rules.name).toEqual(rules === LIBBPF_RULES ? scene.libbpf : scene.kernel);
    }
  });

  it.each([
    ["libbpf's first", [LIBBPF_RULES, KERNEL_RULES]],
    ["the kernel's first", [KERNEL_RULES, LIBBPF_RULES]],
  ])("are the same when both rule sets are resolved together: %s", (_, ruleSets) => {
    for (const evidence of [false, true]) {
      for (const scene of SCENES) {
        const { object, index } = sceneOf(scene);
        const alone = ruleSets.map((rules) => resolveObject(object, index, { rules, evidence }));
        const together = resolveSets([object], index, ruleSets, evidence);
        expect(together.map(({ records }) => records)).toEqual(alone);
      }
    }
  });
});
