/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/kept.h"
#include "backends/rootfs/userns.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"

enum {
	SETTLED_SEC =
		3600, /* what is not understood and younger may be somebody's who is at work */
	BOOT_ID_MOST = 256,
	AGE_LEAST_SEC = 3600,
	NOTE_MOST = 64 * 1024,
};
static const double UNMEASURED = 1e-7; /* seconds a byte */

#define DOWNLOADS "cache/downloads"

/* Something that can be removed alone. */
struct item {
	char *path; /* below the state folder */
	int64_t bytes, used_usec;
	bool tree;                    /* a build's files: only its namespace may touch them */
	struct kept_machine *machine; /* or a checkpoint of a machine; NULL: none */
	double worth;                 /* what is worth least goes first */
};

struct collector {
	const struct json *order;
	int state;
	struct idmap ids;
	int userns;
	bool dry_run;
	struct item *items;
	size_t count, room;
	int64_t bytes, freed, now_usec;
	struct kept_machines machines;
	int checkpoints; /* the folder; -1: there is none */
	struct json *removed;
};

/* ---- files of builds ---- */

struct counting {
	int folder;
	const char *name;
	int64_t *bytes; /* shared with the child that counts */
};

static int64_t count_below(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int64_t bytes = 0;

	if (!stream) {
		cleanup_close(&fd);
		return 0;
	}
	while ((entry = readdir(stream))) {
		struct stat status;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bytes += (int64_t)status.st_blocks * 512;
		if (S_ISDIR(status.st_mode))
			bytes += count_below(fd, entry->d_name);
	}
	closedir(stream);
	return bytes;
}

static int count_inside(void *context, struct error *err)
{
	struct counting *counting = context;

	(void)err;
	*counting->bytes = count_below(counting->folder, counting->name);
	return 0;
}

/* Root may do it all; anybody else needs the namespace whose ids the files have. */
static int enter(struct collector *collector, struct error *err)
{
	if (collector->userns < 0 && geteuid() != 0 && collector->ids.many)
		return (collector->userns = userns_new(&collector->ids, err)) < 0 ? -1 : 0;
	return 0;
}

/* How much FOLDER/NAME takes, counted by whoever may look into it. */
static int64_t count_tree(struct collector *collector, int folder, const char *name)
{
	struct error ignored;
	int64_t *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct counting counting = {folder, name, shared};
	int64_t bytes = 0;

	if (shared == MAP_FAILED)
		return 0;
	if (enter(collector, &ignored) < 0 || collector->userns < 0)
		bytes = count_below(folder, name);
	else if (userns_run(collector->userns, &collector->ids, count_inside, &counting,
			 &ignored) == 0)
		bytes = *shared;
	munmap(shared, sizeof(*shared));
	return bytes;
}

/* The same, counted once for a tree that does not change any more. */
static int64_t tree_bytes(struct collector *collector, int trees, const char *name)
{
	autofree char *beside = memory_printf("%s.bytes", name), *text = NULL;
	struct error ignored;

	if (file_read(trees, beside, 64, &text, NULL, &ignored) == 0)
		return strtoll(text, NULL, 10);
	int64_t bytes = count_tree(collector, trees, name);
	autofree char *number = memory_printf("%lld\n", (long long)bytes);
	autoclose int fd = openat(trees, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		file_write_all(fd, number, strlen(number), &ignored);
	return bytes;
}

/* ---- what there is ---- */

/*
 * Seconds that a byte saves, less the longer it was not used. What nobody measured is taken to cost what reading it anew would:
 * then the one goes that was used longest ago.
 */
static double worth_of(
	const struct collector *collector, int64_t bytes, int64_t used_usec, int64_t saved_usec)
{
	double saved = saved_usec ? (double)saved_usec / 1e6 / (double)(bytes + 1) : UNMEASURED;
	double age = (double)(collector->now_usec - used_usec) / 1e6;

	return saved / (AGE_LEAST_SEC + (age > 0 ? age : 0));
}

static void add(
	struct collector *collector, char *path, int64_t bytes, int64_t used_usec, bool tree)
{
	MEMORY_GROW(collector->items, collector->count, collector->room);
	collector->items[collector->count++] = (struct item){.path = path,
		.bytes = bytes,
		.used_usec = used_usec,
		.tree = tree,
		.worth = worth_of(collector, bytes, used_usec, 0)};
	collector->bytes += bytes;
}

static int open_machines(struct collector *collector, struct error *err)
{
	if (!file_exists(collector->state, "checkpoints"))
		return 0;
	collector->checkpoints = folder_open(collector->state, "checkpoints", err);
	return collector->checkpoints < 0
	               ? -1
	               : kept_machines_read(collector->checkpoints, &collector->machines, err);
}

/* A file under several counts once, and is freed with the last of them. */
static void add_machines(struct collector *collector)
{
	collector->bytes += collector->machines.bytes;
	for (size_t i = 0; i < collector->machines.count; i++) {
		struct kept_machine *machine = &collector->machines.items[i];
		add(collector, memory_printf("checkpoints/%s", machine->name), machine->bytes,
			machine->used_usec, false);
		struct item *item = &collector->items[collector->count - 1];
		collector->bytes -= machine->bytes;
		item->machine = machine;
		item->worth = worth_of(
			collector, machine->bytes, machine->used_usec, machine->saved_usec);
	}
}

static int64_t usec_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

/* When the layer was used last: its note tells. 0: it has none. */
static int64_t used_usec(struct collector *collector, const char *key, size_t size)
{
	autofree char *note = memory_printf("checkpoints/%.*s.json", (int)size, key);
	struct stat status;

	return fstatat(collector->state, note, &status, AT_SYMLINK_NOFOLLOW) == 0
	               ? usec_of(&status.st_mtim)
	               : 0;
}

static int open_list(
	struct collector *collector, const char *path, struct strings *names, struct error *err)
{
	if (!file_exists(collector->state, path))
		return -2;
	int fd = folder_open(collector->state, path, err);
	if (fd < 0)
		return -1;
	if (folder_list(fd, ".", names, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Likewise of a download, and of what is still being fetched. */
static int64_t download_used_usec(int folder, const char *name)
{
	autofree char *note = memory_printf("%s.json", name);
	struct stat status;

	return fstatat(folder, note, &status, AT_SYMLINK_NOFOLLOW) == 0 ? usec_of(&status.st_mtim)
	                                                                : 0;
}

/* Plain files of FOLDER; a file's age is its note's, which goes with it. */
static int add_files(struct collector *collector, const char *folder, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int fd = open_list(collector, folder, &names, err);

	if (fd < 0)
		return fd == -2 ? 0 : -1;
	strings_each (name, &names) {
		struct stat status;
		if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(status.st_mode) || text_ends_with(name, ".json") ||
			kept_machines_name(&collector->machines, name))
			continue;
		int64_t used = text_ends_with(name, ".layer")
		                       ? used_usec(collector, name, strlen(name) - strlen(".layer"))
		                       : download_used_usec(fd, name);
		if (!used)
			used = usec_of(&status.st_mtim);
		add(collector, memory_printf("%s/%s", folder, name), status.st_size, used, false);
	}
	return 0;
}

static int add_trees(struct collector *collector, const char *boot, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *folder = memory_printf("cache/trees/%s", boot);
	autoclose int fd = open_list(collector, folder, &names, err);

	if (fd < 0)
		return fd == -2 ? 0 : -1;
	strings_each (name, &names) {
		const char *dash = strchr(name, '-');
		struct stat status;
		if (!dash || text_ends_with(name, ".bytes") ||
			fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		int64_t used = used_usec(collector, name, dash - name);
		add(collector, memory_printf("%s/%s", folder, name),
			tree_bytes(collector, fd, name), used ? used : usec_of(&status.st_ctim),
			true);
	}
	return 0;
}

/* ---- removing ---- */

/*
 * A running build holds a lock on every tree that it has mounted, and on every download that it fetches or reads. *LOCK is ours, which
 * nobody gets past until the item is gone.
 */
static bool is_in_use(struct collector *collector, const struct item *item, int *lock)
{
	if (item->machine)
		return kept_machine_is_in_use(&collector->machines, item->machine);
	if (!item->tree && !text_starts_with(item->path, DOWNLOADS "/"))
		return false;
	*lock = openat(collector->state, item->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return *lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) < 0;
}

static int remove_tree(struct collector *collector, const char *path, struct error *err)
{
	autofree char *above = path_folder(path);

	if (enter(collector, err) < 0)
		return -1;
	autoclose int folder = folder_open(collector->state, above, err);
	if (folder < 0)
		return -1;
	return userns_remove(collector->userns, &collector->ids, folder, path_name(path), err);
}

static int remove_item(struct collector *collector, const struct item *item, struct error *err)
{
	autofree char *note = NULL;

	if (item->tree) {
		autofree char *beside = memory_printf("%s.bytes", item->path);
		unlinkat(collector->state, beside, 0);
		return remove_tree(collector, item->path, err);
	}
	if (text_starts_with(item->path, DOWNLOADS "/")) {
		note = memory_printf("%s.json", item->path);
		unlinkat(collector->state, note, 0);
	}
	/* the note first: a layer without one counts as none */
	if (text_ends_with(item->path, ".layer")) {
		note = memory_printf(
			"%.*s.json", (int)(strlen(item->path) - strlen(".layer")), item->path);
		unlinkat(collector->state, note, 0);
	}
	if (unlinkat(collector->state, item->path, 0) < 0 && errno != ENOENT)
		return fail_errno(err, ERROR_BROKEN, "%s", item->path);
	return 0;
}

static void note_removed(
	struct collector *collector, const char *path, int64_t bytes, const char *why)
{
	struct json *removed = json_new_object();

	json_set_text(removed, "path", path);
	json_set_integer(removed, "bytes", bytes);
	json_set_text(removed, "why", why);
	json_add(collector->removed, removed);
	collector->freed += bytes;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->worth != y->worth)
		return x->worth < y->worth ? -1 : 1;
	if (x->used_usec != y->used_usec)
		return x->used_usec < y->used_usec ? -1 : 1;
	/* a tree is unpacked again at little cost, its sealed layer is not */
	return (int)y->tree - (int)x->tree;
}

static int evict(struct collector *collector, struct error *err)
{
	int64_t most = json_get_integer(collector->order, "cache_bytes", INT64_MAX);
	int64_t left = collector->bytes;

	if (collector->count > 1)
		qsort(collector->items, collector->count, sizeof(*collector->items), compare_items);
	for (size_t i = 0; i < collector->count && left > most; i++) {
		const struct item *item = &collector->items[i];
		autoclose int lock = -1;
		if (is_in_use(collector, item, &lock))
			continue;
		int64_t freed = item->bytes;
		if (item->machine)
			freed = kept_machine_remove(
				&collector->machines, item->machine, collector->dry_run);
		else if (!collector->dry_run && remove_item(collector, item, err) < 0)
			return -1;
		left -= freed;
		note_removed(collector, item->path, freed, "limits.cache_bytes");
	}
	return 0;
}

/* What an earlier boot unpacked was never made lasting: nobody uses it. */
static int remove_old_boots(struct collector *collector, const char *boot, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int fd = open_list(collector, "cache/trees", &names, err);

	if (fd < 0)
		return fd == -2 ? 0 : -1;
	strings_each (name, &names) {
		autofree char *path = memory_printf("cache/trees/%s", name);
		if (strcmp(name, boot) == 0)
			continue;
		int64_t bytes = count_tree(collector, fd, name);
		if (!collector->dry_run && remove_tree(collector, path, err) < 0)
			return -1;
		note_removed(collector, path, bytes, "unpacked before this machine was started");
	}
	return 0;
}

/* A machine that runs has it open, though no note names it yet. */
static bool is_locked(int folder, const char *name)
{
	autoclose int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Halves that a killed worker left among the layers. */
static int remove_halves(struct collector *collector, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int fd = open_list(collector, "checkpoints", &names, err);
	int64_t settled = moment_now_usec() - (int64_t)SETTLED_SEC * 1000000;

	if (fd < 0)
		return fd == -2 ? 0 : -1;
	strings_each (name, &names) {
		struct stat status;
		bool known =
			text_ends_with(name, ".layer")
				? used_usec(collector, name, strlen(name) - strlen(".layer")) != 0
				: text_ends_with(name, ".json") ||
					  kept_machines_name(&collector->machines, name) ||
					  is_locked(fd, name);
		if (known || fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			usec_of(&status.st_mtim) > settled)
			continue;
		if (!collector->dry_run && unlinkat(fd, name, 0) < 0)
			return fail_errno(err, ERROR_BROKEN, "checkpoints/%s", name);
		autofree char *path = memory_printf("checkpoints/%s", name);
		note_removed(collector, path, status.st_size, "half of a layer");
	}
	return 0;
}

/* What a checksum or a URL led to, where that is no longer kept; and notes whose file was evicted. */
static int remove_lost_notes(struct collector *collector, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autoclose int fd = open_list(collector, DOWNLOADS, &names, err);

	if (fd < 0)
		return fd == -2 ? 0 : -1;
	strings_each (name, &names) {
		autofree char *text = NULL;
		autojson struct json *note = NULL;
		struct error ignored;
		size_t size;
		if (!text_ends_with(name, ".json"))
			continue;
		autofree char *of = memory_copy_bytes(name, strlen(name) - strlen(".json"));
		if (file_exists(fd, of) ||
			file_read(fd, name, NOTE_MOST, &text, &size, &ignored) < 0)
			continue;
		if (json_parse_bytes(text, size, &note, &ignored) == 0 &&
			file_exists(fd, json_get_text(note, "sha256", "-")))
			continue;
		if (!collector->dry_run && unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			return fail_errno(err, ERROR_BROKEN, DOWNLOADS "/%s", name);
	}
	return 0;
}

static int remove_named(struct collector *collector, struct error *err)
{
	const struct json *named = json_get(collector->order, "remove");

	for (size_t i = 0; i < json_count(named); i++) {
		const struct json *entry = json_item(named, i);
		const char *path = json_get_text(entry, "path", "");
		int64_t bytes = count_below(collector->state, path);
		if (!collector->dry_run && remove_tree(collector, path, err) < 0)
			return -1;
		note_removed(collector, path, bytes, json_get_text(entry, "why", ""));
	}
	return 0;
}

static int collect_all(struct collector *collector, struct error *err)
{
	autofree char *boot = NULL;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", BOOT_ID_MOST, &boot, NULL, err) <
		0)
		return -1;
	boot[strcspn(boot, "\n")] = '\0';
	if (open_machines(collector, err) < 0 || remove_old_boots(collector, boot, err) < 0 ||
		remove_halves(collector, err) < 0 || remove_named(collector, err) < 0 ||
		add_files(collector, "checkpoints", err) < 0 ||
		add_files(collector, DOWNLOADS, err) < 0 || add_trees(collector, boot, err) < 0)
		return -1;
	add_machines(collector);
	return evict(collector, err) < 0 ? -1 : remove_lost_notes(collector, err);
}

int collect_run(const struct json *order, struct json **result, struct error *err)
{
	struct collector collector = {.order = order,
		.userns = -1,
		.checkpoints = -1,
		.now_usec = moment_now_usec(),
		.dry_run = json_get_boolean(order, "dry_run", false),
		.removed = json_new_list()};
	autojson struct json *answer = json_new_object();

	json_set(answer, "removed", collector.removed);
	idmap_find((uint32_t)json_get_integer(order, "subid_base", 0), &collector.ids);
	collector.state = folder_open(AT_FDCWD, json_get_text(order, "state", ""), err);
	int done = collector.state < 0 ? -1 : collect_all(&collector, err);
	for (size_t i = 0; i < collector.count; i++)
		free(collector.items[i].path);
	free(collector.items);
	cleanup_close(&collector.state);
	cleanup_close(&collector.userns);
	kept_machines_clear(&collector.machines);
	cleanup_close(&collector.checkpoints);
	if (done < 0)
		return -1;
	json_set_integer(answer, "bytes", collector.bytes);
	json_set_integer(answer, "freed", collector.freed);
	*result = TAKE(answer);
	return 0;
}
