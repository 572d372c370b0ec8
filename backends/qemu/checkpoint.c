/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/copy.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"

enum { NOTE_SIZE_MOST = 1024 * 1024 };

const char *checkpoint_kind_name(enum checkpoint_kind kind)
{
	static const char *const names[] = {"off", "disk", "memory"};

	return names[kind];
}

/* ---- names ---- */

static char *name_of(const struct digest *key, const char *what)
{
	char hex[DIGEST_HEX_SIZE];

	return memory_printf("%s.%s", digest_hex(key, hex), what);
}

static char *disk_name(const struct digest *key, size_t index)
{
	autofree char *what = memory_printf("disk%zu", index);

	return name_of(key, what);
}

static char *note_name(const struct digest *key)
{
	return name_of(key, "vm.json");
}

static char *memory_name(const struct digest *key)
{
	return name_of(key, "memory");
}

static char *vars_name(const struct digest *key)
{
	return name_of(key, "efivars");
}

/* ---- the store ---- */

int checkpoints_open(struct job *job, struct checkpoints *store, struct error *err)
{
	const char *state = json_get_text(job->order, "state", NULL);

	*store = (struct checkpoints){.job = job, .folder = -1, .sealing = json_new_list()};
	if (!state)
		return fail(err, ERROR_BROKEN, "the order has no state folder");
	store->path = memory_printf("%s/checkpoints", state);
	store->folder = folder_make(AT_FDCWD, store->path, 0700, err);
	return store->folder < 0 ? -1 : 0;
}

static void wait_for_sealing(struct checkpoints *store)
{
	for (size_t i = 0; i < json_count(store->sealing); i++) {
		const struct json *one = json_item(store->sealing, i);
		if (process_wait((pid_t)json_get_integer(one, "pid", 0)) != 0)
			build_log_say(&store->job->log,
				"the checkpoint behind %s could not be kept",
				json_get_text(one, "what", "a step"));
	}
	json_free(store->sealing);
	store->sealing = json_new_list();
}

void checkpoints_close(struct checkpoints *store)
{
	if (store->sealing)
		wait_for_sealing(store);
	for (size_t i = 0; i < store->held_count; i++)
		close(store->held[i]);
	free(store->held);
	free(store->path);
	free(store->base);
	json_free(store->sealing);
	cleanup_close(&store->folder);
	*store = (struct checkpoints){.folder = -1};
}

void checkpoint_clear(struct checkpoint *checkpoint)
{
	json_free(checkpoint->note);
	*checkpoint = (struct checkpoint){0};
}

/* Locked against eviction until the store is closed. */
static void hold(struct checkpoints *store, int fd)
{
	flock(fd, LOCK_SH | LOCK_NB);
	MEMORY_GROW(store->held, store->held_count, store->held_room);
	store->held[store->held_count++] = fd;
}

/* ---- finding one ---- */

/*
 * Every file of NOTE as {"file", "digest", "size"}: each layer of each disk and of the memory, the topmost first, and the
 * variables of its firmware.
 */
typedef bool visit_file(void *context, const struct json *file);

static bool each_of(const struct json *files, visit_file *visit, void *context)
{
	for (size_t i = 0; i < json_count(files); i++)
		if (!visit(context, json_item(files, i)))
			return false;
	return true;
}

static bool each_file(const struct json *note, visit_file *visit, void *context)
{
	const struct json *disks = json_get(note, "disks");

	for (size_t i = 0; i < json_count(disks); i++)
		if (!each_of(json_item(disks, i), visit, context))
			return false;
	return each_of(json_get(note, "memory"), visit, context) &&
	       each_of(json_get(note, "efivars"), visit, context);
}

static bool is_whole(void *context, const struct json *file)
{
	struct checkpoints *store = context;
	const char *name = json_get_text(file, "file", "");
	struct digest wanted, is;
	struct error ignored;
	int fd;

	if (strchr(name, '/') || !digest_parse(json_get_text(file, "digest", ""), &wanted))
		return false;
	fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	hold(store, fd);
	return digest_of_fd(fd, &is, &ignored) == 0 && digest_equal(&is, &wanted);
}

void checkpoint_forget(struct checkpoints *store, const struct digest *key)
{
	autofree char *note = note_name(key);

	unlinkat(store->folder, note, 0);
}

/* When step INDEX ran, as the note has it; 0: it does not say, for the step was not open then. */
static int64_t opened_usec(const struct json *note, size_t index)
{
	const struct json *opened = json_get(note, "opened");
	int64_t usec = 0;

	for (size_t i = 0; i < json_count(opened); i++)
		if ((size_t)json_get_integer(json_item(opened, i), "step", 0) == index)
			usec = json_get_integer(json_item(opened, i), "usec", 0);
	return usec;
}

static bool is_young(const struct json *note, const struct checkpoint_age *ages, size_t age_count)
{
	for (size_t a = 0; a < age_count; a++) {
		int64_t usec = opened_usec(note, ages[a].step);
		int64_t age = moment_now_usec() - usec;
		if (ages[a].max_sec && (!usec || age < 0 || age / 1000000 > ages[a].max_sec))
			return false;
	}
	return true;
}

static struct json *read_note(const struct checkpoints *store, const struct digest *key)
{
	autofree char *name = note_name(key), *text = NULL;
	struct json *note = NULL;
	struct error ignored;
	size_t size;

	if (file_read(store->folder, name, NOTE_SIZE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &note, &ignored) < 0)
		return NULL;
	return note;
}

int checkpoint_find(struct checkpoints *store, const struct digest *key, enum checkpoint_kind kind,
	const struct checkpoint_age *ages, size_t age_count, struct checkpoint *checkpoint)
{
	autojson struct json *note = read_note(store, key);
	autofree char *name = note_name(key);

	if (!note || strcmp(json_get_text(note, "kind", ""), checkpoint_kind_name(kind)) != 0 ||
		!is_young(note, ages, age_count))
		return 0;
	if (!each_file(note, is_whole, store)) {
		build_log_say(&store->job->log, "a checkpoint is damaged and is not used: %s/%s",
			store->path, name);
		checkpoint_forget(store, key);
		return 0;
	}
	utimensat(store->folder, name, NULL, AT_SYMLINK_NOFOLLOW); /* used just now */
	*checkpoint = (struct checkpoint){*key, kind, TAKE(note)};
	return 1;
}

size_t checkpoint_disk_count(const struct checkpoint *checkpoint)
{
	return json_count(json_get(checkpoint->note, "disks"));
}

char *checkpoint_disk_path(
	const struct checkpoints *store, const struct checkpoint *checkpoint, size_t index)
{
	const struct json *layers = json_item(json_get(checkpoint->note, "disks"), index);

	return memory_printf("%s/%s", store->path, json_get_text(json_item(layers, 0), "file", ""));
}

int checkpoint_open_memory(const struct checkpoints *store, const struct checkpoint *checkpoint,
	int **files, size_t *count, struct error *err)
{
	const struct json *list = json_get(checkpoint->note, "memory");

	*count = 0;
	*files = memory_new((json_count(list) + 1) * sizeof(**files));
	for (size_t i = json_count(list); i-- > 0;) {
		const char *name = json_get_text(json_item(list, i), "file", "");
		int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return fail_errno(err, ERROR_BROKEN, "checkpoints/%s", name);
		(*files)[(*count)++] = fd;
	}
	return 0;
}

/* ---- keeping one ---- */

char *checkpoint_new_disk(const struct checkpoints *store, const struct digest *key, size_t index)
{
	autofree char *name = disk_name(key, index);

	return memory_printf("%s/%s", store->path, name);
}

int checkpoint_new_memory(
	struct checkpoints *store, const struct digest *key, int *fd, struct error *err)
{
	autofree char *name = memory_name(key);

	unlinkat(store->folder, name, 0);
	*fd = openat(store->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return fail_errno(err, ERROR_RESOURCE, "checkpoints/%s", name);
	hold(store, fcntl(*fd, F_DUPFD_CLOEXEC, 0));
	return 0;
}

int checkpoint_take_disk(struct checkpoints *store, const struct digest *key, size_t index,
	const char *path, struct error *err)
{
	autofree char *name = disk_name(key, index);

	unlinkat(store->folder, name, 0);
	if (linkat(AT_FDCWD, path, store->folder, name, 0) < 0)
		return fail_errno(
			err, ERROR_RESOURCE, "cannot keep %s as checkpoints/%s", path, name);
	int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "checkpoints/%s", name);
	hold(store, fd);
	return 0;
}

int checkpoint_take_vars(
	struct checkpoints *store, const struct digest *key, const char *path, struct error *err)
{
	autofree char *name = vars_name(key);

	unlinkat(store->folder, name, 0);
	if (copy_file(AT_FDCWD, path, store->folder, name, 0600, NULL, NULL, err) < 0)
		return fail_while(err, "checkpoints/%s", name);
	int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "checkpoints/%s", name);
	hold(store, fd);
	return 0;
}

int checkpoint_give_vars(const struct checkpoints *store, const struct checkpoint *checkpoint,
	const char *path, struct error *err)
{
	const struct json *file = json_item(json_get(checkpoint->note, "efivars"), 0);

	unlink(path);
	return copy_file(store->folder, json_get_text(file, "file", ""), AT_FDCWD, path, 0644, NULL,
		NULL, err);
}

char *checkpoint_take_base(struct checkpoints *store, const struct digest *key, int fd)
{
	char path[32], what[32];
	struct stat about;

	if (fstat(fd, &about) < 0)
		return NULL;
	/* as long as the name is there nobody else has that number */
	snprintf(what, sizeof(what), "%llx.base", (unsigned long long)about.st_ino);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	autofree char *name = name_of(key, what);
	if (linkat(AT_FDCWD, path, store->folder, name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return NULL;
	int held = openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (held < 0)
		return NULL;
	hold(store, held);
	free(store->base);
	store->base = TAKE(name);
	return memory_printf("%s/%s", store->path, store->base);
}

/* Synced, read-only (if OURS alone) and digested: {"file", "digest", "size"}, NULL if that fails. */
static struct json *seal_file(const struct checkpoints *store, const char *name, bool ours)
{
	autoclose int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	struct stat about;
	struct error ignored;

	if (fd < 0 || (ours && fchmod(fd, 0400) < 0) || fsync(fd) < 0 || fstat(fd, &about) < 0 ||
		digest_of_fd(fd, &digest, &ignored) < 0)
		return NULL;
	struct json *file = json_new_object();
	json_set_text(file, "file", name);
	json_set_text(file, "digest", digest_text(&digest, text));
	json_set_integer(file, "size", about.st_size);
	return file;
}

/* The file NAME above those of BELOW, the topmost first. NULL if it cannot be sealed. */
static struct json *seal_layer(
	const struct checkpoints *store, const char *name, const struct json *below)
{
	struct json *top = seal_file(store, name, true), *layers;

	if (!top)
		return NULL;
	layers = json_new_list();
	json_add(layers, top);
	for (size_t i = 0; i < json_count(below); i++)
		json_add(layers, json_copy(json_item(below, i)));
	return layers;
}

/* In a process of its own. */
static int seal(struct checkpoints *store, const struct digest *key, enum checkpoint_kind kind,
	size_t disk_count, bool with_vars, const struct json *below, struct json *note)
{
	struct json *disks = json_new_list();
	CLEANUP(text_clear) struct text text = {0};
	autofree char *name = note_name(key), *memory = memory_name(key), *vars = vars_name(key);
	struct error err;

	json_set(note, "disks", disks);
	for (size_t i = 0; i < disk_count; i++) {
		autofree char *disk = disk_name(key, i);
		struct json *layers =
			seal_layer(store, disk, json_item(json_get(below, "disks"), i));
		struct json *base = NULL;
		if (!layers)
			return -1;
		json_add(disks, layers);
		if (i || below || !store->base)
			continue;
		base = seal_file(store, store->base, false);
		if (!base)
			return -1;
		json_add(layers, base);
	}
	if (kind == CHECKPOINT_KEEP_MEMORY) {
		struct json *layers = seal_layer(store, memory, json_get(below, "memory"));
		if (!layers)
			return -1;
		json_set(note, "memory", layers);
	}
	if (with_vars) {
		struct json *alone = seal_layer(store, vars, NULL);
		if (!alone)
			return -1;
		json_set(note, "efivars", alone);
	}
	FAULT("checkpoint-sealed");
	json_write(note, JSON_LINE, &text);
	if (file_replace(store->folder, name, 0600, text.data, text.size, &err) < 0)
		return -1;
	FAULT("checkpoint-noted");
	return 0;
}

int checkpoint_seal(struct checkpoints *store, const struct digest *key, enum checkpoint_kind kind,
	size_t disk_count, bool with_vars, const struct digest *below, struct json *about,
	struct error *err)
{
	autojson struct json *note = about, *under = NULL;

	json_set_text(note, "kind", checkpoint_kind_name(kind));
	json_set_integer(note, "created_usec", moment_now_usec());
	wait_for_sealing(store); /* its layers are named by the note of the one below */
	under = below ? read_note(store, below) : NULL;
	if (below && !under)
		return fail(err, ERROR_BROKEN, "the checkpoint below it was not kept");
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		_exit(seal(store, key, kind, disk_count, with_vars, under, note) < 0);
	}
	if (pid < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot fork");
	struct json *one = json_new_object();
	json_set_integer(one, "pid", pid);
	json_set_text(one, "what", json_get_text(note, "behind", "a step"));
	json_add(store->sealing, one);
	return 0;
}
