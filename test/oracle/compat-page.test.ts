import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { compatDocument } from "../../corpus/compat/document.ts";
import { compatHtml } from "../../corpus/compat/html.ts";
import { workspace } from "../cli/workspace.ts";
import { type SceneKernel, sceneMatrix } from "../corpus/compat/scene.ts";
import { type Browser, startChromium } from "./chromium.ts";
import { describeOracle } from "./requirements.ts";

const TEMPLATE = readFileSync(new URL("../../dist/compat.html", import.meta.url), "utf8");
const EVIL = "</script><img src=x onerror=document.title='owned'>\u202e";
const { directory } = workspace();

function write(name: string, matrix: Parameters<typeof compatDocument>[0]): string {
  const path = join(directory, name);
  writeFileSync(path, compatHtml(compatDocument(matrix), TEMPLATE));
  return pathToFileURL(path).href;
}

const SMALL = sceneMatrix(
  ["build/a.o", "build/b.o", `${EVIL}.o`],
  [
    ["debian/11/x86_64/5.10.0-1-amd64", { 1: ["absent", "no member a"], 2: ["poisoned", `no member ${EVIL}`] }],
    ["debian/12/arm64/6.1.0-1-arm64", { skipped: "the object is for x86" }],
    ["debian/12/x86_64/6.1.0-1-amd64"],
    ["debian/12/x86_64/6.1.0-2-amd64"],
    ["ubuntu/20.04/x86_64/5.4.0-9-generic", {}, { lacks: [["exec", "tp_btf", "btf_trace_x"]] }],
    ["ubuntu/22.04/x86_64/5.15.0-9-generic", {}, { 0: ["ambiguous", "two types of that name"] }],
  ],
  { unreadable: [{ origin: "bad.tar.xz", reason: "the stream ends early" }] },
);

/** As many kernels and objects as BTFHub and a large tool have, in more than 2,000 groups. */
function largeMatrix() {
  const names = Array.from({ length: 50 }, (_, i) => `tool${i}.o`);
  const kernels = Array.from({ length: 4300 }, (_, i): SceneKernel => {
    const cells = names.map((_, at) => {
      return (i * 7 + at * 13) % 97 === 0 ? ({ [at % 5]: ["poisoned", `no member m${i % 40}`] } as const) : {};
    });
    return [`ubuntu/${16 + (i % 4)}.04/${i % 3 === 0 ? "arm64" : "x86_64"}/5.${i >> 6}.0-${i}-aws`, ...cells];
  });
  return sceneMatrix(names, kernels);
}

describeOracle("the page of compat in Chromium", ["chromium"], () => {
  let browser: Browser;
  let page: Page;
  let url: string;
  const complaints: string[] = [];
  const labels = (): Promise<string[]> => page.locator("#rows .label").allTextContents();
  const opened = (): Locator => page.locator("tr.below:not([hidden])");

  beforeAll(async () => {
    url = write("small.html", SMALL);
    browser = await startChromium();
    page = await browser.context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`request of ${request.url()}`);
    });
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    complaints.length = 0;
    await page.goto("about:blank");
    await page.goto(url);
  });

  it("shows groups as a table, with a title and nothing to complain of", async () => {
    expect(await page.title()).toBe("BPF compatibility");
    expect(await labels()).toEqual([
      "debian 11 x86_64 5.10.0-1-amd64",
      "debian 12 arm64 6.1.0-1-arm64",
      "debian 12 x86_64 6.1.0-1 to 6.1.0-2 amd64",
      "ubuntu 20.04 x86_64 5.4.0-9-generic",
      "ubuntu 22.04 x86_64 5.15.0-9-generic",
      "bad.tar.xz",
    ]);
    expect(await page.getByRole("columnheader").allTextContents()).toContain("Poisoned");
    expect(await page.getByRole("rowheader").count()).toBe(6);
    expect(await page.locator("#count").textContent()).toBe("6 rows, 6 kernels of 6");
    expect(complaints).toEqual([]);
  });

  it("says, folded, which objects need the running kernel's own BTF", async () => {
    const notes = page.locator("details.objects");
    expect(await notes.locator("summary").textContent()).toBe(
      "3 objects that need the running kernel's own BTF besides",
    );
    expect(await notes.getByRole("listitem").first().isVisible()).toBe(false);
    await notes.locator("summary").click();
    expect(await notes.getByRole("listitem").allTextContents()).toContain("build/a.o: tp_btf/sched_process_exec");
    expect(await notes.locator("img").count()).toBe(0);
  });

  it("sorts by a column, both ways, and says which", async () => {
    const header = page.getByRole("columnheader", { name: "Count" });
    await header.getByRole("button").click();
    expect((await labels())[0]).toBe("debian 12 x86_64 6.1.0-1 to 6.1.0-2 amd64");
    expect(await header.getAttribute("aria-sort")).toBe("descending");
    await header.getByRole("button").click();
    expect((await labels()).at(-1)).toBe("debian 12 x86_64 6.1.0-1 to 6.1.0-2 amd64");
    expect(await header.getAttribute("aria-sort")).toBe("ascending");
    expect(new URL(page.url()).hash).toBe("#sort=count");
  });

  it("filters by text, distribution, architecture, object and status", async () => {
    await page.getByLabel("Search").fill("two types");
    await expect.poll(labels).toEqual(["ubuntu 22.04 x86_64 5.15.0-9-generic"]);
    await page.getByLabel("Search").fill("");
    await expect.poll(async () => (await labels()).length).toBe(6);
    await page.getByLabel("Distribution").selectOption("debian");
    expect((await labels()).length).toBe(3);
    await page.getByLabel("Architecture").selectOption("arm64");
    expect(await labels()).toEqual(["debian 12 arm64 6.1.0-1-arm64"]);
    await page.getByLabel("Distribution").selectOption("");
    await page.getByLabel("Architecture").selectOption("");
    await page.getByRole("button", { name: /^ambiguous 1$/ }).click();
    expect(await labels()).toEqual(["ubuntu 22.04 x86_64 5.15.0-9-generic"]);
    await page.getByRole("button", { name: /^ambiguous 1$/ }).click();
    await page.getByLabel("Object").selectOption({ label: "a.o" });
    expect(await page.getByRole("button", { name: /^skipped 1$/ }).isVisible()).toBe(true);
    expect(await page.getByRole("button", { name: /^ambiguous/ }).count()).toBe(0);
  });

  it("counts objects without a target, and opens them down to it", async () => {
    await page.getByRole("button", { name: /^without a target 1$/ }).click();
    expect(await labels()).toEqual(["ubuntu 20.04 x86_64 5.4.0-9-generic"]);
    const header = page.getByRole("columnheader").allTextContents();
    const cells = page.locator("tr.group").first().getByRole("cell").allTextContents();
    // The row's own header is none of the cells.
    expect((await cells)[(await header).indexOf("No target") - 1]).toBe("1");
    await page.getByRole("button", { name: "ubuntu 20.04" }).click();
    const [line] = await opened().locator(".relocations tbody tr").all();
    expect(await line?.getByRole("cell").allTextContents()).toEqual([
      "exec",
      "",
      "tp_btf",
      "btf_trace_x",
      "no-target",
      "there is no btf_trace_x",
      "",
    ]);
  });

  it("opens a group down to its relocations with the keyboard, and closes it", async () => {
    await page.getByRole("button", { name: "debian 11" }).focus();
    await page.keyboard.press("Enter");
    const rows = opened().locator(".relocations tbody tr");
    expect(await rows.count()).toBe(2);
    expect(await rows.nth(1).textContent()).toMatch(/poisoned/);
    expect(await rows.nth(1).textContent()).toContain("</script><img src=x");
    expect(await opened().textContent()).toContain("\\u{202e}");
    expect(await opened().locator("img").count()).toBe(0);
    expect(decodeURIComponent(new URL(page.url()).hash)).toBe("#open=debian/11/x86_64/5.10.0-1-amd64");
    await page.keyboard.press("Enter");
    expect(await opened().count()).toBe(0);
    expect(await page.title()).toBe("BPF compatibility");
    expect(complaints).toEqual([]);
  });

  it("says why something is skipped or could not be read", async () => {
    await page.getByRole("button", { name: "debian 12 arm64" }).click();
    expect(await opened().textContent()).toContain("Skipped, the object is for x86 (1): a.o");
    await page.getByRole("button", { name: "bad.tar.xz" }).click();
    expect(await opened().nth(1).textContent()).toContain("the stream ends early");
  });

  it("follows a link to a kernel inside of a group, and to a filter", async () => {
    await page.goto(`${url}#open=debian/12/x86_64/6.1.0-2-amd64`);
    await page.reload();
    expect(await opened().count()).toBe(1);
    expect(await opened().locator(".marked").allTextContents()).toEqual(["debian/12/x86_64/6.1.0-2-amd64"]);
    await page.goto(`${url}#q=two+types&sort=-count`);
    await expect.poll(labels).toEqual(["ubuntu 22.04 x86_64 5.15.0-9-generic"]);
    expect(await page.getByLabel("Search").inputValue()).toBe("two types");
  });

  it("changes to dark and back", async () => {
    const background = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const before = await background();
    await page.getByRole("button", { name: "Theme" }).click();
    expect(await background()).not.toBe(before);
    await page.getByRole("button", { name: "Theme" }).click();
    expect(await background()).toBe(before);
  });

  it("takes 4,300 kernels and 50 objects without making every row, and finds the last", async () => {
    await page.goto(write("large.html", largeMatrix()));
    await page.locator("#rows .label").first().waitFor();
    const all = Number((await page.locator("#count").textContent())?.replace(/,/g, "").split(" ")[0]);
    expect(all).toBeGreaterThan(2000);
    expect(await page.locator("#rows .group").count()).toBeLessThan(500);
    await page.evaluate("scrollTo(0, document.body.scrollHeight)");
    await expect.poll(() => page.locator("#rows .group").count()).toBeGreaterThan(100);
    // What the page itself needs for a search, in its own clock.
    const milliseconds = await page.evaluate(`(() => {
      const begin = performance.now();
      location.hash = "#q=m39+poisoned";
      return new Promise((resolve) => addEventListener("hashchange", () => resolve(performance.now() - begin)));
    })()`);
    expect(milliseconds).toBeLessThan(2000);
    expect(Number((await page.locator("#count").textContent())?.replace(/,/g, "").split(" ")[0])).toBeLessThan(all);
    expect(complaints).toEqual([]);
  });
});
