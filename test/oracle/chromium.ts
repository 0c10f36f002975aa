/** Headless Chromium, for the page that compat writes. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";

/** Debian's name for it. */
const PATH = "/usr/bin/chromium";

/** Where it is; undefined where it is not installed. */
export function chromiumPath(): string | undefined {
  return existsSync(PATH) ? PATH : undefined;
}

/** Started with an empty profile and nothing that would look for a network. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A running browser. */
export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** Starts a browser with an empty profile of its own. */
export async function startChromium(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  const profile = mkdtempSync(join(tmpdir(), "btfgen-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: PATH,
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}
