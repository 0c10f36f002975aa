import type { Outcome } from "./outcome.ts";

/** One option of a command, as data: the parser, the help, the completion and the handler's types come from it. */
export interface OptionSpec {
  /** `boolean` takes no value; the others take exactly one. */
  readonly type: "boolean" | "string" | "number";
  readonly describe: string;
  /** A single letter: `o` for `-o`. */
  readonly alias?: string;
  /** May be given several times, one value each. */
  readonly list?: boolean;
  /** Refused when missing. */
  readonly required?: boolean;
  readonly choices?: readonly string[];
  /** The word for the value in help; `FILE` and `DIR` make shells complete file names. */
  readonly value?: string;
}

/** One positional argument. At most the last may be a list, and optional ones come last. */
export interface PositionalSpec {
  readonly name: string;
  readonly describe: string;
  readonly list?: boolean;
  readonly optional?: boolean;
  readonly choices?: readonly string[];
}

/** A command line that works, and what it is for. */
export interface Example {
  /** Without the program's name. */
  readonly line: string;
  readonly describe: string;
}

type Options = Readonly<Record<string, OptionSpec>>;

/** A command as data. Its code is elsewhere (handlers.ts), so that no command pays for another's modules. */
export interface Command<
  N extends string = string,
  P extends readonly PositionalSpec[] = readonly PositionalSpec[],
  O extends Options = Options,
> {
  readonly name: N;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** More, for the command's own help. */
  readonly description?: string;
  readonly positionals: P;
  readonly options: O;
  readonly examples: readonly Example[];
}

type Scalar<S> = S extends { choices: readonly (infer C)[] }
  ? C
  : S extends { type: "boolean" }
    ? boolean
    : S extends { type: "number" }
      ? number
      : string;

/** A list is never undefined (it may be empty), neither is a boolean; any other option is, unless required. */
type OptionValue<S> = S extends { list: true }
  ? readonly Scalar<S>[]
  : S extends { type: "boolean" } | { required: true }
    ? Scalar<S>
    : Scalar<S> | undefined;

type PositionalValue<S> = S extends { list: true }
  ? readonly Scalar<S>[]
  : S extends { optional: true }
    ? Scalar<S> | undefined
    : Scalar<S>;

/**
 * What the handler of a command receives: one property a positional and an option, by the names in the data, and
 * `json`. Used as `Args<typeof minimize>`.
 */
export type Args<C extends Command> = {
  readonly [S in C["positionals"][number] as S["name"]]: PositionalValue<S>;
} & { readonly [K in keyof C["options"]]: OptionValue<C["options"][K]> } & { readonly json: boolean };

/** A command's own code: thin, at most 30 lines; it prints nothing and writes nothing. */
export type Handler<C extends Command> = (args: Args<C>) => Outcome | Promise<Outcome>;

/** Keeps the literal types of a command's data, so that its handler's arguments are typed by it. */
export function defineCommand<
  const N extends string,
  const P extends readonly PositionalSpec[],
  const O extends Options,
>(command: Command<N, P, O>): Command<N, P, O> {
  return command;
}

/** How a command is called: `minimize <btf> <object..> [options]`. */
export function usageOf(command: Command): string {
  const words = command.positionals.map((spec) => {
    const name = spec.list ? `${spec.name}..` : spec.name;
    return spec.optional ? `[${name}]` : `<${name}>`;
  });
  return [command.name, ...words].join(" ");
}
