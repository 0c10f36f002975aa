/** How a virtual machine is watched: a stand-in for the monitor does in each attempt what a test says. */
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { encodeFrame } from "../../vm/frame.ts";
import type { VmLine } from "../../vm/protocol.ts";
import { runVm } from "../../vm/qemu.ts";
import { workspace } from "../cli/workspace.ts";

/** One attempt: what comes through the ports, after how long, and the end. */
interface Attempt {
  readonly console?: string;
  readonly answer?: string;
  readonly delayMs?: number;
  readonly complaint?: string;
  readonly end?: "hang" | "SIGTERM" | number;
}

const MONITOR = `#!${process.execPath}
const { appendFileSync, readFileSync, writeFileSync } = require("node:fs");
const words = process.argv.slice(2);
if (words[0] === "--version") process.exit(0);
const [log, console] = [process.env.FAKE_MONITOR_LOG, words.find((word) => word.startsWith("file,id=console")).split("path=")[1]];
appendFileSync(log, words[words.indexOf("-accel") + 1] + " ");
const attempts = JSON.parse(process.env.FAKE_MONITOR);
const attempt = attempts[readFileSync(log, "utf8").split(" ").length - 2] ?? attempts.at(-1);
writeFileSync(console, attempt.console ?? "");
process.stderr.write(attempt.complaint ?? "");
setTimeout(() => process.stdout.write(attempt.answer ?? "", () => {
  if (attempt.end === "hang") setInterval(() => {}, 1000);
  else if (typeof attempt.end === "string") process.kill(process.pid, attempt.end);
  else process.exit(attempt.end ?? 0);
}), attempt.delayMs ?? 0);
`;

const { directory, put } = workspace();
const own = join(directory, "tmp");
const log = join(directory, "attempts");
const GUEST = '{"type":"guest","release":"6.1.0","sameBtf":true}';
const WHOLE = encodeFrame(0, GUEST) + encodeFrame(1, '{"type":"end"}');
const FAULT = "Oops: double fault: 0000 [#1]\nKernel panic - not syncing: Fatal exception\n";

/** How often the machine was started, by the acceleration of each time, and what came of it. */
async function run(attempts: readonly Attempt[], silenceMs = 20_000, acceleration = "tcg") {
  vi.stubEnv("FAKE_MONITOR", JSON.stringify(attempts));
  vi.stubEnv("BTFGEN_VM_ACCEL", acceleration);
  let lines: VmLine[] = [];
  const machine = {
    image: new Uint8Array(1),
    source: "kernel",
    initramfs: [],
    silenceMs,
    onLine: (line: VmLine) => lines.push(line),
    onRestart: () => {
      lines = [];
    },
  };
  const said = await runVm(machine).then(
    () => lines.map(({ type }) => type).join(" "),
    (error: unknown) => String(error),
  );
  return { said, attempts: existsSync(log) ? readFileSync(log, "utf8").trim() : "" };
}

describe("runVm", () => {
  beforeAll(() => {
    mkdirSync(own);
    chmodSync(put("bin/qemu-system-x86_64", MONITOR), 0o755);
    vi.stubEnv("PATH", `${join(directory, "bin")}:${process.env.PATH}`);
    vi.stubEnv("TMPDIR", own);
    vi.stubEnv("FAKE_MONITOR_LOG", log);
  });
  afterEach(() => {
    expect(readdirSync(own)).toEqual([]);
    rmSync(log, { force: true });
  });
  afterAll(() => {
    // Not `process.env = ...`, which leaves the environment itself as it is, for all files of this process.
    vi.unstubAllEnvs();
  });

  it("has the whole answer, and waits for nothing after it", async () => {
    expect(await run([{ answer: WHOLE, end: "hang" }])).toEqual({ said: "guest end", attempts: "tcg" });
  });

  it("starts anew where a processor's exception ended the kernel, and forgets what that said", async () => {
    const faulty = { console: FAULT, answer: encodeFrame(0, GUEST) };
    expect(await run([faulty, faulty, { answer: WHOLE }])).toEqual({ said: "guest end", attempts: "tcg tcg tcg" });
  });

  it.each<[string, Attempt, RegExp, string]>([
    ["a fault that comes again", { console: FAULT }, /; its kernel panicked: Oops: double fault.*Fatal/, "tcg tcg tcg"],
    [
      "a kernel's own panic",
      { console: "Kernel panic - not syncing: No working init found.\n" },
      /kernel: the virtual machine ended before it had answered; its kernel panicked: Kernel panic/,
      "tcg",
    ],
    ["an end too early", { answer: encodeFrame(0, GUEST) }, /ended before it had answered; it wrote nothing/, "tcg"],
    [
      "a damaged answer",
      { answer: WHOLE.replace(/:[0-9a-f]{8}:/, ":00000000:"), end: "hang" },
      /kernel: the guest's answer is damaged: frame 0 is damaged; it wrote/,
      "tcg",
    ],
    [
      "a guest's own reason",
      { answer: encodeFrame(0, '{"type":"failed","reason":"the guest has no proc"}') },
      /kernel: inside: the guest has no proc; /,
      "tcg",
    ],
    [
      "a monitor that fails",
      { complaint: "a warning\ncannot set up guest memory\n", end: 1 },
      /kernel: qemu-system-x86_64 failed: cannot set up guest memory; /,
      "tcg",
    ],
    ["a monitor that is killed", { end: "SIGTERM" }, /kernel: qemu-system-x86_64 was killed by SIGTERM; /, "tcg"],
    [
      "a console that tells of memory",
      { console: "Out of memory: Killed process 1\n" },
      /; 1024 MiB are too little for it: BTFGEN_VM_MEMORY gives it more$/,
      "tcg",
    ],
  ])("tells of %s", async (_, attempt, words, attempts) => {
    const { said, attempts: made } = await run([attempt]);
    expect(said).toMatch(/^CouldNotRunError: /);
    expect(said).toMatch(words);
    expect(made).toBe(attempts);
  });

  it.each<[string, Attempt, RegExp]>([
    ["never starts", { end: "hang" }, /: the kernel did not come up for 4 s; /],
    ["falls silent", { answer: encodeFrame(0, GUEST), end: "hang" }, /: the guest said nothing for 4 s; /],
  ])("gives a guest up that %s", async (_, attempt, words) => {
    expect((await run([attempt], 4000)).said).toMatch(words);
  });

  it("refuses an acceleration that is none, before anything is started", async () => {
    const said = "CouldNotRunError: BTFGEN_VM_ACCEL=hvf: should be kvm or tcg";
    expect(await run([{ answer: WHOLE }], 20_000, "hvf")).toEqual({ said, attempts: "" });
  });

  describe.skipIf(!hasKvm())("with a device for KVM", () => {
    it.each<[string, Attempt, string]>([
      ["refuses", { complaint: "failed to initialize kvm\n", end: 1 }, "kvm tcg"],
      ["hangs", { end: "hang" }, "kvm tcg"],
      ["is slow, and says so", { console: "Linux", delayMs: 4000, answer: WHOLE }, "kvm"],
    ])("that %s", async (_, attempt, attempts) => {
      expect(await run([attempt, { answer: WHOLE }], 20_000, "")).toEqual({ said: "guest end", attempts });
    });

    it("that is asked for by name: nothing else is tried", async () => {
      const { said, attempts } = await run([{ complaint: "no kvm\n", end: 1 }], 20_000, "kvm");
      expect({ said: said.includes("failed: no kvm"), attempts }).toEqual({ said: true, attempts: "kvm" });
    });
  });
});

function hasKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
