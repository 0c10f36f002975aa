/** C programs that a loader makes something of, or refuses, apart from their relocations. */

/** What libbpf's bpf_helpers.h has, as far as it is used here. */
export const PREFIX = `
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { ___unique_##name = val } name
#define __hidden __attribute__((visibility("hidden")))
#define __noinline __attribute__((noinline))
#define __kconfig SEC(".kconfig")
#define __ksym SEC(".ksyms")
#define __weak __attribute__((weak))
enum { HASH = 1, ARRAY, PROG_ARRAY, PERF_EVENT_ARRAY, ARRAY_OF_MAPS = 12, HASH_OF_MAPS, CGROUP_STORAGE = 19, RINGBUF = 27,
	BLOOM = 30 };
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*loop)(u32 count, void *callback, void *ctx, u64 flags) = (void *)181;
char _license[] SEC("license") = "GPL";
`;

/** Objects that load, by their file's name. */
export const LOADED: Readonly<Record<string, string>> = {
  maps: `
struct value { u32 a, b; };
struct inner { __uint(type, ARRAY); __uint(max_entries, 3); __type(key, u32); __type(value, struct value); };
struct inner first SEC(".maps"), second SEC(".maps");
struct { __uint(type, ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner); }
	outer SEC(".maps") = { .values = { [0] = &first, [2] = &second } };
struct { __uint(type, HASH_OF_MAPS); __uint(max_entries, 2); __uint(key_size, 4);
	__array(values, struct { __uint(type, HASH); __uint(max_entries, 7); __type(key, u32); __type(value, u64); }); }
	anonymous_inner SEC(".maps");
int leaf(void *ctx);
struct { __uint(type, PROG_ARRAY); __uint(max_entries, 3); __type(key, u32); __array(values, int (void *)); }
	jumps SEC(".maps") = { .values = { [1] = (void *)&leaf } };
struct { __uint(type, PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
struct { __uint(type, RINGBUF); __uint(max_entries, 5000); } ring SEC(".maps");
struct { __uint(type, RINGBUF); __uint(max_entries, 8192); } exact_ring SEC(".maps");
struct { __uint(type, BLOOM); __uint(max_entries, 9); __uint(value_size, 8); __uint(map_extra, 3); } bloom SEC(".maps");
struct { __uint(type, HASH); __uint(max_entries, 9); __type(key, struct value); __type(value, struct value[2]);
	__uint(map_flags, 1); __uint(numa_node, 0); __uint(key_size, 8); __uint(pinning, 1); }
	a_map_of_a_long_name_that_is_cut SEC(".maps");
SEC("xdp") int main_program(void *ctx)
{
	u64 zero = 0;
	tail_call(ctx, &jumps, 1);
	return lookup(&outer, &zero) && lookup(&a_map_of_a_long_name_that_is_cut, &zero) && lookup(&second, &zero);
}
SEC("xdp") int leaf(void *ctx) { u32 zero = 0; return lookup(&first, &zero) != 0; }
SEC("?tc") int spare(void *ctx) { return 7; }
`,
  // A longer name than a map's, and dots in it.
  "data_sections_of.many.sorts": `
u64 global_zero, other_zero;
static volatile u64 only_static;
__hidden u64 hidden_zero[3];
u32 initialized = 5;
static volatile u32 static_initialized = 6;
const volatile u32 constant = 7;
__hidden u32 alone SEC(".data.all_hidden") = 1;
u32 custom SEC(".data.custom") = 2;
const u32 long_name SEC(".rodata.abracadabra") = 3;
u32 odd_name SEC(".data.a-b") = 3;
u64 named_zero SEC(".bss.named");
SEC("socket") int read(void *ctx)
{
	only_static++;
	return global_zero + other_zero + hidden_zero[2] + initialized + static_initialized + constant + alone + custom +
		long_name + odd_name + named_zero + *((volatile u32 *)&initialized);
}
`,
  only_static: `
static volatile u64 counter;
static const volatile u32 limit = 9;
SEC("socket") int count(void *ctx) { return counter++ < limit; }
`,
  subprograms: `
static __noinline int deepest(int x) { return x * 3 + 1; }
__noinline int shared(int x) { return deepest(x) + deepest(x + 1); }
__hidden __noinline int concealed(int x) { return shared(x) - 2; }
static __noinline long callback(u32 i, void *ctx) { *(u64 *)ctx += shared(i); return 0; }
static __noinline long other_callback(u32 i, void *ctx) { return deepest(i); }
SEC("tc") int one(void *ctx) { return concealed((long)ctx) + shared(2); }
SEC("tc") int two(void *ctx) { u64 sum = 0; loop(4, callback, &sum, 0); loop(2, other_callback, &sum, 0); return sum; }
SEC("tc") int none(void *ctx) { return 0; }
SEC("tc") int three(void *ctx) { return deepest(1) + concealed(2); }
`,
  settings: `
enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };
extern bool CONFIG_A_BOOL __kconfig;
extern enum libbpf_tristate CONFIG_A_TRISTATE __kconfig, CONFIG_NOT_SET __kconfig __weak;
extern char CONFIG_A_CHAR __kconfig;
extern const char CONFIG_A_STRING[12] __kconfig, CONFIG_A_LONG_STRING[5] __kconfig;
extern short CONFIG_A_SHORT __kconfig;
extern unsigned long CONFIG_A_LONG __kconfig;
extern int CONFIG_AN_INT __kconfig, CONFIG_MISSING __kconfig __weak;
SEC("socket") int sum(void *ctx)
{
	return CONFIG_A_BOOL + CONFIG_A_TRISTATE + CONFIG_NOT_SET + CONFIG_A_CHAR + CONFIG_A_STRING[1] + CONFIG_A_SHORT +
		CONFIG_A_LONG + CONFIG_AN_INT + CONFIG_MISSING + CONFIG_A_LONG_STRING[2];
}
`,
  symbols: `
extern const int absent_variable __ksym __weak;
extern const void absent_address __ksym __weak;
extern int absent_function(int, int y) __ksym __weak;
int unused_global = 4;
SEC("tc") int ask(void *ctx)
{
	if (absent_function) return absent_function(1, 2);
	return (&absent_variable ? 1 : 0) + (&absent_address ? 2 : 0);
}
`,
};

/** For {@link LOADED}'s settings. */
export const SETTINGS = `CONFIG_A_BOOL=y
CONFIG_A_TRISTATE=m
CONFIG_A_CHAR=n
CONFIG_A_STRING="some words"
CONFIG_A_LONG_STRING="cut off"
CONFIG_A_SHORT=-5
CONFIG_A_LONG=0xffffffffffffffff
CONFIG_AN_INT=010
CONFIG_AN_INT=11
# CONFIG_NOT_SET is not set
`;

const PROGRAM = `SEC("socket") int program(void *ctx) { u32 zero = 0; return lookup(&map, &zero) != 0; }`;

/** Objects that a loader refuses: the program, words of the plan's reason, and settings. */
export const REFUSED: readonly (readonly [what: string, source: string, words: string, kconfig?: string])[] = [
  ["legacy maps", `struct { u32 type, key, value, max; } map SEC("maps") = { 1, 4, 4, 1 }; ${PROGRAM}`, "legacy"],
  [
    "an unknown member",
    `struct { __uint(type, HASH); __uint(wrong, 1); } map SEC(".maps"); ${PROGRAM}`,
    "unknown field",
  ],
  ["no type", `struct { __uint(max_entries, 1); } map SEC(".maps"); ${PROGRAM}`, "type isn't specified"],
  ["a static map", `static struct { __uint(type, HASH); } map SEC(".maps"); ${PROGRAM}`, "linkage static"],
  [
    "sizes at odds",
    `struct { __uint(type, HASH); __uint(key_size, 8); __type(key, u32); } map SEC(".maps"); ${PROGRAM}`,
    "conflicting key size",
  ],
  ["a number that is none", `struct { u32 type; } map SEC(".maps") = { 1 }; ${PROGRAM}`, "'type'"],
  [
    "a pinned inner map",
    `struct { __uint(type, ARRAY_OF_MAPS); __array(values, struct { __uint(type, HASH); __uint(pinning, 1); }); }
	map SEC(".maps"); ${PROGRAM}`,
    "can't be pinned",
  ],
  [
    "values of a map that holds none",
    `struct { __uint(type, HASH); __array(values, struct { __uint(type, HASH); }); } map SEC(".maps"); ${PROGRAM}`,
    "map-in-map",
  ],
  [
    "values before the end",
    `struct { __uint(type, ARRAY_OF_MAPS); int (*values[0])[1]; __uint(max_entries, 1); } map SEC(".maps"); ${PROGRAM}`,
    "last",
  ],
  [
    "another pinning",
    `struct { __uint(type, HASH); __uint(pinning, 2); } map SEC(".maps"); ${PROGRAM}`,
    "pinning value 2",
  ],
  [
    "a setting of another sort",
    `extern bool CONFIG_X __kconfig; SEC("socket") int program(void *ctx) { return CONFIG_X; }`,
    "implies",
    'CONFIG_X="text"\n',
  ],
  [
    "a setting too great",
    `extern short CONFIG_X __kconfig; SEC("socket") int program(void *ctx) { return CONFIG_X; }`,
    "doesn't fit",
    "CONFIG_X=40000\n",
  ],
  [
    "a setting of a type that none has",
    `struct s { int a; }; extern struct s CONFIG_X __kconfig; SEC("socket") int program(void *ctx) { return CONFIG_X.a; }`,
    "unsupported",
  ],
  [
    "a call of another program",
    `SEC("tc/a") __noinline int callee(int x) { return x * 7; }
	SEC("tc/b") int program(void *ctx) { return callee((long)ctx); }`,
    "not in .text",
  ],
  ["a section that says no type", `SEC("nothing") int program(void *ctx) { return 0; }`, "says no type"],
  [
    "a kernel function of another type",
    `extern int vfs_read(int x) __ksym; SEC("tc") int program(void *ctx) { return vfs_read(1); }`,
    "another type",
  ],
  [
    "a kernel variable of another type",
    `extern const int runqueues __ksym; SEC("tc") int program(void *ctx) { return (long)&runqueues; }`,
    "another type",
  ],
];
