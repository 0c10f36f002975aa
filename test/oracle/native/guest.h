/* A program as the first process of a virtual machine: reads /questions, answers on the second serial port, ends the machine. */
#ifndef GUEST_H
#define GUEST_H

#include <stdio.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

static void guest_begin(void)
{
	struct termios settings;

	if (!freopen("/questions", "r", stdin) || !freopen("/dev/ttyS1", "w", stdout))
		reboot(RB_AUTOBOOT);
	if (tcgetattr(STDOUT_FILENO, &settings) == 0) {
		cfmakeraw(&settings);
		tcsetattr(STDOUT_FILENO, TCSANOW, &settings);
	}
}

static void guest_end(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_AUTOBOOT);
}

#endif
