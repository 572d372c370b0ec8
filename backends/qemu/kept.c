/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/kept.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { NOTE_SIZE_MOST = 1024 * 1024 };

typedef void visit_file(void *context, const char *file, int64_t bytes);

static void visit(const struct json *file, visit_file *call, void *context)
{
	call(context, json_get_text(file, "file", ""), json_get_integer(file, "size", 0));
}

static void each_of(const struct json *files, visit_file *call, void *context)
{
	for (size_t i = 0; i < json_count(files); i++)
		visit(json_item(files, i), call, context);
}

static void each_file(const struct json *note, visit_file *call, void *context)
{
	const struct json *disks = json_get(note, "disks");

	for (size_t i = 0; i < json_count(disks); i++)
		each_of(json_item(disks, i), call, context);
	each_of(json_get(note, "memory"), call, context);
	each_of(json_get(note, "efivars"), call, context);
}

static uintptr_t count_of(const struct kept_machines *kept, const char *file)
{
	return (uintptr_t)map_find(&kept->files, file);
}

static void count_up(void *context, const char *file, int64_t bytes)
{
	struct kept_machines *kept = context;

	if (!count_of(kept, file))
		kept->bytes += bytes;
	map_set(&kept->files, file, (void *)(count_of(kept, file) + 1));
}

struct adding {
	const struct kept_machines *kept;
	int64_t bytes;
};

static void add_own(void *context, const char *file, int64_t bytes)
{
	struct adding *adding = context;

	if (count_of(adding->kept, file) == 1)
		adding->bytes += bytes;
}

static int64_t own_bytes(const struct kept_machines *kept, const struct json *note)
{
	struct adding adding = {kept, 0};

	each_file(note, add_own, &adding);
	return adding.bytes;
}

static void read_one(struct kept_machines *kept, const char *name)
{
	autofree char *text = NULL;
	autojson struct json *note = NULL;
	struct stat about;
	struct error ignored;
	size_t size;

	if (fstatat(kept->folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0 ||
		file_read(kept->folder, name, NOTE_SIZE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &note, &ignored) < 0)
		return;
	MEMORY_GROW(kept->items, kept->count, kept->room);
	each_file(note, count_up, kept);
	/* not beside TAKE: which of two initialisers is computed first nobody says */
	int64_t saved_usec = json_get_integer(note, "saved_usec", 0);
	kept->items[kept->count++] = (struct kept_machine){.name = memory_copy_text(name),
		.saved_usec = saved_usec,
		.used_usec = (int64_t)about.st_mtim.tv_sec * 1000000 + about.st_mtim.tv_nsec / 1000,
		.note = TAKE(note)};
}

int kept_machines_read(int folder, struct kept_machines *kept, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	*kept = (struct kept_machines){.folder = folder};
	if (folder_list(folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names)
		if (text_ends_with(name, ".vm.json"))
			read_one(kept, name);
	for (size_t i = 0; i < kept->count; i++)
		kept->items[i].bytes = own_bytes(kept, kept->items[i].note);
	return 0;
}

void kept_machines_clear(struct kept_machines *kept)
{
	for (size_t i = 0; i < kept->count; i++) {
		free(kept->items[i].name);
		json_free(kept->items[i].note);
	}
	free(kept->items);
	map_clear(&kept->files);
	*kept = (struct kept_machines){0};
}

bool kept_machines_name(const struct kept_machines *kept, const char *file)
{
	return count_of(kept, file) != 0;
}

struct looking {
	int folder;
	bool locked;
};

static void look(void *context, const char *file, int64_t bytes)
{
	struct looking *looking = context;
	autoclose int fd = openat(looking->folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	(void)bytes;
	looking->locked |= fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

bool kept_machine_is_in_use(const struct kept_machines *kept, const struct kept_machine *machine)
{
	struct looking looking = {kept->folder, false};

	each_file(machine->note, look, &looking);
	return looking.locked;
}

struct removing {
	struct kept_machines *kept;
	bool dry_run;
	int64_t freed;
};

static void count_down(void *context, const char *file, int64_t bytes)
{
	struct removing *removing = context;
	uintptr_t count = count_of(removing->kept, file);

	map_set(&removing->kept->files, file, (void *)(count - 1));
	if (count == 1 && (removing->dry_run || unlinkat(removing->kept->folder, file, 0) == 0))
		removing->freed += bytes;
}

int64_t kept_machine_remove(struct kept_machines *kept, struct kept_machine *machine, bool dry_run)
{
	struct removing removing = {kept, dry_run, 0};

	/* the note first: without it nothing else is looked at */
	if (!dry_run)
		unlinkat(kept->folder, machine->name, 0);
	each_file(machine->note, count_down, &removing);
	machine->gone = true;
	return removing.freed;
}

bool kept_is_machine_file(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot && (text_starts_with(dot, ".disk") || strcmp(dot, ".memory") == 0 ||
			      strcmp(dot, ".base") == 0 || strcmp(dot, ".efivars") == 0);
}
