import type { Loader, LoaderMap } from "./loader.ts";
import { C_RUNTIME } from "./runtime-c.ts";
import {
  byteLines,
  identifier,
  inComment,
  literal,
  loaderIdentifier,
  type Named,
  namedMaps,
  namedPrograms,
  stepTexts,
} from "./source-text.ts";

/** BPF_F_MMAPABLE */
const MAPPABLE = 1 << 10;
/** Sizes of which C has an unsigned integer. */
const INTEGERS: ReadonlySet<number> = new Set([1, 2, 4, 8]);

/**
 * A C header that embeds a loader: NAME__open, NAME__load, NAME__close, and a struct with file descriptors and the
 * contents of data sections. It wants a C library and bpf(2), and nothing of libbpf.
 */
export function emitC(loader: Loader): string {
  const name = loaderIdentifier(loader);
  const guard = `BTFGEN_LOADER_${name.toUpperCase()}_H`;
  const maps = namedMaps(loader);
  const programs = namedPrograms(loader);
  const data = maps.filter(({ what }) => what.contentsAt !== null);
  const steps = stepTexts(loader);
  const order = loader.littleEndian ? "__ORDER_LITTLE_ENDIAN__" : "__ORDER_BIG_ENDIAN__";
  return `/* A loader program of ${inComment(loader.object)}, made by btfgen loader; Linux ${loader.since} and later. */
#ifndef ${guard}
#define ${guard}

${C_RUNTIME}
#if __BYTE_ORDER__ != ${order}
#error "the object is of another byte order than this machine"
#endif

${data.map((map) => sectionStruct(name, map)).join("")}/* What ${name}__open gives. Descriptors are -1 before ${name}__load; they are closed by ${name}__close. */
struct ${name} {
	struct btfgen_loader loader;
	struct {
${maps.map(({ id }) => `\t\tint ${id};\n`).join("")}${maps.length === 0 ? "\t\tint none_;\n" : ""}	} maps;
	struct {
${programs.map(({ id }) => `\t\tint ${id};\n`).join("")}${programs.length === 0 ? "\t\tint none_;\n" : ""}	} programs;
	/* Before ${name}__load what the sections start with; afterwards the maps themselves, or NULL where they cannot be mapped. */
${data.map(({ id }) => `\tstruct ${name}__${id} *${id};\n`).join("")}};

/* Numbers of entries to start with: call these before ${name}__load. */
${maps
  .filter(({ what }) => what.origin === "declared")
  .map(({ id, what }) => maxEntries(name, id, what))
  .join("")}
static const unsigned char ${name}__instructions[] __attribute__((aligned(8))) = {
${byteLines(loader.instructions, "\t")}};

static const unsigned char ${name}__data[] __attribute__((aligned(8))) = {
${byteLines(loader.data, "\t")}};

static const char *const ${name}__steps[] = {
${steps.map((step) => `\t${literal(step)},\n`).join("")}	0,
};

/* NULL where there is no memory. */
static inline struct ${name} *${name}__open(void)
{
	struct ${name} *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	if (btfgen_open(&self->loader, ${name}__data, sizeof(${name}__data), ${loader.dataSize})) {
		free(self);
		return NULL;
	}
${maps.map(({ id }) => `\tself->maps.${id} = -1;\n`).join("")}${programs.map(({ id }) => `\tself->programs.${id} = -1;\n`).join("")}${data.map(({ id, what }) => `\tself->${id} = (struct ${name}__${id} *)(self->loader.data + ${what.contentsAt});\n`).join("")}${perCpu(maps)}${settings(maps)}	return self;
}

/*
 * Creates the maps and loads the programs. 0, or a negative errno: then nothing is left of them, self->loader.failed says
 * what has failed, and the log (of log_size bytes; may be NULL) has the verifier's words on it.
 */
static inline int ${name}__load(struct ${name} *self, char *log, uint32_t log_size)
{
	unsigned char context[${loader.contextSize}] __attribute__((aligned(8)));
	int error = btfgen_load(&self->loader, ${name}__instructions, sizeof(${name}__instructions) / 8, context,
				sizeof(context), ${name}__steps, ${steps.length}, log, log_size);

	if (error)
		return error;
${[...maps.map((map) => ({ ...map, kind: "maps" })), ...programs.map((program) => ({ ...program, kind: "programs" }))]
  .map(({ kind, id, what }) => `\tself->${kind}.${id} = btfgen_descriptor(context, ${what.descriptorAt});\n`)
  .join("")}${data.map(mapSection).join("")}	btfgen_done(&self->loader);
	return 0;
}

/* Closes all descriptors: what is attached or pinned stays. */
static inline void ${name}__close(struct ${name} *self)
{
	if (!self)
		return;
${data.map(({ id, what }) => `\tbtfgen_unmap(&self->loader, self->${id}, ${what.valueSize});\n`).join("")}${programs.map(({ id }) => `\tbtfgen_close(self->programs.${id});\n`).join("")}${maps.map(({ id }) => `\tbtfgen_close(self->maps.${id});\n`).join("")}	btfgen_done(&self->loader);
	free(self);
}

#endif
`;
}

/** The variables of a section as a struct: integers of their sizes, all else as bytes. */
function sectionStruct(name: string, { id, what }: Named<LoaderMap>): string {
  const members: string[] = [];
  let end = 0;
  const pad = (to: number) => {
    if (to > end) members.push(`\tunsigned char pad_${end}[${to - end}];\n`);
    end = Math.max(end, to);
  };
  const given = new Set<string>();
  for (const variable of what.variables) {
    const member = identifier(variable.name);
    // One inside another, or of a name that is there, is left to its bytes.
    if (variable.offset < end || variable.size === 0 || given.has(member)) continue;
    given.add(member);
    pad(variable.offset);
    const { size } = variable;
    members.push(INTEGERS.has(size) ? `\tuint${size * 8}_t ${member};\n` : `\tunsigned char ${member}[${size}];\n`);
    end = variable.offset + size;
  }
  pad(what.valueSize);
  return `/* ${inComment(what.section)} */\nstruct ${name}__${id} {\n${members.join("")}} __attribute__((packed));\n\n`;
}

function maxEntries(name: string, id: string, { maxEntriesAt }: LoaderMap): string {
  return `static inline void ${name}__set_max_entries_${id}(struct ${name} *self, uint32_t count)
{
	memcpy(self->loader.data + ${maxEntriesAt}, &count, sizeof(count));
}
`;
}

function perCpu(maps: readonly Named<LoaderMap>[]): string {
  return maps
    .filter(({ what }) => what.entryPerCpu)
    .map(({ what }) => `\tbtfgen_per_cpu(&self->loader, ${what.maxEntriesAt});\n`)
    .join("");
}

/** What libbpf makes up for externs of `.kconfig`. */
function settings(maps: readonly Named<LoaderMap>[]): string {
  return maps
    .filter(({ what }) => what.origin === "kconfig")
    .flatMap(({ what }) =>
      what.variables.map(({ name, offset, size }) => {
        return `\tbtfgen_setting(&self->loader, ${literal(name)}, ${(what.contentsAt ?? 0) + offset}, ${size});\n`;
      }),
    )
    .join("");
}

function mapSection({ id, what }: Named<LoaderMap>): string {
  if ((what.flags & MAPPABLE) === 0) return `\tself->${id} = NULL;\n`;
  return `\tself->${id} = btfgen_map(self->maps.${id}, ${what.valueSize}, ${what.frozen ? 0 : 1});\n`;
}
