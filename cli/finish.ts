import { isStdout, makeDirectory, writeFiles } from "./atomic.ts";
import type { ExitCode, Outcome } from "./outcome.ts";
import { streamOut, writeErr, writeOut } from "./output.ts";
import { printableLines } from "./table.ts";

/**
 * Carries out what a handler asked for: its files first (a summary of a file that could not be written would be a
 * lie), then its remarks, then its result.
 */
export function finish(outcome: Outcome, json: boolean): ExitCode {
  const files = outcome.files ?? [];
  for (const directory of outcome.directories ?? []) makeDirectory(directory);
  writeFiles(files);
  for (const note of outcome.notes ?? []) writeErr(`btfgen: ${printableLines(note)}\n`);
  const stdoutTaken = files.some((file) => isStdout(file.path));
  if (outcome.stream !== undefined) {
    if (stdoutTaken) outcome.stream(writeErr);
    else streamOut(outcome.stream);
    return outcome.exitCode;
  }
  const text = json ? jsonText(outcome.json) : (outcome.text?.() ?? "");
  if (text !== "") (stdoutTaken ? writeErr : writeOut)(text);
  return outcome.exitCode;
}

function jsonText(json: unknown): string {
  return `${JSON.stringify(json, jsonValue, 2)}\n`;
}

/** JSON has no 64-bit integers: those that a double cannot hold become decimal strings, the others numbers. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();
}
