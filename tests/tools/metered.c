/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in a folder of PATH under another program's name, runs the next one of that name, and adds "NAME PROCESSOR-SECONDS" to
 * the file $METERED: what that program used itself, exactly, whoever waits for its starter.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int number)
{
	if (child > 0)
		kill(child, number);
}

/* The first NAME in PATH behind the folder that this one lies in. */
static void run_next(const char *name, char **arguments)
{
	char self[4096], full[4096], *path = strdup(getenv("PATH")), *rest = path, *folder;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	while ((folder = strsep(&rest, ":"))) {
		char real[4096];
		snprintf(full, sizeof(full), "%s/%s", folder, name);
		if (realpath(full, real) && strcmp(real, self) != 0)
			execv(full, arguments);
	}
	fprintf(stderr, "metered: %s is not in PATH\n", name);
	_exit(127);
}

static double seconds_of(const struct rusage *used)
{
	return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
	       (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
}

static void report(const char *name, const struct rusage *used, const struct rusage *own)
{
	const char *path = getenv("METERED");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%s %.6f\n", name, seconds_of(used) + seconds_of(own));
	close(fd);
}

int main(int count, char **arguments)
{
	const char *slash = count ? strrchr(arguments[0], '/') : NULL;
	const char *name = slash ? slash + 1 : arguments[0];
	struct rusage used, own;
	int status;

	signal(SIGTERM, pass_on);
	signal(SIGINT, pass_on);
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_next(name, arguments);
	}
	while (wait4(child, &status, 0, &used) < 0)
		if (errno != EINTR)
			return 125;
	getrusage(RUSAGE_SELF, &own);
	report(name, &used, &own);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
