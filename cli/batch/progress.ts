import { isatty } from "node:tty";
import type { BatchEvent, FileEvent } from "../../corpus/batch/event.ts";
import { writeErr, writeOut } from "../output.ts";
import { grouped, printable } from "../table.ts";

/** What shows how a run goes on. */
export interface Progress {
  onEvent(event: BatchEvent): void;
  /** Something that could not even be looked at. */
  onProblem(origin: string, reason: string): void;
  /** Clears what is on the screen. */
  end(): void;
}

const STDERR = 2;
const BAR_WIDTH = 24;
const BAR_EVERY_MS = 100;
const LOG_EVERY_MS = 10_000;
const LOG_EVERY_SHARE = 0.1;
const NAME_WIDTH = 48;
const SECOND = 1000;
const MINUTE = 60;
const HOUR = 3600;
const CLEAR_LINE = "\r\x1b[K";

/**
 * JSON, a line an event, on standard output where that is asked for. Otherwise on standard error: one line that is
 * drawn over itself on a terminal, and a plain line now and then in a log. A failure is always a line of its own.
 */
export function startProgress(json: boolean): Progress {
  if (json) return jsonLines();
  const isTerminal = isatty(STDERR) && process.env.CI === undefined && process.env.TERM !== "dumb";
  return isTerminal ? bar() : log();
}

function jsonLines(): Progress {
  return {
    onEvent: (event) => writeOut(`${JSON.stringify(event)}\n`),
    onProblem: (file, reason) => writeOut(`${JSON.stringify({ event: "problem", file, reason })}\n`),
    end: () => {},
  };
}

function bar(): Progress {
  const meter = newMeter();
  let drawn = 0;
  const draw = (now: number) => {
    drawn = now;
    const share = meter.share();
    const filled = Math.round(share * BAR_WIDTH);
    const cells = `${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}`;
    const line = `[${cells}] ${meter.text()}  ${meter.current()}`;
    writeErr(`${CLEAR_LINE}${line.slice(0, (process.stderr.columns || 80) - 1)}`);
  };
  const say = (line: string) => writeErr(`${CLEAR_LINE}${line}`);
  return {
    onEvent: (event) => {
      meter.take(event);
      for (const line of failuresOf(event)) say(line);
      const now = Date.now();
      if (now - drawn >= BAR_EVERY_MS) draw(now);
    },
    onProblem: (origin, reason) => say(problemLine(origin, reason)),
    end: () => writeErr(CLEAR_LINE),
  };
}

function log(): Progress {
  const meter = newMeter();
  let told = Date.now();
  let toldShare = 0;
  return {
    onEvent: (event) => {
      meter.take(event);
      for (const line of failuresOf(event)) writeErr(line);
      const now = Date.now();
      const isFar = meter.share() - toldShare >= LOG_EVERY_SHARE && now - told >= SECOND;
      if (event.event !== "file" || (now - told < LOG_EVERY_MS && !isFar)) return;
      told = now;
      toldShare = meter.share();
      writeErr(`btfgen: ${meter.text()}\n`);
    },
    onProblem: (origin, reason) => writeErr(problemLine(origin, reason)),
    end: () => {},
  };
}

function failuresOf(event: BatchEvent): string[] {
  if (event.event !== "file") return [];
  const failed = event.kernels.filter(({ state }) => state === "failed");
  return failed.map(({ origin, reason }) => problemLine(origin, reason ?? ""));
}

function problemLine(origin: string, reason: string): string {
  return `btfgen: ${printable(`${origin}: ${reason}`)}\n`;
}

/** Counts, and says it in words. Time left is by bytes, for files differ in size more than in what a byte costs. */
function newMeter() {
  let files = 0;
  let done = 0;
  let failed = 0;
  let bytes = 0;
  let bytesDone = 0;
  let begin = Date.now();
  const running = new Set<string>();
  const take = (event: BatchEvent) => {
    if (event.event === "start") {
      ({ files, bytes } = event);
      begin = Date.now();
    } else if (event.event === "file-start") running.add(event.file);
    else count(event);
  };
  const count = (event: FileEvent) => {
    running.delete(event.file);
    done++;
    bytesDone += event.bytes;
    failed += event.kernels.filter(({ state }) => state === "failed").length;
  };
  const share = () => (bytes === 0 ? (files === 0 ? 1 : done / files) : Math.min(1, bytesDone / bytes));
  const text = () => {
    const seconds = (Date.now() - begin) / SECOND;
    const rate = seconds === 0 ? 0 : done / seconds;
    const left = bytesDone === 0 ? null : (seconds * (bytes - bytesDone)) / bytesDone;
    const parts = [
      `${grouped(done)} of ${grouped(files)} files (${Math.floor(100 * share())} %)`,
      `${rate.toFixed(1)}/s`,
    ];
    if (left !== null && done < files) parts.push(`${duration(left)} left`);
    if (failed > 0) parts.push(`${grouped(failed)} failed`);
    return parts.join(", ");
  };
  // The one that has been running longest.
  const current = () => printable([...running][0] ?? "").slice(-NAME_WIDTH);
  return { take, share, text, current };
}

/** `42 s`, `3:07`, `1:02:09`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor((whole % HOUR) / MINUTE);
  const rest = two(whole % MINUTE);
  return whole < HOUR ? `${minutes}:${rest}` : `${Math.floor(whole / HOUR)}:${two(minutes)}:${rest}`;
}
