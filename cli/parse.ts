import yargs, { type Argv } from "yargs";
import { type Command, type OptionSpec, usageOf } from "./command.ts";
import { UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";

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
  const names = commands.map((candidate) => candidate.name);
  const guess = nearest(word, names);
  const hint = guess === undefined ? `Commands: ${names.join(", ")}` : `Did you mean ${guess}?`;
  throw new UsageError(`no ${word.startsWith("-") ? "option" : "command"} ${word}`, hint);
}

async function parseCommand(command: Command, argv: readonly string[]): Promise<Parsed> {
  const parser = newParser(argv)
    .scriptName(`${PROGRAM} ${command.name}`)
    .fail((message, error) => {
      throw error ?? new UsageError(friendly(message, command), helpHint(command));
    })
    .version(false)
    // `false` keeps it out of its own help, which has the same words above.
    .command(usageOf({ ...command, name: "$0" }), false, (sub) => describe(sub, command));
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
  for (const spec of command.positionals) {
    parser.positional(spec.name, {
      describe: spec.describe,
      type: "string",
      ...(spec.choices && { choices: spec.choices }),
    });
  }
  for (const [name, spec] of Object.entries({ ...command.options, ...COMMON })) {
    const takesValue = spec.type !== "boolean";
    parser.option(name, {
      describe: spec.value === undefined ? spec.describe : `${spec.value}: ${spec.describe}`,
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
  const known = new Set(["_", "$0", "help", "h", "version", ...command.positionals.map((spec) => spec.name)]);
  for (const [name, spec] of Object.entries(options)) {
    known.add(name);
    if (spec.alias) known.add(spec.alias);
  }
  for (const name of Object.keys(raw)) {
    if (!known.has(name)) throw unknownOption(name, Object.keys(options), command);
  }
  const extra = Array.isArray(raw._) ? raw._[0] : undefined;
  if (extra !== undefined) {
    throw new UsageError(`${command.name}: one argument too many: ${String(extra)}`, helpHint(command));
  }
  const args: Record<string, unknown> = {};
  for (const spec of command.positionals) {
    const value = raw[spec.name];
    args[spec.name] = spec.list ? asList(value).map(String) : value === undefined ? undefined : String(value);
  }
  for (const [name, spec] of Object.entries(options)) args[name] = optionValue(name, spec, raw[name], command);
  return args;
}

function optionValue(name: string, spec: OptionSpec, value: unknown, command: Command): unknown {
  if (spec.type === "boolean") return Array.isArray(value) ? value.includes(true) : value === true;
  const values = asList(value).map((item) => scalar(name, spec, String(item)));
  if (spec.list) return values;
  if (values.length > 1) throw new UsageError(`--${name} is given ${values.length} times`, helpHint(command));
  if (values.length === 0 && spec.required) {
    throw new UsageError(`${command.name} needs --${name} ${spec.value ?? "VALUE"}`, helpHint(command));
  }
  return values[0];
}

function scalar(name: string, spec: OptionSpec, text: string): string | number {
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
  const guess = nearest(name, names);
  const hint = guess === undefined ? helpHint(command) : `Did you mean --${guess}?`;
  return new UsageError(`${command.name} has no option ${dashed}`, hint);
}

/** yargs counts what is missing; a person wants to know its name. */
function friendly(message: string, command: Command): string {
  const missing = /^Not enough non-option arguments: got (\d+)/.exec(message);
  if (missing !== null) {
    const names = command.positionals.slice(Number(missing[1])).filter((spec) => !spec.optional);
    return `${command.name}: missing ${names.map((spec) => `<${spec.name}>`).join(" ")}`;
  }
  const lines = message.split("\n").map((line) => line.trim());
  return `${command.name}: ${lines.filter((line) => line !== "").join(" ")}`;
}

function helpHint(command: Command): string {
  return `See ${PROGRAM} ${command.name} --help.`;
}
