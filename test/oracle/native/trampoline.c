/*
 * Asks the running kernel whether tracing programs may attach to functions of its own.
 *
 * Input: a line for each question, `<type id> <fentry|fexit> <load|attach>`. Output: a line for each answer,
 * `<errno of loading> <errno of attaching> <first line of the verifier's log>`, and `end` at the end; attaching that was
 * not asked for, or not reached, has errno -1. A program that is attached does nothing, and is gone before the next question is read.
 *
 * Linked statically it is also the first process of a virtual machine: it reads /questions, answers on the second serial
 * port, and ends the machine.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

static char verifier_log[1 << 16];

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

static int load(unsigned type_id, int attach_type)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.expected_attach_type = attach_type;
	attr.attach_btf_id = type_id;
	attr.insns = (unsigned long)nothing;
	attr.insn_cnt = 2;
	attr.license = (unsigned long)"GPL";
	attr.log_buf = (unsigned long)verifier_log;
	attr.log_size = sizeof(verifier_log);
	attr.log_level = 1;
	verifier_log[0] = 0;
	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = program;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

int main(void)
{
	char kind[16], what[16];
	unsigned type_id;
	int is_first = getpid() == 1;

	if (is_first)
		guest_begin();

	while (scanf("%u %15s %15s", &type_id, kind, what) == 3) {
		int is_exit = strcmp(kind, "fexit") == 0;
		int program = load(type_id, is_exit ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY);
		int load_errno = program < 0 ? errno : 0;
		int attach_errno = -1;

		if (program >= 0 && strcmp(what, "attach") == 0) {
			int link = attach(program);

			attach_errno = link < 0 ? errno : 0;
			if (link >= 0)
				close(link);
		}
		if (program >= 0)
			close(program);
		verifier_log[strcspn(verifier_log, "\n")] = 0;
		printf("%d %d %s\n", load_errno, attach_errno, load_errno ? verifier_log : "");
	}
	printf("end\n");
	if (is_first)
		guest_end();
	return 0;
}
