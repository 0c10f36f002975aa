/*
 * What libbpf makes of BPF objects on a target BTF: opens each object, loads it into a pretend kernel
 * (fake-kernel.c) and prints every program's instructions before and after, and libbpf's debug log, as JSON lines.
 *
 *   libbpf-oracle [--custom BTF] [--vmlinux BTF] [--module NAME=BTF]... [--kconfig TEXT] [--alone] OBJECT...
 *   libbpf-oracle --version
 *
 * --custom sets btf_custom_path; without it libbpf reads the pretend kernel's BTF (--vmlinux) and its modules'.
 * --alone makes one run for every program with only that program autoloaded, after the run with all of them;
 * such a run prints that program alone.
 *
 * Lines: {"begin":object,"only":program index|-1}, {"level":0..2,"log":text}, {"stage":"open"|"load","errno":n},
 * {"program":name,"section":name,"before":hex,"after":hex}, {"end":object}.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fake-kernel.h"
#include "weak-externs.h"

#define MAX_PROGRAMS 4096

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c); /* bytes, not characters: read it as Latin-1 */
		else
			putchar(c);
	}
	putchar('"');
}

static void put_hex(const void *data, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;
	size_t i;

	putchar('"');
	for (i = 0; i < bytes; i++) {
		putchar(digits[p[i] >> 4]);
		putchar(digits[p[i] & 15]);
	}
	putchar('"');
}

static int on_log(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text;
	int n = vasprintf(&text, format, args);

	if (n < 0)
		return 0;
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = 0;
	printf("{\"level\":%d,\"log\":", (int)level);
	put_string(text);
	puts("}");
	free(text);
	return n;
}

static void put_stage(const char *stage, int error)
{
	printf("{\"stage\":\"%s\",\"errno\":%d}\n", stage, error < 0 ? -error : error);
}

/* Opens an object from its file, with its externs made weak. NULL and errno when it cannot be. */
static struct bpf_object *open_object(const char *path, const struct bpf_object_open_opts *defaults)
{
	struct bpf_object_open_opts opts = *defaults;
	const char *slash = strrchr(path, '/');
	FILE *file = fopen(path, "rb");
	struct bpf_object *object;
	struct stat st;
	void *bytes;
	int error;

	if (!file)
		return NULL;
	if (fstat(fileno(file), &st) || !(bytes = malloc((size_t)st.st_size + 1))) {
		fclose(file);
		return NULL;
	}
	if (fread(bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size) {
		fclose(file);
		free(bytes);
		errno = EIO;
		return NULL;
	}
	fclose(file);
	weaken_externs(bytes, (size_t)st.st_size);
	opts.object_name = slash ? slash + 1 : path;
	object = bpf_object__open_mem(bytes, (size_t)st.st_size, &opts);
	error = errno;
	free(bytes); /* libbpf has taken what it needs by now */
	errno = error;
	return object;
}

/*
 * No attach target shall be looked up: it says nothing about CO-RE, and the target's BTF may not have it. A section
 * handler of our own, one for each section whose own would look one up, makes such programs plain ones from the next
 * opening on (libbpf 1.1 keeps its handler when only the type is changed). struct_ops programs stay what they are,
 * their map checks them. Handlers are never taken back: libbpf 1.1 frees twice when the last one goes.
 */
static void detach_from_kernel(const char *path, const struct bpf_object_open_opts *opts)
{
	struct bpf_object *object = open_object(path, opts);
	struct bpf_program *program;

	if (!object)
		return;
	bpf_object__for_each_program(program, object) {
		enum bpf_prog_type type = bpf_program__type(program);

		if (type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM || type == BPF_PROG_TYPE_EXT)
			libbpf_register_prog_handler(bpf_program__section_name(program), BPF_PROG_TYPE_SOCKET_FILTER, 0, NULL);
	}
	bpf_object__close(object);
}

struct before {
	size_t bytes;
	void *insns;
};

static size_t run(const char *path, size_t only, const struct bpf_object_open_opts *opts)
{
	static struct before before[MAX_PROGRAMS];
	const bool all = only == (size_t)-1;
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_map *map;
	size_t count = 0, i = 0;

	printf("{\"begin\":");
	put_string(path);
	printf(",\"only\":%ld}\n", all ? -1L : (long)only);
	object = open_object(path, opts);
	put_stage("open", object ? 0 : errno);
	if (!object)
		goto end;

	bpf_object__for_each_program(program, object) {
		if (count == MAX_PROGRAMS)
			break;
		before[count].bytes = bpf_program__insn_cnt(program) * sizeof(struct bpf_insn);
		before[count].insns = malloc(before[count].bytes + 1);
		if (!before[count].insns)
			abort();
		memcpy(before[count].insns, bpf_program__insns(program), before[count].bytes);
		bpf_program__set_autoload(program, all || count == only);
		count++;
	}
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL); /* pinning needs a bpffs */
	put_stage("load", bpf_object__load(object));

	bpf_object__for_each_program(program, object) {
		if (i == count)
			break;
		if (!all && i != only)
			goto next;
		printf("{\"program\":");
		put_string(bpf_program__name(program));
		printf(",\"section\":");
		put_string(bpf_program__section_name(program));
		printf(",\"before\":");
		put_hex(before[i].insns, before[i].bytes);
		printf(",\"after\":");
		put_hex(bpf_program__insns(program), bpf_program__insn_cnt(program) * sizeof(struct bpf_insn));
		puts("}");
next:
		free(before[i].insns);
		i++;
	}
	bpf_object__close(object);
end:
	printf("{\"end\":");
	put_string(path);
	puts("}");
	fflush(stdout); /* what came before a crash must be seen */
	return count;
}

static void run_object(const char *path, bool alone, const struct bpf_object_open_opts *opts)
{
	size_t k, count;

	libbpf_set_print(NULL); /* the same is said again when the object is opened in earnest */
	detach_from_kernel(path, opts);
	libbpf_set_print(on_log);
	count = run(path, (size_t)-1, opts);
	for (k = 0; alone && count > 1 && k < count; k++)
		run(path, k, opts);
}

static int usage(void)
{
	fputs("usage: libbpf-oracle [--custom BTF] [--vmlinux BTF] [--module NAME=BTF]... [--kconfig TEXT] [--alone] OBJECT...\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	static char buffer[1 << 16];
	bool alone = false;
	int i, err = 0;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--version")) {
			puts(libbpf_version_string());
			return 0;
		}
		if (!strcmp(argv[i], "--alone")) {
			alone = true;
			continue;
		}
		if (!value)
			return usage();
		i++;
		if (!strcmp(argv[i - 1], "--custom")) {
			opts.btf_custom_path = value;
		} else if (!strcmp(argv[i - 1], "--kconfig")) {
			opts.kconfig = value;
		} else if (!strcmp(argv[i - 1], "--vmlinux")) {
			err = fake_kernel_serve_vmlinux(value);
		} else if (!strcmp(argv[i - 1], "--module")) {
			char *split = strchr(value, '=');

			if (!split)
				return usage();
			*split = 0;
			err = fake_kernel_serve_module(value, split + 1);
		} else {
			return usage();
		}
		if (err) {
			fprintf(stderr, "libbpf-oracle: %s %s: %s\n", argv[i - 1], value, strerror(-err));
			return 2;
		}
	}
	if (i == argc)
		return usage();
	for (; i < argc; i++)
		run_object(argv[i], alone, &opts);
	return 0;
}
