import type { Loader } from "./loader.ts";
import { TYPESCRIPT_RUNTIME } from "./runtime-ts.ts";
import { inComment, literal, namedMaps, namedPrograms, stepTexts } from "./source-text.ts";

const COLUMNS = 110;

/**
 * A TypeScript module that embeds a loader: open, setVariable, setMaxEntries, load. Node has no system calls of its own,
 * so the module calls bpf(2) through the package koffi.
 */
export function emitTypeScript(loader: Loader): string {
  const maps = namedMaps(loader);
  const programs = namedPrograms(loader);
  const places = (list: readonly { readonly id: string; readonly what: { readonly descriptorAt: number } }[]) =>
    list.map(({ id, what }) => `  ${literal(id)}: ${what.descriptorAt},\n`).join("");
  const variables = maps.flatMap(({ id, what }) =>
    what.contentsAt === null
      ? []
      : what.variables.map(({ name, offset, size }) => {
          return `  ${literal(`${id}.${name}`)}: { map: ${literal(id)}, at: ${what.contentsAt}, offset: ${offset}, size: ${size}, section: ${what.valueSize} },\n`;
        }),
  );
  const kconfig = maps.filter(({ what }) => what.origin === "kconfig");
  return `// Made by btfgen loader from ${inComment(loader.object)}: do not edit. Linux ${loader.since} and later; wants the package koffi.
${TYPESCRIPT_RUNTIME}
const LITTLE_ENDIAN = ${loader.littleEndian};
const DATA_BYTES = ${loader.dataSize};
const CONTEXT_BYTES = ${loader.contextSize};

/** Places in the context of file descriptors. */
const MAPS = {
${places(maps)}} as const;
const PROGRAMS = {
${places(programs)}} as const;

/** Places in the data, before it is loaded. */
const MAX_ENTRIES = {
${maps.map(({ id, what }) => `  ${literal(id)}: ${what.maxEntriesAt},\n`).join("")}} as const;
const VARIABLES = {
${[...new Set(variables)].join("")}} as const;
const PER_CPU: readonly number[] = [${maps
    .filter(({ what }) => what.entryPerCpu)
    .map(({ what }) => what.maxEntriesAt)
    .join(", ")}];
const SETTINGS: readonly (readonly [name: string, at: number, size: number])[] = [${kconfig
    .flatMap(({ what }) =>
      what.variables.map(({ name, offset, size }) => `[${literal(name)}, ${(what.contentsAt ?? 0) + offset}, ${size}]`),
    )
    .join(", ")}];

const STEPS: readonly string[] = [
${stepTexts(loader)
  .map((step) => `  ${literal(step)},\n`)
  .join("")}];

const INSTRUCTIONS =
${base64(loader.instructions)};

const DATA =
${base64(loader.data)};
`;
}

/** Base64 in lines. The library has no Buffer: it runs anywhere. */
function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const text = btoa(binary);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += COLUMNS) lines.push(`  "${text.slice(at, at + COLUMNS)}"`);
  return lines.length === 0 ? '  ""' : lines.join(" +\n");
}
