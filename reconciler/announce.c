/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/announce.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { FIELDS_MOST = 10 };

/* The ids stand in contrib/systemd/kiln.catalog too, which explains each. */
static const struct {
	const char *id;
	int priority;
} kinds[ANNOUNCE_COUNT] = {
	[ANNOUNCE_STARTED] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d01", LOG_INFO},
	[ANNOUNCE_STOPPED] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d02", LOG_INFO},
	[ANNOUNCE_RELOADED] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d03", LOG_INFO},
	[ANNOUNCE_PASS] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d04", LOG_INFO},
	[ANNOUNCE_PHASE] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d05", LOG_INFO},
	[ANNOUNCE_LIVE] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d06", LOG_NOTICE},
	[ANNOUNCE_FAILED] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d07", LOG_ERR},
	[ANNOUNCE_TROUBLE] = {"5e0a1c56c8a14e4bb6a27a2f3a6f1d08", LOG_WARNING},
};

static bool begun, to_journal;

struct fields {
	struct iovec items[FIELDS_MOST];
	int count;
};

static void add_field(struct fields *fields, char *text)
{
	fields->items[fields->count++] = (struct iovec){text, strlen(text)};
}

static void add_build(struct fields *fields, const struct build_record *build)
{
	add_field(fields, memory_printf("BUILD=%s", build->id));
	add_field(fields, memory_printf("PHASE=%s", phase_name(build->phase)));
	add_field(fields, memory_printf("COMMIT=%s", build->commit));
	if (build->version)
		add_field(fields, memory_printf("VERSION=%lld", (long long)build->version));
}

static void send(enum announcement what, const struct announced *about, const char *text)
{
	struct fields fields = {.count = 0};

	add_field(&fields, memory_printf("MESSAGE=%s", text));
	add_field(&fields, memory_printf("MESSAGE_ID=%s", kinds[what].id));
	add_field(&fields, memory_printf("PRIORITY=%d", kinds[what].priority));
	if (about && about->repository)
		add_field(&fields, memory_printf("REPOSITORY=%s", about->repository));
	if (about && about->image)
		add_field(&fields, memory_printf("IMAGE=%s", about->image));
	if (about && about->build)
		add_build(&fields, about->build);
	sd_journal_sendv(fields.items, fields.count);
	for (int i = 0; i < fields.count; i++)
		free(fields.items[i].iov_base);
}

void announce(enum announcement what, const struct announced *about, const char *format, ...)
{
	autofree char *text = NULL, *message = NULL;
	const char *subject = !about ? NULL : about->image ? about->image : about->repository;
	va_list arguments;

	if (!begun)
		return;
	va_start(arguments, format);
	text = memory_vprintf(format, arguments);
	va_end(arguments);
	message = memory_printf("%s%s%s", subject ? subject : "", subject ? ": " : "", text);
	if (to_journal)
		send(what, about, message);
	else
		fprintf(stderr, "kilnd: %s\n", message);
}

/* systemd tells which file the journal's end of our standard error is (systemd.exec(5), JOURNAL_STREAM). */
void announce_begin(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	begun = true;
	to_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	             fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	             status.st_ino == inode;
}
