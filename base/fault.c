/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

bool fault_is_armed;
static const char *fatal;
static size_t fatal_size;
static int turn = 1, own_passes;
static const char *log_path;

void fault_arm(void)
{
	fatal = getenv("KILN_FAULT");
	log_path = getenv("KILN_FAULT_LOG");
	fault_is_armed = fatal || log_path;
	if (!fatal)
		return;
	const char *colon = strchrnul(fatal, ':');
	fatal_size = colon - fatal;
	if (*colon)
		turn = atoi(colon + 1);
}

static void note(const char *name)
{
	autoclose int fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	autofree char *line = memory_printf("%s\n", name);

	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		abort();
}

/* How often any process passed NAME, by the log. */
static int count_passes(const char *name)
{
	FILE *file = fopen(log_path, "re");
	autofree char *line = NULL;
	size_t room = 0;
	int passes = 0;

	while (file && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		passes += strcmp(line, name) == 0;
	}
	if (file)
		fclose(file);
	return passes;
}

void fault_reach(const char *name)
{
	bool meant = fatal && strlen(name) == fatal_size && memcmp(name, fatal, fatal_size) == 0;

	if (log_path)
		note(name);
	if (meant && (log_path ? count_passes(name) == turn : ++own_passes == turn))
		kill(getpid(), SIGKILL);
}
