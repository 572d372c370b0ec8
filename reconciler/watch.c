/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/strings.h"
#include "base/text.h"

#define EVENTS                                                                                   \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | \
		IN_MOVE_SELF | IN_ONLYDIR)

struct folder {
	struct watch *watch;
	sd_event_source *source;
	bool top;  /* the git folder itself, in which much else happens */
	bool dead; /* it is gone, or is elsewhere: what has its name now is another one */
};

struct watch {
	sd_event *event;
	struct map folders; /* path -> struct folder */
	void (*changed)(void *context);
	void *context;
};

/* A lock is written before the change; the rename that follows tells. */
static bool can_matter(const struct folder *folder, const struct inotify_event *event)
{
	if (!event->len)
		return true;
	if (text_ends_with(event->name, ".lock"))
		return false;
	return !folder->top || strcmp(event->name, "HEAD") == 0 ||
	       strcmp(event->name, "packed-refs") == 0 || strcmp(event->name, "refs") == 0;
}

static int on_event(sd_event_source *source, const struct inotify_event *event, void *context)
{
	struct folder *folder = context;

	(void)source;
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
		folder->dead = true;
	if (event->mask & IN_Q_OVERFLOW || can_matter(folder, event))
		folder->watch->changed(folder->watch->context);
	return 0;
}

static void free_folder(void *pointer)
{
	struct folder *folder = pointer;

	if (!folder)
		return;
	sd_event_source_disable_unref(folder->source);
	free(folder);
}

struct watch *watch_new(struct sd_event *event, void (*changed)(void *context), void *context)
{
	struct watch *watch = memory_new(sizeof(*watch));

	*watch = (struct watch){.event = event,
		.folders = {.free_value = free_folder},
		.changed = changed,
		.context = context};
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	map_clear(&watch->folders);
	free(watch);
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void add_folder(struct watch *watch, const char *path, bool top)
{
	struct folder *folder = memory_new(sizeof(*folder));

	*folder = (struct folder){.watch = watch, .top = top};
	if (sd_event_add_inotify(watch->event, &folder->source, path, EVENTS, on_event, folder) < 0)
		free(folder);
	else
		map_set(&watch->folders, path, folder);
}

/* PATH, or the nearest above it that is there. */
static void want(struct strings *wanted, const char *path)
{
	autofree char *at = memory_copy_text(path);

	while (*at && !is_folder(at)) {
		char *above = path_folder(at);
		free(at);
		at = above;
	}
	strings_add_once(wanted, *at ? at : "/");
}

static void list_wanted(const char *git_folder, const char *ref, struct strings *wanted)
{
	want(wanted, git_folder);
	for (const char *slash = strchr(ref, '/'); slash; slash = strchr(slash + 1, '/')) {
		autofree char *path = memory_printf("%s/%.*s", git_folder, (int)(slash - ref), ref);
		want(wanted, path);
	}
}

bool watch_set(struct watch *watch, const char *git_folder, const char *ref)
{
	CLEANUP(strings_clear) struct strings wanted = {0}, unwanted = {0};
	autofree char *top = path_clean(git_folder);
	bool added = false;

	list_wanted(top, ref, &wanted);
	map_each (entry, &watch->folders) {
		const struct folder *folder = entry->value;
		if (folder && (folder->dead || !strings_has(&wanted, entry->key)))
			strings_add(&unwanted, entry->key);
	}
	strings_each (path, &unwanted)
		map_set(&watch->folders, path, NULL);
	strings_each (path, &wanted)
		if (!map_find(&watch->folders, path)) {
			add_folder(watch, path, strcmp(path, top) == 0);
			added |= map_find(&watch->folders, path) != NULL;
		}
	return added;
}
