import { describe, expect, it } from "vitest";
import { compatDocument } from "../../../corpus/compat/document.ts";
import { addressText, readAddress, WHOLE_VIEW } from "../../../corpus/compat/page/address.ts";
import { haystackOf, rowsOf, seenRows, type View } from "../../../corpus/compat/page/model.ts";
import { sceneMatrix } from "./scene.ts";

const data = compatDocument(
  sceneMatrix(
    ["a.o", "b.o"],
    [
      ["debian/11/x86_64/5.10.0-1-amd64", { 2: ["poisoned", "no member b"] }, {}],
      ["debian/12/arm64/6.1.0-1-arm64", { skipped: "for x86" }, { 1: ["absent", "no member c"] }],
      ["debian/12/x86_64/6.1.0-1-amd64", {}, {}],
      ["debian/12/x86_64/6.1.0-2-amd64", {}, {}],
      ["debian/13/x86_64/6.12.0-1-amd64", { lacks: [["exec", "tp_btf", "btf_trace_x"]] }, {}],
      ["ubuntu/22.04/x86_64/5.15.0-9-generic", { 0: ["ambiguous", "two types"] }, { 1: ["absent", "no member c"] }],
    ],
    { unreadable: [{ origin: "bad.xz", reason: "ends early" }] },
  ),
);
const rows = rowsOf(data);
const haystack = haystackOf(data, rows);
const seen = (view: Partial<View>) =>
  seenRows(data, rows, haystack, { ...WHOLE_VIEW, ...view }).map(({ row, counts }) => `${row.key} ${counts.worst}`);

const D11 = "debian/11/x86_64/5.10.0-1-amd64";
const D12ARM = "debian/12/arm64/6.1.0-1-arm64";
const D12 = "debian/12/x86_64/6.1.0-1-amd64";
const D13 = "debian/13/x86_64/6.12.0-1-amd64";
const UBUNTU = "ubuntu/22.04/x86_64/5.15.0-9-generic";

describe("seenRows", () => {
  it("has all rows in the document's order, what is unreadable last", () => {
    expect(seen({})).toEqual([
      `${D11} poisoned`,
      `${D12ARM} absent`,
      `${D12} resolved`,
      `${D13} no-target`,
      `${UBUNTU} ambiguous`,
      "bad.xz unreadable",
    ]);
  });

  it.each<[string, Partial<View>, readonly string[]]>([
    ["a kernel in a group", { query: "6.1.0-2" }, [D12]],
    ["a reason", { query: "MEMBER absent" }, [D12ARM, UBUNTU]],
    ["a reason of what is unreadable", { query: "ends early" }, ["bad.xz"]],
    ["a target that is not there", { query: "no-target btf_trace" }, [D13]],
    ["two words, each anywhere", { query: "ubuntu member" }, [UBUNTU]],
    ["a word in the chosen column alone", { query: "types", column: 1 }, []],
    ["nothing", { query: "nothing like it" }, []],
    ["a distribution", { distribution: "ubuntu" }, [UBUNTU]],
    ["an architecture", { arch: "arm64" }, [D12ARM]],
    ["a status", { statuses: new Set(["ambiguous", "poisoned"] as const) }, [D11, UBUNTU]],
    ["a status of one column", { column: 1, statuses: new Set(["absent"] as const) }, [D12ARM, UBUNTU]],
    ["what a column is not for", { column: 0, statuses: new Set(["skipped"] as const) }, [D12ARM]],
  ])("finds %s", (_what, view, keys) => {
    expect(seen(view).map((text) => text.slice(0, text.lastIndexOf(" ")))).toEqual(keys);
  });

  it("sorts both ways, equal rows in the document's order", () => {
    expect(seen({ sort: "count", descending: true })[0]).toBe(`${D12} resolved`);
    expect(seen({ sort: "refused", descending: true }).slice(0, 2)).toEqual([`${UBUNTU} ambiguous`, `${D11} poisoned`]);
    expect(seen({ sort: "status" }).map((text) => text.split(" ")[1])).toEqual([
      "resolved",
      "absent",
      "poisoned",
      "no-target",
      "ambiguous",
      "unreadable",
    ]);
  });
});

describe("addresses", () => {
  it("come back as they went", () => {
    const view: View = {
      query: "task_struct & more=1",
      distribution: "debian",
      arch: "x86_64",
      column: 1,
      statuses: new Set(["poisoned", "error"]),
      sort: "count",
      descending: true,
    };
    const text = addressText({ view, open: [D12, "bad.xz"] }, ["a.o", "b.o"]);
    expect(readAddress(`#${text}`, ["a.o", "b.o"])).toEqual({ view, open: [D12, "bad.xz"] });
    expect(text).toContain(`open=${D12}`);
  });

  it("are empty for the whole view", () => {
    expect(addressText({ view: WHOLE_VIEW, open: [] }, [])).toBe("");
    expect(readAddress("", [])).toEqual({ view: WHOLE_VIEW, open: [] });
  });

  it("make nothing of nonsense", () => {
    expect(readAddress("#sort=-worst&status=great&object=none&%%%", ["a.o"])).toEqual({ view: WHOLE_VIEW, open: [] });
  });
});
