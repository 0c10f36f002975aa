import type { Command, OptionSpec } from "./command.ts";

/** Options that a shell offers for every command, besides its own. */
const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { type: "boolean", describe: "Write the result as JSON" },
  help: { type: "boolean", describe: "Show help" },
};

/** bash: one function, a `case` of commands; file names where no word list applies. */
export function bashScript(commands: readonly Command[]): string {
  const names = commands.map((command) => command.name).join(" ");
  const cases = commands.map((command) => {
    const valued = allOptions(command).filter(([, spec]) => spec.choices);
    const values = valued.map(
      ([name, spec]) => `      ${flags(name, spec).join("|")}) words="${spec.choices?.join(" ")}" ;;`,
    );
    const options = allOptions(command).flatMap(([name, spec]) => flags(name, spec));
    return [
      `    ${command.name})`,
      `      words="${positionalWords(command).join(" ")}"`,
      `      case "$cur" in -*) words="${options.join(" ")}" ;; esac`,
      ...(values.length === 0 ? [] : ['      case "$prev" in', ...values.map((line) => `  ${line}`), "      esac"]),
      "      ;;",
    ].join("\n");
  });
  return `# bash completion for btfgen
_btfgen() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _btfgen btfgen
`;
}

/** zsh: `_arguments` specifications, one function a command. */
export function zshScript(commands: readonly Command[]): string {
  const list = commands.map((command) => `    ${quoted(`${command.name}:${command.summary}`)}`);
  const cases = commands.map((command) => {
    const options = allOptions(command).flatMap(([name, spec]) =>
      flags(name, spec).map((flag) => {
        const value = spec.type === "boolean" ? "" : `:${spec.value ?? "value"}:${zshAction(spec.choices)}`;
        return quoted(`${spec.list ? "*" : ""}${flag}[${zshText(spec.describe)}]${value}`);
      }),
    );
    const positionals = command.positionals.map((spec) =>
      quoted(`${spec.list ? "*" : ""}:${spec.name}:${zshAction(spec.choices)}`),
    );
    return `    ${command.name}) _arguments -s ${[...options, ...positionals].join(" ")} ;;`;
  });
  return `#compdef btfgen
_btfgen() {
  local -a commands
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _btfgen "$@"; else compdef _btfgen btfgen; fi
`;
}

/** fish: one `complete` line a command and an option. */
export function fishScript(commands: readonly Command[]): string {
  const lines = ["# fish completion for btfgen", "complete -c btfgen -n __fish_use_subcommand -l version -f"];
  for (const command of commands) {
    lines.push(`complete -c btfgen -n __fish_use_subcommand -f -a ${command.name} -d ${fishQuoted(command.summary)}`);
    const condition = `-n ${fishQuoted(`__fish_seen_subcommand_from ${command.name}`)}`;
    const words = positionalWords(command);
    if (words.length > 0) lines.push(`complete -c btfgen ${condition} -f -a ${fishQuoted(words.join(" "))}`);
    for (const [name, spec] of allOptions(command)) {
      const short = spec.alias === undefined ? "" : ` -s ${spec.alias}`;
      const takesFile = spec.value === "FILE" || spec.value === "DIR";
      const value = spec.type === "boolean" ? "" : takesFile ? " -r -F" : " -x";
      const choices = spec.choices === undefined ? "" : ` -a ${fishQuoted(spec.choices.join(" "))}`;
      lines.push(
        `complete -c btfgen ${condition} -l ${name}${short}${value}${choices} -d ${fishQuoted(spec.describe)}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function allOptions(command: Command): [string, OptionSpec][] {
  return Object.entries({ ...command.options, ...COMMON });
}

function flags(name: string, spec: OptionSpec): string[] {
  return spec.alias === undefined ? [`--${name}`] : [`--${name}`, `-${spec.alias}`];
}

function positionalWords(command: Command): string[] {
  return command.positionals.flatMap((spec) => spec.choices ?? []);
}

function zshAction(choices: readonly string[] | undefined): string {
  return choices === undefined ? "_files" : `(${choices.join(" ")})`;
}

/** Brackets and colons end a description in `_arguments`. */
function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
