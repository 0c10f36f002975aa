import yargs, { type Argv } from "yargs";
import { nearest } from "../lib/core/nearest.ts";
import { choiceHint } from "./choice.ts";
import { type Command, type OptionSpec, usageOf } from "./command.ts";
import { UsageError } from "./errors.ts";

const PROGRAM = "btfgen";
const HELP_WIDTH = 110;

/** Options that every command has. */
const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { type: "boolean", describe: "Write the result to standard output as one JSON document" },
};

/** A parsed command line: the command to run with its arguments, or the help that was asked for. */
export type Parsed =
  | { readonly command: Command; readonly args: Readonly<Record<string, unknown>> }
  | { readonly help: string };

/**
 * Parses a command line with the commands' own data. yargs splits and converts it and prints the help; what is
 * unknown or missing is judged here, where the data says what would have been right. Throws UsageError.
 *
 * The command is looked up before yargs sees anything, and is the only one yargs hears of: the others would cost
 * their registration, and a named command also a help text that yargs makes ready at every run (2 ms of 6).
 */
export async function parse(argv: readonly string[], commands: readonly Command[], version: string): Promise<Parsed> {
  const [word, ...rest] = argv;
  const command = commands.find((candidate) => candidate.name === word);
  if (command !== undefined) return parseCommand(command, rest);
  if (word === "help") return parse([...rest.slice(0, 1), "--help"], commands, version);
  if (word === undefined || word === "-h" || word === "--help") {
    const help = await overview(commands, version);
    if (word === undefined) throw new UsageError("no command given", `\n${help}`);
    return { help };
  }
  const isOption = word.startsWith("-");
  const names = isOption ? ["--help", "--version"] : commands.map((candidate) => candidate.name);
  throw new UsageError(`no ${isOption ? "option" : "command"} ${word}`, choiceHint(word, names));
}

/** `-oFILE` as `-o FILE`, as getopt has it; yargs takes it for several options of a letter. */
function apart(word: string, command: Command): string[] {
  const [, letter, value = ""] = /^-([a-zA-Z])([^=].*)$/s.exec(word) ?? [];
  const spec = Object.values(command.options).find(({ alias }) => alias !== undefined && alias === letter);
  return spec === undefined || spec.type === "boolean" ? [word] : [`-${letter}`, value];
}

/** `--object -` as `--object=-`: yargs gives lists no value that begins with a dash, not even the dash alone. */
function withDashes(words: readonly string[], command: Command): string[] {
  const lists = Object.entries(command.options).filter(([, { list }]) => list === true);
  const names = new Set(lists.flatMap(([name, { alias }]) => [`--${name}`, ...(alias ? [`-${alias}`] : [])]));
  return words.flatMap((word, i) => {
    if (word === "-" && names.has(words[i - 1] ?? "")) return [];
    return words[i + 1] === "-" && names.has(word) ? [`${word}=-`] : [word];
  });
}

async function parseCommand(command: Command, words: readonly string[]): Promise<Parsed> {
  const end = words.indexOf("--");
  const options = end === -1 ? words : words.slice(0, end);
  const parted = options.flatMap((word) => apart(word, command));
  const argv = [...withDashes(parted, command), ...words.slice(options.length)];
  const parser = newParser(argv)
    // yargs begins the help with this.
    .scriptName(`${PROGRAM} ${usageOf(command)}`)
    .fail((message, error) => {
      // A YError is yargs' own word for a wrong command line; anything else is a fault of ours.
      if (error !== undefined && error !== null && error.name !== "YError") throw error;
      throw usageErrorOf(message ?? error.message, command);
    })
    .version(false)
    // `false` keeps it out of its own help, which has the same words above.
    .command("$0", false, (sub) => describe(sub, command));
  let help = "";
  const raw: Record<string, unknown> = await parser.parseAsync([...argv], {}, (_error, _args, output) => {
    help = output;
  });
  return help === "" ? { command, args: checked(raw, command) } : { help: `${help}\n` };
}

/** The list of commands. */
async function overview(commands: readonly Command[], version: string): Promise<string> {
  const parser = newParser([])
    .scriptName(PROGRAM)
    .usage(`${PROGRAM} COMMAND [options]\n\nShrinks kernel BTF to what BPF objects need, and proves it.`)
    .version(version)
    .epilogue(`Run ${PROGRAM} COMMAND --help for a command's options and examples.`);
  for (const command of commands) parser.command(usageOf(command), command.summary);
  return `${await parser.getHelp()}\n`;
}

function newParser(argv: readonly string[]): Argv {
  return yargs([...argv])
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "duplicate-arguments-array": true,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .exitProcess(false)
    .wrap(HELP_WIDTH)
    .alias("help", "h");
}

function describe(parser: Argv, command: Command): Argv {
  parser.usage(`\n${command.description ?? command.summary}`);
  // For the help alone. yargs parses positionals a second time, as if they were options, and so turns `-` into
  // nothing and what follows `--` into options: `positionals` below takes the words as they are.
  for (const spec of command.positionals) {
    parser.positional(spec.name, {
      describe: spec.describe,
      type: "string",
      ...(spec.choices && { choices: spec.choices }),
    });
  }
  for (const [name, spec] of Object.entries({ ...command.options, ...COMMON })) {
    const takesValue = spec.type !== "boolean";
    const value = spec.value === undefined ? "" : `${spec.value}: `;
    parser.option(name, {
      describe: `${value}${spec.describe}${spec.required ? " (required)" : ""}`,
      // Numbers are converted in `scalar`, where a wrong one can be named.
      type: takesValue ? "string" : "boolean",
      ...(spec.alias && { alias: spec.alias }),
      ...(spec.choices && { choices: spec.choices }),
      ...(spec.list && { array: true }),
      ...(takesValue && { requiresArg: true }),
    });
  }
  for (const example of command.examples) parser.example(`${PROGRAM} ${example.line}`, example.describe);
  return parser;
}

/** Checks what yargs parsed against the command's data and gives each property the type that data promises. */
function checked(raw: Readonly<Record<string, unknown>>, command: Command): Record<string, unknown> {
  const options = { ...command.options, ...COMMON };
  const known = new Set(["_", "$0", "help", "h"]);
  for (const [name, spec] of Object.entries(options)) {
    known.add(name);
    if (spec.alias) known.add(spec.alias);
  }
  for (const name of Object.keys(raw)) {
    if (!known.has(name)) throw unknownOption(name, Object.keys(options), command);
  }
  const args = positionals(Array.isArray(raw._) ? raw._.map(String) : [], command);
  for (const [name, spec] of Object.entries(options)) args[name] = optionValue(name, spec, raw[name], command);
  return args;
}

/** Gives each word to its positional; a list takes all that is left. */
function positionals(words: readonly string[], command: Command): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  const missing: string[] = [];
  let next = 0;
  for (const spec of command.positionals) {
    const taken = words.slice(next, spec.list ? undefined : next + 1);
    next += taken.length;
    if (taken.length === 0 && !spec.optional) missing.push(`<${spec.name}>`);
    const wrong = spec.choices && taken.find((word) => !spec.choices?.includes(word));
    if (wrong !== undefined) {
      const article = /^[aeiou]/.test(spec.name) ? "an" : "a";
      throw new UsageError(`${command.name}: ${wrong} is not ${article} ${spec.name}`, choicesHint(spec));
    }
    if (taken.includes("")) throw new UsageError(`${command.name}: <${spec.name}> is empty`, helpHint(command));
    args[spec.name] = spec.list ? taken : taken[0];
  }
  if (missing.length > 0) throw new UsageError(`${command.name}: missing ${missing.join(" ")}`, helpHint(command));
  const extra = words[next];
  if (extra !== undefined) {
    throw new UsageError(`${command.name}: one argument too many: ${extra}`, helpHint(command));
  }
  return args;
}

function optionValue(name: string, spec: OptionSpec, value: unknown, command: Command): unknown {
  if (spec.type === "boolean") return Array.isArray(value) ? value.includes(true) : value === true;
  const values = asList(value).map((item) => scalar(name, spec, String(item), command));
  if (spec.list) return values;
  if (values.length > 1) throw new UsageError(`--${name} is given ${values.length} times`, helpHint(command));
  if (values.length === 0 && spec.required) {
    throw new UsageError(`${command.name} needs --${name} ${spec.value ?? "VALUE"}`, helpHint(command));
  }
  return values[0];
}

function scalar(name: string, spec: OptionSpec, text: string, command: Command): string | number {
  // A shell variable that is not set, most likely.
  if (text === "") throw new UsageError(`${command.name}: --${name} needs a value`, helpHint(command));
  if (spec.type !== "number") return text;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new UsageError(`--${name}: ${text} is not a number`);
  return value;
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function unknownOption(name: string, names: readonly string[], command: Command): UsageError {
  const dashed = name.length === 1 ? `-${name}` : `--${name}`;
  return new UsageError(`${command.name} has no option ${dashed}`, unknownHint(name, names, command));
}

/** -o is --output, of every command that has it: with the others it is a file to write, and never anything else. */
function unknownHint(name: string, names: readonly string[], command: Command): string {
  if (name === "o" || name === "output") {
    const objects = names.includes("object") ? "; an object is given with --object FILE" : "";
    return `The result goes to standard output${objects}.`;
  }
  const guess = nearest(name, names);
  return guess === undefined ? helpHint(command) : `Did you mean --${guess}?`;
}

/** What yargs found wrong, in our words where we have some. */
function usageErrorOf(message: string, command: Command): UsageError {
  const valueless = /^Not enough arguments following: (\S+)/.exec(message)?.[1];
  if (valueless !== undefined) {
    const name = Object.entries(command.options).find(([key, spec]) => key === valueless || spec.alias === valueless);
    return new UsageError(`${command.name}: --${name?.[0] ?? valueless} needs a value`, helpHint(command));
  }
  const [, name = "", given] = /^Invalid values:\s+Argument: (\S+), Given: "(.*?)", Choices:/s.exec(message) ?? [];
  const spec = command.options[name];
  if (spec?.choices !== undefined) {
    return new UsageError(`${command.name}: --${name} cannot be ${given}`, choicesHint(spec));
  }
  const lines = message.split("\n").map((line) => line.trim());
  return new UsageError(`${command.name}: ${lines.filter((line) => line !== "").join(" ")}`, helpHint(command));
}

function choicesHint(spec: { readonly choices?: readonly string[] }): string {
  return `Choices: ${spec.choices?.join(", ")}`;
}

function helpHint(command: Command): string {
  return `See ${PROGRAM} ${command.name} --help.`;
}
