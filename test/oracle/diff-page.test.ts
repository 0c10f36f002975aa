import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { HistoryReport } from "../../cli/diff/history-report.ts";
import { type DiffHtmlParts, diffHtml } from "../../cli/diff/html.ts";
import { impactReport } from "../../cli/diff/impact-report.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { RELO_ENUMVAL_VALUE, RELO_FIELD_BYTE_OFFSET } from "../../lib/core/relo-kind.ts";
import { LIBBPF_RULES } from "../../lib/core/rules.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { historyBuilder } from "../../lib/diff/history.ts";
import { btf, enumOf, func, int, m, param, proto, type Row, struct, typedef } from "../btf/builder.ts";
import { workspace } from "../cli/workspace.ts";
import { buildObject, EXIT, LDX_W, MOV_K } from "../core/object-builder.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample } from "../samples.ts";
import { type Browser, startChromium } from "./chromium.ts";
import { describeOracle } from "./requirements.ts";

const TEMPLATE = readFileSync(new URL("../../dist/diff.html", import.meta.url), "utf8");
const EVIL = "</script><img src=x onerror=document.title='owned'>\u202e";
const { directory } = workspace();

const INT = int("int", 4, 32, 1);
const kernel = (...types: readonly Row[]) => parseBtf(btf([INT, ...types]), { source: "dir/kernel" });
const members = (count: number, from: number) => Array.from({ length: count }, (_, i) => m(`m${i}`, 1, from + i * 32));
const OLD = kernel(
  struct("moving", 44, [m("head", 1, 0), m("lost", 1, 32), ...members(9, 64)]),
  enumOf("color", 4, { RED: 0, GREEN: 1 }),
  proto(1, [param("a", 1)]),
  func("called", 4),
  struct("gone", 4, [m("x", 1, 0)]),
  struct(EVIL, 4, [m("x", 1, 0)]),
);
const NEW = kernel(
  struct("moving", 48, [m("head", 1, 0), m("wedge", 1, 32), m("other", 1, 64), ...members(9, 96)]),
  enumOf("color", 4, { RED: 0, GREEN: 2, BLUE: 3 }),
  proto(1, [param("a", 1), param("b", 1)]),
  func("called", 4),
  typedef("fresh", 1),
  struct(EVIL, 8, [m("x", 1, 0), m("onerror", 1, 32)]),
);

function object(name: string) {
  const types = [INT, struct("moving", 8, [m("head", 1, 0), m("lost", 1, 32), m("m0", 1, 64)])];
  const relos = [0, 1, 2].map((member) => ({
    kind: RELO_FIELD_BYTE_OFFSET,
    typeId: 2,
    access: `0:${member}`,
    insn: member,
  }));
  const insns = [0, 4, 8].map((off) => ({ ...LDX_W, off }));
  const programs = [
    { name: "reader", insns: [...insns, EXIT], relos },
    { name: "never", section: "fentry/never", insns: [EXIT], relos: [] },
  ];
  return { ...buildObject({ rows: types, programs }), source: name };
}

const OBJECTS = [object("dir/x.o"), object(`${EVIL}.o`)];

function historyOf(given = OBJECTS): HistoryReport {
  const builder = historyBuilder<HistoryReport["kernels"][number]>(given, LIBBPF_RULES);
  for (let i = 0; i < 24; i++) {
    const release = `6.1.0-${i}-${i < 12 ? "amd64" : "cloud-amd64"}`;
    const identity = { id: "debian", versionId: "12", arch: "x86_64", release, origin: `k${i}`, modules: 0 };
    builder.add(identity, indexCandidates(i % 12 < 6 ? OLD : NEW));
  }
  const objects = given.map(({ source }) => source);
  return { version: 1, rules: "libbpf", objects, ...builder.finish(), unreadable: [] };
}

const PARTS: DiffHtmlParts = {
  title: "old to new",
  types: diffTypes(OLD, NEW, {}),
  impact: impactReport(OBJECTS, OLD, NEW, "libbpf"),
  history: historyOf(),
};

function write(name: string, parts: DiffHtmlParts): string {
  const path = join(directory, name);
  writeFileSync(path, diffHtml(parts, TEMPLATE));
  return pathToFileURL(path).href;
}

describeOracle("the page of diff in Chromium", ["chromium"], () => {
  let browser: Browser;
  let page: Page;
  let url: string;
  const complaints: string[] = [];
  const keys = (): Promise<string[]> =>
    page
      .locator("details.item:visible")
      .evaluateAll((items) => items.map((item) => item.getAttribute("data-key") ?? ""));
  const lines = async (key: string): Promise<string[]> => {
    const rows = page.locator(`details[data-key="${key}"] .patch tbody tr`);
    // What is in an item is made when its `toggle` comes, which is after the click.
    await rows.first().waitFor();
    return rows.evaluateAll((all) =>
      all.map((row) => [...row.querySelectorAll("td")].map(({ textContent }) => textContent).join("|")),
    );
  };
  const follow = async (hash: string) => {
    await page.goto("about:blank");
    await page.goto(url + hash);
  };
  const TYPES = ["struct-gone", "struct-moving", "enum-color", "typedef-fresh", "func-called"];

  beforeAll(async () => {
    url = write("small.html", PARTS);
    browser = await startChromium();
    page = await browser.context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => {
      if (!/^(file|data|about):/.test(request.url())) complaints.push(`request of ${request.url()}`);
    });
  });
  afterAll(() => browser.close());
  beforeEach(() => follow(""));

  it("begins with programs, the worst first, and has a tab for each part", async () => {
    expect(await page.title()).toBe("old to new");
    expect(await page.getByRole("tab").allTextContents()).toEqual(["Programs", "Types", "Fields over kernels"]);
    expect(await keys()).toContain("object-x.o");
    const item = page.locator('details[data-key="object-x.o"]');
    await item.locator("summary").first().click();
    // One of its programs breaks, whatever the other did.
    expect(await item.locator("summary .badge").first().textContent()).toBe("breaks");
    // It has a reason of its own, so nothing is said of what it calls.
    await item.locator("h3").first().waitFor();
    expect(await item.locator("h3").allTextContents()).toEqual([
      "reader socket: breaks",
      "never fentry/never: did not work, and does not",
    ]);
    expect(await item.locator("tbody tr").allTextContents()).toEqual([
      "newly poisonedmoving.lostmoving has no member lostinsn 1",
      "movedmoving.m0at 8 -> 12insn 2",
    ]);
    await follow("#part=programs&status=breaks");
    expect(await keys()).toContain("object-x.o");
    expect(complaints).toEqual([]);
  });

  it("shows a type as a patch, with members that only moved in one line", async () => {
    await page.getByRole("tab", { name: "Types" }).click();
    expect((await keys()).filter((key) => !key.includes("script"))).toEqual(TYPES);
    await page.locator('details[data-key="struct-moving"] > summary').click();
    expect(await lines("struct-moving")).toEqual([
      "4||\u2212|int lost;|",
      "|4|+|int wedge;|",
      "|8|+|int other;|",
      "||~|9 members moved by +4 bytes",
    ]);
    await page.getByRole("button", { name: "9 members moved" }).click();
    expect((await lines("struct-moving")).slice(3, 5)).toEqual(["8|12|~|int m0;|", "12|16|~|int m1;|"]);
    await page.locator('details[data-key="enum-color"] > summary').click();
    expect(await lines("enum-color")).toEqual(["||\u2212|GREEN = 1,|", "||+|GREEN = 2,|", "||+|BLUE = 3,|"]);
    expect(new URL(page.url()).hash).toContain("open=struct-moving");
  });

  it("searches names and members, filters by kind and status, and says how much is left", async () => {
    await page.getByRole("tab", { name: "Types" }).click();
    await page.getByLabel("Search").fill("wedge moving");
    await expect.poll(keys).toEqual(["struct-moving"]);
    expect(await page.locator("#count").textContent()).toBe("1 type of 6 that differ");
    await page.getByLabel("Search").fill("");
    await expect.poll(async () => (await keys()).length).toBe(6);
    await page.getByLabel("Kind").selectOption("enum");
    expect(await keys()).toEqual(["enum-color"]);
    await page.getByLabel("Kind").selectOption("");
    await page.getByRole("button", { name: /^removed 1$/ }).click();
    expect(await keys()).toEqual(["struct-gone"]);
    expect(new URL(page.url()).hash).toBe("#part=types&status=removed");
    await follow("#part=types&status=added");
    expect(await keys()).toEqual(["typedef-fresh"]);
  });

  it("follows links to types, fields and objects, by kind and without", async () => {
    for (const [hash, key] of [
      ["#struct-moving", "struct-moving"],
      ["#type-called", "func-called"],
      ["#object-x.o", "object-x.o"],
      ["#field-moving.lost", "field-moving.lost"],
    ] as const) {
      await follow(hash);
      const open = page.locator("details.item[open]:visible");
      expect(await open.evaluateAll((items) => items.map((item) => item.getAttribute("data-key")))).toEqual([key]);
      expect(await open.locator("summary").first().isVisible()).toBe(true);
    }
    await follow("#struct-nothing");
    expect(await page.locator("#lost").textContent()).toContain("did not change");
    // The link beside a type is the one that leads to it.
    await follow("#struct-moving");
    expect(await page.locator('details[data-key="struct-moving"] .anchor').getAttribute("href")).toBe("#struct-moving");
  });

  it("comes back to the tab and to what is open when it is loaded again", async () => {
    const shown = async () => {
      const before = [await page.locator('[role="tab"][aria-selected="true"]').textContent(), await opened()];
      await page.reload();
      const after = [await page.locator('[role="tab"][aria-selected="true"]').textContent(), await opened()];
      expect(after).toEqual(before);
      return [new URL(page.url()).hash, ...after];
    };
    const opened = () => page.locator("details.item[open]:visible").count();
    const click = (name: string) => page.getByRole("tab", { name }).click();
    await click("Types");
    expect(await shown()).toEqual(["#part=types", "Types", 0]);
    await page.locator('details[data-key="struct-moving"] > summary').click();
    await lines("struct-moving");
    expect(await shown()).toEqual(["#struct-moving", "Types", 1]);
    await click("Programs");
    expect(await shown()).toEqual(["#part=programs&open=struct-moving", "Programs", 0]);
    await page.locator('details[data-key="object-x.o"] > summary').click();
    await page.locator('details[data-key="object-x.o"] h3').first().waitFor();
    expect(await shown()).toEqual(["#part=programs&open=struct-moving&open=object-x.o", "Programs", 1]);
    await click("Types");
    expect(await shown()).toEqual(["#open=struct-moving&open=object-x.o", "Types", 1]);
    await page.locator('details[data-key="struct-moving"] > summary').click();
    await expect.poll(opened).toBe(0);
    await click("Programs");
    expect(await shown()).toEqual(["#object-x.o", "Programs", 1]);
  });

  it("tells objects of one name apart, and opens the one that an address names", async () => {
    const objects = ["a/x.o", "b/x.o", "b/x.o"].map(object);
    const impact = impactReport(objects, OLD, NEW, "libbpf");
    url = write("twins.html", { title: "twins", types: null, impact, history: null });
    const twins = ["object-a/x.o", "object-b/x.o", "object-b/x.o~2"];
    await follow("");
    expect(await keys()).toEqual(twins);
    expect(await page.locator("#programs .name").allTextContents()).toEqual(["a/x.o", "b/x.o", "b/x.o"]);
    for (const key of twins) {
      await follow(`#${encodeURIComponent(key)}`);
      const open = page.locator("details.item[open]");
      expect(await open.evaluateAll((items) => items.map((item) => item.getAttribute("data-key")))).toEqual([key]);
      expect(await open.locator(".anchor").getAttribute("href")).toBe(`#${encodeURIComponent(key)}`);
    }
    url = write("small.html", PARTS);
  });

  it("folds and unfolds all", async () => {
    await page.getByRole("tab", { name: "Types" }).click();
    await page.getByRole("button", { name: "Unfold all", exact: true }).click();
    await expect.poll(() => page.locator("#types details.item[open]").count()).toBe(6);
    await page.getByRole("button", { name: "Fold all", exact: true }).click();
    await expect.poll(() => page.locator("#types details.item[open]").count()).toBe(0);
  });

  it("draws fields over kernels, in words too", async () => {
    await page.getByRole("tab", { name: "Fields over kernels" }).click();
    const lane = page.locator('details[data-key="field-moving.m0"] svg');
    expect(await lane.getAttribute("role")).toBe("img");
    expect(await lane.getAttribute("aria-label")).toBe(
      "moving.m0: 8 on debian 12 x86_64 6.1.0-0 to 6.1.0-5 amd64; 12 on debian 12 x86_64 6.1.0-6 to 6.1.0-11 amd64; " +
        "8 on debian 12 x86_64 6.1.0-12 to 6.1.0-17 cloud-amd64; 12 on debian 12 x86_64 6.1.0-18 to 6.1.0-23 cloud-amd64",
    );
    expect(await lane.locator("text").allTextContents()).toEqual(["8", "12", "8", "12"]);
    expect(await lane.locator("circle").count()).toBe(24);
    // A step where a field moves, none from a flavour to the next.
    expect(await lane.locator("path.step").count()).toBe(2);
    // What is greater is higher.
    const heights = await lane
      .locator("circle")
      .evaluateAll((dots) => dots.map((dot) => Number(dot.getAttribute("cy"))));
    expect(heights[0]).toBeGreaterThan(heights[6] ?? 0);
    expect(await page.locator('details[data-key="field-moving.lost"] .run.poisoned').count()).toBe(2);
    expect(await page.locator(".axis .group-name").allTextContents()).toEqual([
      "x86_64 amd64x86_64 amd64",
      "x86_64 cloud-amd64x86_64 cloud-amd64",
    ]);
    await page.locator('details[data-key="field-moving.lost"] > summary').click();
    const rows = page.locator('details[data-key="field-moving.lost"] tbody tr');
    expect(await rows.nth(1).textContent()).toBe(
      "debian 12 x86_64 6.1.0-6 to 6.1.0-11 amd646poisonedmoving has no member lost",
    );
  });

  it("names the kernels of a history that could not be read", async () => {
    await page.getByRole("tab", { name: "Fields over kernels" }).click();
    expect(await page.locator("#unreadable").isVisible()).toBe(false);
    const unreadable = [{ origin: `dir/${EVIL}`, reason: "damaged" }];
    url = write("unreadable.html", { ...PARTS, history: { ...historyOf(), unreadable } });
    await follow("#part=fields");
    const said = await page.locator("#unreadable li").allTextContents();
    expect(said).toEqual([`dir/${EVIL.replace("\u202e", "\\u{202e}")}: unreadable: damaged`]);
    expect(await page.locator("#unreadable").isVisible()).toBe(true);
    url = write("small.html", PARTS);
  });

  it("has a negative enumerator as text has it", async () => {
    const relos = [{ kind: RELO_ENUMVAL_VALUE, typeId: 2, access: "0" }];
    const programs = [{ name: "reader", insns: [MOV_K, EXIT], relos }];
    const asker = { ...buildObject({ rows: [INT, enumOf("e", 4, { LOW: 0 }, 1)], programs }), source: "e.o" };
    const builder = historyBuilder<HistoryReport["kernels"][number]>([asker], LIBBPF_RULES);
    for (const LOW of [-5, -6]) {
      const identity = { id: null, versionId: null, arch: null, release: null, origin: `k${LOW}`, modules: 0 };
      builder.add(identity, indexCandidates(kernel(enumOf("e", 4, { LOW }, 1))));
    }
    const history = { version: 1, rules: "libbpf", objects: ["e.o"], ...builder.finish(), unreadable: [] } as const;
    url = write("negative.html", { title: "negative", types: null, impact: null, history });
    await follow("#field-e::LOW");
    const item = page.locator('details[data-key="field-e::LOW"]');
    expect(await item.locator("svg").getAttribute("aria-label")).toBe("e::LOW: -5 on k-5; -6 on k-6");
    expect(await item.locator("svg text").allTextContents()).toEqual(["-5", "-6"]);
    expect(await item.locator("tbody td.mono").allTextContents()).toEqual(["-5", "-6"]);
    // What is less is lower.
    const [first, second] = await item
      .locator("circle")
      .evaluateAll((dots) => dots.map((dot) => dot.getAttribute("cy")));
    expect(Number(first)).toBeLessThan(Number(second));
    url = write("small.html", PARTS);
  });

  it("keeps an opened field in sight, however many objects ask for it", async () => {
    const many = Array.from({ length: 40 }, (_, i) => object(`directory/of/objects/number-${i}.o`));
    url = write("many.html", { title: "many", types: null, impact: null, history: historyOf(many) });
    await follow("#field-moving.m0");
    const last = page.locator('details[data-key="field-moving.m0"] th').last();
    const { x = 0, width = 0 } = (await last.boundingBox()) ?? {};
    expect(width).toBeGreaterThan(0);
    expect(x + width).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
    url = write("small.html", PARTS);
  });

  it("calls an enum without a name by what it begins with", async () => {
    const types = diffTypes(kernel(enumOf("", 4, { RED: 0 })), kernel(enumOf("", 4, { RED: 0, BLUE: 1 })), {});
    url = write("nameless.html", { title: "nameless", types, impact: null, history: null });
    await follow("");
    expect(await page.locator(".item .name").textContent()).toBe("enum { RED = 0, BLUE = 1 }");
    url = write("small.html", PARTS);
  });

  it("takes nothing from a hostile name but its letters", async () => {
    for (const part of ["programs", "types", "fields"]) {
      await follow(`#part=${part}`);
      await page.getByRole("button", { name: "Unfold all", exact: true }).click();
      await page.waitForTimeout(100);
    }
    await follow("#part=types&q=onerror");
    expect(await page.locator("#types").textContent()).toContain("\\u{202e}");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toBe("old to new");
    expect(complaints).toEqual([]);
  });

  it("is used with the keyboard, and skips to the list", async () => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("content");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator("details.item[open]").count()).toBe(1);
  });

  it("takes a whole kernel's diff: opens, finds and links at once, and makes only what is seen", async () => {
    const [old, now] = [KERNEL_6_1, KERNEL_OF_MODULES].map(kernelSample);
    if (old === undefined || now === undefined) throw new Error("two kernels");
    const types = diffTypes(parseBtf(old.bytes, { source: "old" }), parseBtf(now.bytes, { source: "new" }), {});
    url = write("large.html", { title: "6.1 to 6.12", types, impact: null, history: null });
    await follow("");
    await page.locator("details.item").first().waitFor();
    const all = Number((await page.locator("#count").textContent())?.replace(/,/g, "").match(/of (\d+)/)?.[1]);
    expect(all).toBeGreaterThan(5000);
    expect(await page.locator("details.item").count()).toBeLessThan(500);
    await page.evaluate("scrollTo(0, document.body.scrollHeight)");
    await expect.poll(() => page.locator("details.item").count()).toBeGreaterThan(60);
    const begun = Date.now();
    await follow("#func-vfs_create");
    await page.locator('details[data-key="func-vfs_create"][open]').waitFor();
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(await page.locator("details.item").count()).toBeLessThan(500);
    expect(await page.getByRole("button", { name: /^Show the \d+ before$/ }).count()).toBe(1);
    const summary = page.locator('details[data-key="func-vfs_create"] > summary');
    await expect.poll(async () => Math.round((await summary.boundingBox())?.y ?? -1)).toBeLessThan(200);
    // What the page itself needs for a search, in its own clock.
    const milliseconds = await page.evaluate(`(() => {
      const begin = performance.now();
      location.hash = "#part=types&q=mnt_idmap";
      return new Promise((resolve) => addEventListener("hashchange", () => resolve(performance.now() - begin)));
    })()`);
    expect(milliseconds).toBeLessThan(3000);
    expect(await page.locator("#count").textContent()).toMatch(/^\d+ types of/);
    expect(complaints).toEqual([]);
  });
});
