/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

bool fault_is_armed;
static const char *fatal;
static size_t fatal_size;
static int countdown = 1;
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
		countdown = atoi(colon + 1);
}

static void note(const char *name)
{
	autoclose int fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	autofree char *line = memory_printf("%s\n", name);

	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		abort();
}

void fault_reach(const char *name)
{
	if (log_path)
		note(name);
	if (fatal && strlen(name) == fatal_size && memcmp(name, fatal, fatal_size) == 0 &&
		--countdown == 0)
		kill(getpid(), SIGKILL);
}
