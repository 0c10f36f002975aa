/*
 * A library with libbpf's names that crashes, hangs or refuses where FAKE_LIBBPF says so, to see what becomes of
 * who calls it. Objects are told apart by their size; the first one that is opened is well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t first_size;
static int object, program;

static int is(const char *what)
{
	const char *mode = getenv("FAKE_LIBBPF");

	return mode && strcmp(mode, what) == 0;
}

const char *libbpf_version_string(void) { return "v1.99"; }
void *libbpf_set_print(void *print) { return 0; }

void *bpf_object__open_mem(const void *bytes, size_t size, const void *opts)
{
	if (!first_size)
		first_size = size;
	if (size != first_size && is("crash"))
		abort();
	while (size != first_size && is("hang"))
		pause();
	if (is("refuse")) {
		errno = EINVAL;
		return 0;
	}
	return &object;
}

void bpf_object__close(void *o) { }
int bpf_object__load(void *o) { return 0; }
void *bpf_object__next_program(void *o, void *p) { return p ? 0 : &program; }
void *bpf_object__next_map(void *o, void *m) { return 0; }
const char *bpf_program__name(void *p) { return "exec"; }
const char *bpf_program__section_name(void *p) { return "tp_btf/sched_process_exec"; }
int bpf_program__fd(void *p) { return -1; }
void *bpf_program__insns(void *p) { return &program; }
size_t bpf_program__insn_cnt(void *p) { return 0; }
int bpf_program__set_autoload(void *p, _Bool on) { return 0; }
int bpf_program__type(void *p) { return 1; }
int bpf_program__set_type(void *p, int type) { return 0; }
int bpf_program__set_log_buf(void *p, void *log, size_t size) { return 0; }
const char *bpf_map__name(void *m) { return ""; }
int bpf_map__type(void *m) { return 1; }
unsigned bpf_map__key_size(void *m) { return 0; }
unsigned bpf_map__value_size(void *m) { return 0; }
unsigned bpf_map__max_entries(void *m) { return 0; }
_Bool bpf_map__is_internal(void *m) { return 0; }
const char *bpf_map__pin_path(void *m) { return 0; }
int bpf_map__set_autocreate(void *m, _Bool on) { return 0; }
int bpf_map__set_max_entries(void *m, unsigned n) { return 0; }
int bpf_map__set_value_size(void *m, unsigned n) { return 0; }
int bpf_map__set_pin_path(void *m, const char *path) { return 0; }
