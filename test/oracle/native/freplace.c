/*
 * Has the running kernel replace a function of one program by another, with libbpf.
 *
 * Arguments: the target's object, its program's name, the replacing object, its program's name, the function. Prints the
 * errno of loading the replacing program (0: it was taken; nothing is attached) and the last line of the verifier's log.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	char *line = log, *last = log;

	for (line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "processed ", 10))
			last = line;
	return last;
}

int main(int argc, char **argv)
{
	struct bpf_object *target, *other;
	struct bpf_program *program, *replacing;
	int error;

	if (argc != 6)
		return 2;
	libbpf_set_print(silent);
	target = bpf_object__open(argv[1]);
	other = bpf_object__open(argv[3]);
	if (!target || !other)
		return 3;
	program = only(target, argv[2]);
	replacing = only(other, argv[4]);
	if (!program || !replacing || bpf_object__load(target))
		return 3;
	error = bpf_program__set_attach_target(replacing, bpf_program__fd(program), argv[5]);
	if (!error) {
		bpf_program__set_log_level(replacing, 1);
		bpf_program__set_log_buf(replacing, verifier_log, sizeof(verifier_log));
		error = bpf_object__load(other);
	}
	printf("%d %s\n", -error, error ? last_line(verifier_log) : "");
	bpf_object__close(other);
	bpf_object__close(target);
	return 0;
}
