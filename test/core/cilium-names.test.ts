import { describe, expect, it } from "vitest";
import { KIND_DECL_TAG, KIND_FUNC, KIND_STRUCT, KIND_UNION } from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { findCiliumCandidates } from "../../lib/core/cilium-names.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { CILIUM_RULES } from "../../lib/core/rules.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import { buildObject, EXIT, MOV_K } from "./object-builder.ts";

const struct = (name: string): Row => [name, info(KIND_STRUCT), 4];
const union = (name: string): Row => [name, info(KIND_UNION), 8];
const ROOT = 2;
const LONG = "a".repeat(40);

describe("findCiliumCandidates", () => {
  const base = parseBtf(
    blob([
      int("s", 4),
      struct("s"),
      union("s___flavour"),
      struct("s____"),
      struct("s___"),
      ["", info(13, 0), 0],
      ["s", info(KIND_FUNC), 6],
      ["s", info(KIND_DECL_TAG), 2, 0xffffffff],
      struct("___x"),
      struct(`${LONG}____b`),
    ]),
  );
  const index = indexCandidates(base);
  it.each([
    ["of every kind, flavours aside, but no tag and no function", struct("s"), [1, 2, 3, 5]],
    ["of a flavour", struct("s___mine"), [1, 2, 3, 5]],
    ["with the one underscore that is left of four", struct("s____mine"), [4]],
    ["where that is how the local name ends", struct("s_"), [4]],
    ["a mark at the beginning is none", struct("___x"), [9]],
    ["names that differ far behind", struct(`${LONG}_`), [10]],
    ["none of such a name", struct(LONG), []],
    ["none without a name", struct(""), []],
  ] as [string, Row, number[]][])("%s", (_, row, expected) => {
    expect(findCiliumCandidates(index, parseBtf(blob([int("int", 4), row])), ROOT)).toEqual(expected);
  });

  it("functions where the root is one", () => {
    const local = parseBtf(
      blob([
        ["", info(13, 0), 0],
        ["s", info(KIND_FUNC), 1],
      ]),
    );
    expect(findCiliumCandidates(index, local, ROOT)).toEqual([1, 2, 3, 5, 7]);
  });
});

describe("modules", () => {
  const base = parseBtf(blob([int("int", 4), struct("both")]));
  const module = (...types: Row[]) => ({ source: "module", bytes: blob(types, { base }) });
  const index = indexCandidates(parseModules(base, [module(union("both"), struct("own")), module(struct("both"))]));

  it("are looked at whatever the base has", () => {
    const local = parseBtf(blob([int("int", 4), struct("both")]));
    expect(findCiliumCandidates(index, local, ROOT)).toEqual([2, 3, 5]);
  });

  it.each([
    ["the base's own have an id to ask for", "both", "resolved"],
    ["a module's do not", "own", "poisoned"],
  ])("%s", (_, name, status) => {
    const relos = [{ kind: RELO_TYPE_ID_TARGET, typeId: ROOT, access: "0" }];
    const programs = [{ name: "prog", insns: [MOV_K, EXIT], relos }];
    const object = buildObject({ rows: [int("int", 4), struct(name)], programs });
    expect(resolveObject(object, index, { rules: CILIUM_RULES })[0]?.status).toBe(status);
  });
});
