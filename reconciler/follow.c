/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/follow.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

struct follower {
	struct client *client;
	char *folder;
	int fd;
	struct text partial; /* a line that has no end yet */
	void (*changed)(void *context);
	void *context;
	sd_event_source *source;
	struct follower *next;
};

static void send_line(struct follower *follower, const char *line, size_t size)
{
	struct json *json;
	struct error ignored;

	if (json_parse_bytes(line, size, &json, &ignored) == 0)
		client_log(follower->client, json);
}

static void read_on(struct follower *follower)
{
	char buffer[65536];
	ssize_t got;

	while ((got = read(follower->fd, buffer, sizeof(buffer))) > 0) {
		for (const char *at = buffer, *end = buffer + got; at < end;) {
			const char *newline = memchr(at, '\n', end - at);
			text_add_bytes(&follower->partial, at, (newline ? newline : end) - at);
			at = newline ? newline + 1 : end;
			if (!newline)
				break;
			send_line(follower, text_get(&follower->partial), follower->partial.size);
			text_reset(&follower->partial);
		}
	}
}

static int on_growth(sd_event_source *source, const struct inotify_event *event, void *context)
{
	struct follower *follower = context;

	(void)source;
	(void)event;
	read_on(follower);
	follower->changed(follower->context);
	return 0;
}

static void follower_free(struct follower *follower)
{
	sd_event_source_disable_unref(follower->source);
	text_clear(&follower->partial);
	cleanup_close(&follower->fd);
	free(follower->folder);
	free(follower);
}

void follow_add(struct followers *followers, struct sd_event *event, const char *folder,
	struct client *client, bool from_start, void (*changed)(void *context), void *context)
{
	autofree char *path = memory_printf("%s/log", folder);
	struct follower *follower = memory_new(sizeof(*follower));

	/* its worker makes both where there are none; it only ever appends */
	mkdir(folder, 0711);
	*follower = (struct follower){.client = client,
		.folder = memory_copy_text(folder),
		.fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600),
		.changed = changed,
		.context = context};
	if (follower->fd < 0 || sd_event_add_inotify(event, &follower->source, path, IN_MODIFY,
					on_growth, follower) < 0) {
		follower_free(follower);
		return;
	}
	follower->next = followers->first;
	followers->first = follower;
	if (from_start)
		read_on(follower);
	else
		lseek(follower->fd, 0, SEEK_END);
}

void follow_catch_up(struct followers *followers, const char *folder)
{
	for (struct follower *f = followers->first; f; f = f->next)
		if (strcmp(f->folder, folder) == 0)
			read_on(f);
}

void follow_complete(struct followers *followers, const char *folder)
{
	for (struct follower **at = &followers->first; *at;) {
		struct follower *follower = *at;
		if (strcmp(follower->folder, folder) != 0) {
			at = &follower->next;
			continue;
		}
		read_on(follower);
		*at = follower->next;
		follower_free(follower);
	}
}

void follow_drop(struct followers *followers, const struct client *client)
{
	for (struct follower **at = &followers->first; *at;) {
		struct follower *follower = *at;
		if (client && follower->client != client) {
			at = &follower->next;
			continue;
		}
		*at = follower->next;
		follower_free(follower);
	}
}
