/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/follow.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum {
	AT_ONCE = 256 * 1024, /* read of a log before others have their turn */
	UNREAD_FINE =
		1024 *
		1024, /* said to a client and not taken: the rest of the log waits where it is */
	UNREAD_MOST = 256 * 1024 * 1024, /* a client that takes nothing is let go of */
};

struct follower {
	bool behind; /* there is more of the log than was read */
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

static size_t unread(const struct follower *follower)
{
	return follower->client->link.out.size - follower->client->link.out_used;
}

static void take(struct follower *follower, const char *bytes, size_t size)
{
	for (const char *at = bytes, *end = bytes + size; at < end;) {
		const char *newline = memchr(at, '\n', end - at);
		text_add_bytes(&follower->partial, at, (newline ? newline : end) - at);
		if (!newline)
			break;
		at = newline + 1;
		send_line(follower, text_get(&follower->partial), follower->partial.size);
		text_reset(&follower->partial);
	}
}

/* At most MOST bytes, and no more than a client has taken that is not to be waited for. */
static void read_some(struct follower *follower, size_t most, size_t unread_most)
{
	char buffer[65536];
	ssize_t got = 1;

	for (size_t size = 0; size < most && unread(follower) < unread_most; size += got) {
		got = read(follower->fd, buffer, sizeof(buffer));
		if (got <= 0)
			break;
		take(follower, buffer, got);
	}
	follower->behind = got > 0;
}

static void read_all(struct follower *follower)
{
	read_some(follower, SIZE_MAX, UNREAD_MOST);
	if (follower->behind)
		follower->client->gone = true;
}

static int on_growth(sd_event_source *source, const struct inotify_event *event, void *context)
{
	struct follower *follower = context;

	(void)source;
	(void)event;
	follower->behind = true;
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
	follower->behind = from_start;
	if (!from_start)
		lseek(follower->fd, 0, SEEK_END);
}

bool follow_go_on(struct followers *followers)
{
	bool any = false;

	for (struct follower *f = followers->first; f; f = f->next) {
		if (!f->behind || unread(f) >= UNREAD_FINE)
			continue;
		read_some(f, AT_ONCE, UNREAD_FINE);
		any = true;
	}
	return any;
}

void follow_catch_up(struct followers *followers, const char *folder)
{
	for (struct follower *f = followers->first; f; f = f->next)
		if (strcmp(f->folder, folder) == 0)
			read_all(f);
}

void follow_complete(struct followers *followers, const char *folder)
{
	for (struct follower **at = &followers->first; *at;) {
		struct follower *follower = *at;
		if (strcmp(follower->folder, folder) != 0) {
			at = &follower->next;
			continue;
		}
		read_all(follower);
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
