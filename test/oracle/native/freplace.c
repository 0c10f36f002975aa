/*
 * Has a kernel replace functions of one program by others, with libbpf: the first process of a virtual machine, linked
 * statically.
 *
 * It reads /questions, a line for each: the target's object, its program's name, the replacing object, its program's name,
 * the function. On the second serial port it answers `<errno> <last line of the verifier's log>` to each (0: the replacing
 * program was loaded; nothing is attached), then `end`, and ends the machine.
 */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "guest.h"

#define NO_ANSWER 9999

static char verifier_log[1 << 16];

static int silent(enum libbpf_print_level level, const char *format, va_list list)
{
	return 0;
}

static struct bpf_program *only(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), name) == 0);
	return bpf_object__find_program_by_name(object, name);
}

static const char *last_line(char *log)
{
	const char *line, *last = "";

	for (line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10))
			last = line;
	return last;
}

static int replace(const char *target_path, const char *target_name, const char *path, const char *name,
		   const char *function)
{
	struct bpf_object *target = bpf_object__open(target_path), *object = bpf_object__open(path);
	struct bpf_program *program, *replacing;
	int error = -NO_ANSWER;

	verifier_log[0] = 0;
	if (!target || !object)
		return NO_ANSWER;
	program = only(target, target_name);
	replacing = only(object, name);
	if (program && replacing && !bpf_object__load(target)) {
		error = bpf_program__set_attach_target(replacing, bpf_program__fd(program), function);
		if (!error) {
			bpf_program__set_log_level(replacing, 1);
			bpf_program__set_log_buf(replacing, verifier_log, sizeof(verifier_log));
			error = bpf_object__load(object);
		}
	}
	bpf_object__close(object);
	bpf_object__close(target);
	return -error;
}

int main(void)
{
	char target[64], program[64], object[64], replacing[64], function[64];

	mount("sysfs", "/sys", "sysfs", 0, NULL);
	guest_begin();
	libbpf_set_print(silent);
	while (scanf("%63s %63s %63s %63s %63s", target, program, object, replacing, function) == 5) {
		int error = replace(target, program, object, replacing, function);

		printf("%d %s\n", error, error ? last_line(verifier_log) : "");
	}
	printf("end\n");
	guest_end();
	return 0;
}
