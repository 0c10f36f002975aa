import { describe, expect, it } from "vitest";
import { INT_BOOL, INT_SIGNED, KIND_FUNC } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { kindOf, typeCount } from "../../lib/btf/view.ts";
import { compareModels, passingText, sameModel } from "../../lib/core/compare-models.ts";
import { type FunctionModel, type FunctionModelOptions, functionModel } from "../../lib/core/function-model.ts";
import {
  NEWEST_TRAMPOLINE_RULES,
  TRAMPOLINE_RULES,
  type TrampolineRules,
  trampolineRules,
} from "../../lib/core/trampoline-rules.ts";
import * as make from "../btf/builder.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

const [VOID, INT, UINT, CHAR, BOOL, LONG, INT128, PTR] = [0, 1, 2, 3, 4, 5, 6, 7];
const [ENUM, ENUM64, S8, S16, S17, U8, EMPTY, DOUBLE, FWD, CONST_PTR, TYPEDEF_S16, CONST_VOID, ARRAY] = [
  8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
];
const FIRST_OWN = 21;
const TYPES: readonly make.Row[] = [
  make.int("int", 4, 32, INT_SIGNED),
  make.int("unsigned int", 4),
  make.int("char", 1),
  make.int("_Bool", 1, 8, INT_BOOL),
  make.int("long", 8, 64, INT_SIGNED),
  make.int("__int128", 16, 128, INT_SIGNED),
  make.ptr(S8),
  make.enumOf("colour", 4, { RED: -1 }, 1),
  make.enum64("wide", 8, { FAR: 1n }),
  make.struct("s8", 8),
  make.struct("s16", 16),
  make.struct("s17", 17),
  make.union("u8", 8),
  make.struct("empty", 0),
  make.float("double", 8),
  make.fwd("elsewhere"),
  make.constOf(PTR),
  make.typedef("t16", S16),
  make.constOf(VOID),
  make.array(INT, UINT, 4),
];

function modelOf(returns: number, params: readonly number[], options: FunctionModelOptions = {}): FunctionModel {
  const names = params.map((type, i) => make.param(type === VOID ? "" : `a${i}`, type));
  const bytes = make.btf([...TYPES, make.proto(returns, names), make.func("traced", FIRST_OWN)]);
  const model = functionModel(parseBtf(bytes), FIRST_OWN + 1, options);
  if (model === undefined) throw new Error("a function has a model");
  return model;
}

function rulesOf(release: string): TrampolineRules {
  const rules = trampolineRules(release);
  if (rules === undefined) throw new Error(`there are rules of ${release}`);
  return rules;
}

const codes = (model: FunctionModel) => model.obstacles.map(({ code, argument }) => [code, argument]);
const manyInts = (count: number): number[] => new Array(count).fill(INT);

describe("functionModel", () => {
  it.each<[string, number, string, number | null, number, boolean, string]>([
    ["an int", INT, "integer", 4, 1, true, "int"],
    ["an unsigned int", UINT, "integer", 4, 1, false, "unsigned int"],
    ["a char without a sign", CHAR, "integer", 1, 1, false, "char"],
    ["a bool", BOOL, "integer", 1, 1, false, "_Bool"],
    ["a long", LONG, "integer", 8, 1, true, "long"],
    ["a 128-bit int", INT128, "integer", 16, 2, true, "__int128"],
    ["a pointer", PTR, "pointer", 8, 1, false, "struct s8 *"],
    ["a const pointer", CONST_PTR, "pointer", 8, 1, false, "struct s8 *const"],
    // The kernel looks at integers alone, whatever an enum's kind_flag says.
    ["a signed enum", ENUM, "enum", 4, 1, false, "enum colour"],
    ["an enum64", ENUM64, "enum", 8, 1, false, "enum wide"],
    ["a struct of a word", S8, "struct", 8, 1, false, "struct s8"],
    ["a struct of two words behind a typedef", TYPEDEF_S16, "struct", 16, 2, false, "t16"],
    ["a union", U8, "union", 8, 1, false, "union u8"],
  ])("models %s", (_, type, as, bytes, words, signed, text) => {
    const model = modelOf(VOID, [type]);
    expect(model.args).toEqual([{ name: "a0", type: text, as, bytes, words, signed }]);
    expect(model.obstacles).toEqual([]);
    expect(model.words).toBe(words);
  });

  it.each<[string, number, readonly number[], readonly [string, number | null][]]>([
    ["nothing at all", VOID, [], []],
    ["twelve arguments", INT, manyInts(12), []],
    ["thirteen", INT, manyInts(13), [["too-many-arguments", null]]],
    [
      "twelve and dots, which count",
      INT,
      [...manyInts(12), VOID],
      [
        ["too-many-arguments", null],
        ["variadic", 12],
      ],
    ],
    ["dots", INT, [PTR, VOID], [["variadic", 1]]],
    ["dots alone", INT, [VOID], [["variadic", 0]]],
    ["a void argument that is not the last", VOID, [VOID, INT], [["void-argument", 0]]],
    ["a struct without bytes", VOID, [EMPTY], [["void-argument", 0]]],
    ["a struct of 17 bytes", VOID, [PTR, S17], [["argument-size", 1]]],
    ["a double", VOID, [DOUBLE], [["argument-type", 0]]],
    ["a type that is only declared", VOID, [FWD], [["argument-type", 0]]],
    ["an array", VOID, [ARRAY], [["argument-type", 0]]],
    ["a qualified void", VOID, [CONST_VOID, INT], [["argument-type", 0]]],
    ["a struct returned", S8, [], [["return-type", null]]],
    ["a union returned", U8, [], [["return-type", null]]],
    ["a double returned", DOUBLE, [], [["return-type", null]]],
    ["a qualified void returned", CONST_VOID, [], [["return-type", null]]],
    ["a pointer returned", PTR, [], []],
    ["a 128-bit integer returned", INT128, [], []],
    [
      "several at once, in the kernel's order",
      S8,
      [S17, VOID],
      [
        ["return-type", null],
        ["argument-size", 0],
        ["variadic", 1],
      ],
    ],
  ])("says what is in the way of %s", (_, returns, params, expected) => {
    expect(codes(modelOf(returns, params))).toEqual(expected);
  });

  it.each<[string, string, number, readonly number[], readonly string[]]>([
    ["dots", "5.10", INT, [PTR, VOID], ["variadic"]],
    ["eleven arguments on an old kernel", "5.10", INT, manyInts(11), []],
    ["twelve arguments on an old kernel", "5.18", INT, manyInts(12), ["too-many-arguments"]],
    ["twelve arguments since then", "5.19", INT, manyInts(12), []],
    ["a struct before 6.1", "6.0", VOID, [S8], ["argument-type"]],
    ["a struct since 6.1", "6.1", VOID, [S8], []],
    ["a large struct since 6.1", "6.1", VOID, [S17], ["argument-size"]],
    ["a union before 6.18", "6.17", VOID, [U8], ["argument-type"]],
    ["a union since 6.18", "6.18", VOID, [U8], []],
  ])("follows a release's rules: %s", (_, release, returns, params, expected) => {
    const model = modelOf(returns, params, { rules: rulesOf(release) });
    expect(model.obstacles.map(({ code }) => code)).toEqual(expected);
  });

  it.each<[string, string, readonly number[], readonly string[]]>([
    ["six words", "5.10", manyInts(6), []],
    ["seven words", "6.5", manyInts(7), ["too-many-words"]],
    ["six arguments, one of two words", "6.1", [...manyInts(5), S16], ["too-many-words"]],
    ["seven words on a stack", "6.6", manyInts(7), []],
    ["twelve arguments, one of two words", "6.18", [...manyInts(11), S16], ["too-many-words"]],
  ])("knows what x86_64's code generator takes: %s", (_, release, params, expected) => {
    const rules = rulesOf(release);
    const codesOn = (architecture?: string) =>
      modelOf(INT, params, { rules, ...(architecture && { architecture }) }).obstacles.map(({ code }) => code);
    expect(codesOn("x86_64")).toEqual(expected);
    expect(codesOn()).toEqual([]);
    expect(codesOn("arm64")).toEqual([]);
  });

  it("leaves out the arguments that programs are not given", () => {
    const model = modelOf(VOID, [PTR, INT, UINT], { hidden: 1 });
    expect(model.args.map(({ name }) => name)).toEqual(["a1", "a2"]);
  });

  it("models a prototype by itself, and nothing that is neither it nor a function", () => {
    const btf = parseBtf(make.btf([...TYPES, make.proto(INT, [make.param("x", PTR)])]));
    expect(functionModel(btf, FIRST_OWN)?.args).toHaveLength(1);
    expect(functionModel(btf, FIRST_OWN)?.name).toBe("");
    expect(functionModel(btf, INT)).toBeUndefined();
    expect(functionModel(btf, VOID)).toBeUndefined();
  });

  it("has no model of a function without a prototype", () => {
    const btf = parseBtf(make.btf([...TYPES, make.func("odd", INT)]));
    const model = functionModel(btf, FIRST_OWN);
    expect(model && codes(model)).toEqual([["no-prototype", null]]);
    expect(model?.obstacles[0]?.text).toBe("its type is a INT, and no prototype");
  });

  it("takes a pointer's size from the target", () => {
    const bytes = make.btf([make.int("long", 4, 32, INT_SIGNED), make.ptr(1), make.proto(1, [make.param("p", 2)])]);
    expect(functionModel(parseBtf(bytes), 3)?.args[0]).toMatchObject({ as: "pointer", bytes: 4, words: 1 });
  });

  it("has a model of every function of a real kernel", async () => {
    const btf = parseBtf(kernelSample(KERNEL_6_1).bytes);
    let functions = 0;
    const reasons = new Map<string, number>();
    for (let id = 1; id < typeCount(btf); id++) {
      if (kindOf(btf, id) !== KIND_FUNC) continue;
      functions++;
      for (const { code } of functionModel(btf, id)?.obstacles ?? []) reasons.set(code, (reasons.get(code) ?? 0) + 1);
      if (nameOf(btf, id) === "vfs_read") {
        expect(functionModel(btf, id)?.args.map(passingText)).toEqual([
          "pointer of 8 bytes",
          "pointer of 8 bytes",
          "unsigned integer of 8 bytes",
          "pointer of 8 bytes",
        ]);
      }
    }
    expect(functions).toBeGreaterThan(40_000);
    expect([...reasons.keys()].sort()).toContain("variadic");
    expect(reasons.get("no-prototype")).toBeUndefined();
  });
});

describe("trampolineRules", () => {
  it.each<[string, string | undefined]>([
    ["5.4", undefined],
    ["5.5", "5.5"],
    ["5.10.0-38-cloud-amd64", "5.5"],
    ["v5.15.1", "5.5"],
    ["6.1.0-56-cloud-amd64", "6.1"],
    ["6.12", "6.6"],
    ["6.18.44-fc", "6.18"],
    ["7.2", "6.18"],
    ["10.0", "6.18"],
    ["6", undefined],
    ["6.x", undefined],
    ["", undefined],
    ["newest", undefined],
  ])("of %s are %s's", (release, since) => {
    expect(trampolineRules(release)?.since).toBe(since);
  });

  it("ascend, and the newest are the last", () => {
    expect(TRAMPOLINE_RULES.map(({ since }) => trampolineRules(since)?.since)).toEqual(
      TRAMPOLINE_RULES.map(({ since }) => since),
    );
    expect(TRAMPOLINE_RULES.at(-1)).toBe(NEWEST_TRAMPOLINE_RULES);
  });
});

describe("compareModels", () => {
  const base = modelOf(INT, [PTR, UINT]);

  it.each<[string, FunctionModel, readonly [string, number | null, string, string][]]>([
    ["the same", modelOf(INT, [PTR, UINT]), []],
    ["another pointer", modelOf(INT, [CONST_PTR, UINT]), []],
    ["an argument more", modelOf(INT, [PTR, UINT, INT]), [["arguments", null, "2", "3"]]],
    ["an argument less", modelOf(INT, [PTR]), [["arguments", null, "2", "1"]]],
    [
      "another sign",
      modelOf(INT, [PTR, INT]),
      [["argument", 1, "unsigned integer of 4 bytes", "signed integer of 4 bytes"]],
    ],
    [
      "another size, and by value",
      modelOf(INT, [S8, LONG]),
      [
        ["argument", 0, "pointer of 8 bytes", "struct of 8 bytes"],
        ["argument", 1, "unsigned integer of 4 bytes", "signed integer of 8 bytes"],
      ],
    ],
    ["nothing returned", modelOf(VOID, [PTR, UINT]), [["return", null, "signed integer of 4 bytes", "void"]]],
    [
      "dots",
      modelOf(INT, [PTR, UINT, VOID]),
      [
        ["variadic", null, "not variadic", "variadic"],
        ["trampoline", null, "possible", "impossible"],
      ],
    ],
  ])("tells %s", (_, next, expected) => {
    const rows = compareModels(base, next).map((one) => [one.what, one.argument, one.old, one.new]);
    expect(rows).toEqual(expected);
    expect(sameModel(base, next)).toBe(expected.length === 0);
    expect(compareModels(next, base).map((one) => [one.what, one.argument, one.new, one.old])).toEqual(expected);
  });
});
