/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/worker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/world.h"

/* Beside kilnd, in a build tree as when installed. */
char *worker_find_program(const char *name)
{
	char self[4096];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (size <= 0)
		return memory_copy_text(name);
	self[size] = '\0';
	*strrchr(self, '/') = '\0';
	return memory_printf("%s/%s", self, name);
}

char *worker_program(void)
{
	return worker_find_program("kiln-build");
}

int worker_write_order(const struct json *order, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};
	autoclose int fd = memfd_create("order", MFD_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for an order");
	json_write(order, JSON_LINE, &text);
	if (file_write_all(fd, text.data, text.size, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "an order");
	return TAKE_FD(fd);
}

char *worker_unit_name(const char *program, const char *flag, const struct json *order)
{
	const char *build = json_get_text(order, "build", NULL);
	unsigned long long random;

	if (build)
		return memory_printf("%s-%s-%lld", program, build,
			(long long)json_get_integer(order, "serial", 0));
	world->fill_random(&random, sizeof(random));
	return memory_printf("%s%s-%016llx", program, flag ? flag + 1 : "", random);
}

struct child *worker_spawn(struct loop *loop, const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err)
{
	struct child_program program = {
		"kiln-build", flag, order, streams->output, streams->errors};

	return child_start(loop, &program, err);
}

struct child *worker_start(struct loop *loop, const char *flag, const struct json *order,
	const struct worker_streams *streams, struct error *err)
{
	return world->start_worker(loop, flag, order, streams, err);
}

static bool is_of(const struct json *entry, const char *event, enum job_kind job)
{
	return strcmp(json_get_text(entry, "event", ""), event) == 0 &&
	       strcmp(json_get_text(entry, "job", ""), job_kind_name(job)) == 0;
}

static void read_end(const struct json *entry, struct worker_run *run)
{
	if (strcmp(json_get_text(entry, "result", ""), "ok") == 0) {
		run->state = RUN_OK;
		return;
	}
	run->state = RUN_FAILED;
	error_set(&run->failure, error_kind_find(json_get_text(entry, "kind", "")), "%s",
		json_get_text(entry, "text", ""));
}

int worker_read(const char *folder, enum job_kind job, int64_t serial, struct worker_run *run,
	struct json **entries, struct error *err)
{
	autojson struct json *list = NULL;
	struct error missing;
	autoclose int fd = folder_open(AT_FDCWD, folder, &missing);

	*run = (struct worker_run){.job = job};
	if (entries)
		*entries = NULL;
	if (fd < 0)
		return 0;
	if (journal_read(fd, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *entry = json_item(list, i);
		bool this = json_get_integer(entry, "serial", -1) == serial;
		if (is_of(entry, "begin", job)) {
			run->deaths++;
			if (this)
				run->state = RUN_DIED;
		} else if (is_of(entry, "end", job)) {
			run->deaths--;
			if (this)
				read_end(entry, run);
		}
	}
	run->pid = journal_owner(fd);
	if (run->pid) {
		run->state = RUN_ALIVE;
		run->deaths--;
	}
	if (entries)
		*entries = TAKE(list);
	return 0;
}
