/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/late_archive.h"
#include "backends/rootfs/tree.h"
#include "backends/rootfs/userns.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

enum { NOTE_SIZE_MOST = 64 * 1024 };

void layer_clear(struct layer *layer)
{
	if (layer->tree >= 0)
		close(layer->tree);
	free(layer->file);
	free(layer->mount);
	*layer = (struct layer){.tree = -1};
}

void layer_next_key(const struct digest *before, const struct digest *step, struct digest *key)
{
	unsigned char both[2 * DIGEST_SIZE];

	memcpy(both, before->bytes, DIGEST_SIZE);
	memcpy(both + DIGEST_SIZE, step->bytes, DIGEST_SIZE);
	digest_of(both, sizeof(both), key);
}

/* ---- the stores ---- */

static int open_kept(struct layers *layers, struct error *err)
{
	const char *state = json_get_text(layers->job->order, "state", "");
	autofree char *checkpoints = memory_printf("%s/checkpoints", state);

	layers->sealed_fd = folder_make(AT_FDCWD, checkpoints, 0700, err);
	layers->trees_fd = layers->job->trees_fd;
	return layers->sealed_fd < 0 || layers->trees_fd < 0 ? -1 : 0;
}

static int open_own(struct layers *layers, struct error *err)
{
	layers->sealed_fd = folder_make(layers->job->work_fd, "sealed", 0700, err);
	layers->trees_fd = folder_make(layers->job->work_fd, "trees", 0711, err);
	return layers->sealed_fd < 0 || layers->trees_fd < 0 ? -1 : 0;
}

int layers_open(struct job *job, bool keep, enum compression compression, struct layers *layers,
	struct error *err)
{
	*layers = (struct layers){.job = job,
		.keep = keep,
		.sealed_fd = -1,
		.trees_fd = -1,
		.compression = compression};
	if (job->userns < 0)
		job->userns = userns_new(&job->ids, err);
	if (job->userns < 0)
		return -1;
	return keep ? open_kept(layers, err) : open_own(layers, err);
}

void layers_close(struct layers *layers)
{
	cleanup_close(&layers->sealed_fd);
	if (!layers->keep)
		cleanup_close(&layers->trees_fd);
	layers->sealed_fd = layers->trees_fd = -1;
}

/* ---- notes: what is known of a sealed layer ---- */

static char *note_name(const struct digest *key)
{
	char hex[DIGEST_HEX_SIZE];

	return memory_printf("%s.json", digest_hex(key, hex));
}

static char *file_name(const struct digest *key)
{
	char hex[DIGEST_HEX_SIZE];

	return memory_printf("%s.layer", digest_hex(key, hex));
}

/* 1 if there is a note that can be used. */
static int read_note(struct layers *layers, const struct digest *key, struct layer *layer)
{
	autofree char *name = note_name(key), *text = NULL;
	autojson struct json *note = NULL;
	struct error ignored;
	size_t size;

	if (file_read(layers->sealed_fd, name, NOTE_SIZE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &note, &ignored) < 0)
		return 0;
	layer->created_usec = json_get_integer(note, "created_usec", 0);
	layer->size = json_get_integer(note, "size", 0);
	layer->compression = compression_find(json_get_text(note, "compression", ""));
	if (!digest_parse(json_get_text(note, "plain", ""), &layer->plain) ||
		!digest_parse(json_get_text(note, "digest", ""), &layer->digest) ||
		layer->compression == COMPRESSION_COUNT)
		return 0;
	free(layer->file);
	layer->file = file_name(key);
	layer->folder = layers->sealed_fd;
	layer->sealed = true;
	return 1;
}

static int write_note(struct layers *layers, const struct layer *layer, struct error *err)
{
	autofree char *name = note_name(&layer->key);
	autojson struct json *note = json_new_object();
	CLEANUP(text_clear) struct text text = {0};
	char digest[DIGEST_TEXT_SIZE];

	json_set_integer(note, "created_usec", layer->created_usec);
	json_set_text(note, "compression", compression_name(layer->compression));
	json_set_text(note, "plain", digest_text(&layer->plain, digest));
	json_set_text(note, "digest", digest_text(&layer->digest, digest));
	json_set_integer(note, "size", layer->size);
	json_write(note, JSON_LINE, &text);
	FAULT("layer-packed");
	return file_replace(layers->sealed_fd, name, 0600, text.data, text.size, err);
}

/* Used just now: eviction takes what was used longest ago. */
static void touch_note(struct layers *layers, const struct digest *key)
{
	autofree char *name = note_name(key);

	utimensat(layers->sealed_fd, name, NULL, AT_SYMLINK_NOFOLLOW);
}

static void forget_sealed(struct layers *layers, const struct digest *key)
{
	autofree char *note = note_name(key), *file = file_name(key);

	unlinkat(layers->sealed_fd, note, 0);
	unlinkat(layers->sealed_fd, file, 0);
}

/* The sealed file, if what it says is still what was sealed; -1 and no error if not. */
static int open_sealed(const struct layer *layer)
{
	autoclose int fd = openat(layer->folder, layer->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct digest digest;
	struct error ignored;

	if (fd < 0 || digest_of_fd(fd, &digest, &ignored) < 0 ||
		!digest_equal(&digest, &layer->digest) || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return TAKE_FD(fd);
}

/* ---- sealing ---- */

struct packing {
	int folder, out;
	int reading; /* the other end of OUT, not the child's; -1: OUT is no pipe */
	int64_t epoch;
};

static int pack_layer(void *context, struct error *err)
{
	struct packing *packing = context;

	/* with it open the child would be its own reader, and never learn that there is no other */
	if (packing->reading >= 0)
		close(packing->reading);
	return tree_pack(packing->folder, TREE_LAYER, packing->epoch, packing->out, err);
}

/* A child packs inside the namespace; what it writes is compressed, digested and stored here as it comes. */
static int pack_through(
	struct layers *layers, int tree, int out, struct layer *layer, struct error *err)
{
	struct job *job = layers->job;
	struct packing packing = {.folder = tree, .epoch = job->epoch, .reading = -1};
	struct userns_child child;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	packing.reading = ends[0];
	packing.out = ends[1];
	int result = userns_start(job->userns, &job->ids, pack_layer, &packing, &child, err);
	close(ends[1]);
	if (result == 0) {
		struct error own = {0};
		result = compress_fd(job, ends[0], out, layers->compression, 0, &layer->plain,
			&layer->digest, &layer->size, err);
		close(TAKE_FD(ends[0])); /* should we have failed, the child sees it and ends */
		if (userns_finish(&child, &own) < 0 && result == 0) {
			*err = own;
			result = fail_while(err, "packing a layer");
		}
	}
	if (ends[0] >= 0)
		close(ends[0]);
	return result;
}

static int seal(struct layers *layers, struct layer *layer, struct error *err)
{
	autofree char *file = file_name(&layer->key);
	autofree char *beside = memory_printf("%s.%d", file, getpid());
	autoclose int out = openat(layers->sealed_fd, beside,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (out < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", beside);
	if (pack_through(layers, layer->tree, out, layer, err) < 0 ||
		file_sync(out, beside, err) < 0) {
		unlinkat(layers->sealed_fd, beside, 0);
		return -1;
	}
	if (renameat(layers->sealed_fd, beside, layers->sealed_fd, file) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", file);
	layer->compression = layers->compression;
	if (write_note(layers, layer, err) < 0)
		return -1;
	free(layer->file);
	layer->file = TAKE(file);
	layer->folder = layers->sealed_fd;
	layer->sealed = true;
	FAULT("layer-sealed");
	return 0;
}

int layers_seal(struct layers *layers, struct layer *layer, struct error *err)
{
	if (layer->sealed && layer->compression == layers->compression) {
		autoclose int fd = open_sealed(layer);
		if (fd >= 0)
			return 0;
		build_log_say(&layers->job->log, "a kept layer is damaged and is packed again");
	}
	return seal(layers, layer, err);
}

/* Packs only to bring the times to what a packed layer has, for one that need not be sealed. */
static int normalise(struct layers *layers, int tree, struct error *err)
{
	struct job *job = layers->job;
	struct packing packing = {.folder = tree, .epoch = job->epoch, .reading = -1};
	autoclose int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	packing.out = nowhere;
	if (late_load_archive(err) < 0)
		return -1;
	return userns_run(job->userns, &job->ids, pack_layer, &packing, err);
}

/* ---- trees ---- */

/*
 * A layer that was made again because it was too old has the same key and another content: both stand in the name. One
 * that is not sealed lies in the build's own folder, where there is no other.
 */
static char *tree_name(const struct layer *layer)
{
	char key[DIGEST_HEX_SIZE], plain[DIGEST_HEX_SIZE];

	if (!layer->sealed)
		return memory_copy_text(digest_hex(&layer->key, key));
	return memory_printf(
		"%s-%.16s", digest_hex(&layer->key, key), digest_hex(&layer->plain, plain));
}

static int open_layer_tree(struct layers *layers, struct layer *layer)
{
	autofree char *name = tree_name(layer);
	autoclose int fd =
		openat(layers->trees_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	/* eviction takes the exclusive lock: one that is just being removed is not there any more */
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return -1;
	free(layer->mount);
	layer->mount = memory_printf("%s/%s", layers->keep ? "trees" : "work/trees", name);
	return TAKE_FD(fd);
}

/* NAME in the work folder becomes the tree of LAYER. If another build was faster its tree is as good, and ours goes. */
static int keep_tree(
	struct layers *layers, const char *name, struct layer *layer, struct error *err)
{
	struct job *job = layers->job;
	autofree char *kept = tree_name(layer);

	if (renameat2(job->work_fd, name, layers->trees_fd, kept, RENAME_NOREPLACE) < 0) {
		if (errno != EEXIST)
			return fail_errno(err, ERROR_BROKEN, "%s", kept);
		if (userns_remove(job->userns, &job->ids, job->work_fd, name, err) < 0)
			return -1;
	}
	layer->tree = open_layer_tree(layers, layer);
	if (layer->tree < 0)
		return fail(err, ERROR_TRANSIENT, "the tree of a layer vanished");
	return 0;
}

static int remove_own(struct layers *layers, const char *name, struct error *err)
{
	struct job *job = layers->job;

	return userns_remove(job->userns, &job->ids, job->work_fd, name, err);
}

struct unpacking {
	struct tree_unpack unpack;
};

static int unpack_sealed(void *context, int folder, struct error *err)
{
	struct unpacking *unpacking = context;

	unpacking->unpack.folder = folder;
	return tree_unpack(&unpacking->unpack, err);
}

struct filling {
	layer_fill *fill;
	void *context;
	int folder;
};

static int fill_inside(void *context, struct error *err)
{
	struct filling *filling = context;

	return filling->fill(filling->context, filling->folder, err);
}

/* A new tree called "filled" in the work folder, made by FILL inside the namespace. */
static int fill_tree(struct layers *layers, layer_fill *fill, void *context, struct error *err)
{
	struct job *job = layers->job;
	struct filling filling = {fill, context, -1};

	if (remove_own(layers, "filled", err) < 0 ||
		userns_make_folder(&job->ids, job->work_fd, "filled", 0755, err) < 0)
		return -1;
	autoclose int folder = folder_open(job->work_fd, "filled", err);
	if (folder < 0)
		return -1;
	filling.folder = folder;
	if (late_load_archive(err) < 0)
		return -1;
	return userns_run(job->userns, &job->ids, fill_inside, &filling, err);
}

static int restore_tree(struct layers *layers, struct layer *layer, struct error *err)
{
	struct job *job = layers->job;
	autoclose int archive = open_sealed(layer);
	struct unpacking unpacking = {
		{.archive = archive, .epoch = job->epoch, .owners = job->ids.many, .layer = true}};

	if (archive < 0) {
		build_log_say(&job->log, "a kept layer is damaged and is not used");
		forget_sealed(layers, &layer->key);
		return 0;
	}
	if (fill_tree(layers, unpack_sealed, &unpacking, err) < 0)
		return -1;
	return keep_tree(layers, "filled", layer, err) < 0 ? -1 : 1;
}

int layers_find(struct layers *layers, const struct digest *key, int64_t max_age_sec,
	struct layer *layer, struct error *err)
{
	*layer = (struct layer){.key = *key, .tree = -1};
	if (!layers->keep)
		return 0;
	/* without a note it was never sealed: a tree alone may be of a build that failed right then */
	if (!read_note(layers, key, layer) ||
		(max_age_sec && moment_now_usec() - layer->created_usec > max_age_sec * 1000000)) {
		layer_clear(layer);
		return 0;
	}
	layer->tree = open_layer_tree(layers, layer);
	int found = layer->tree >= 0 ? 1 : restore_tree(layers, layer, err);
	if (found <= 0) {
		layer_clear(layer);
		return found;
	}
	touch_note(layers, key);
	layer->reused = true;
	return 1;
}

/* ---- making one ---- */

int layers_begin(struct layers *layers, struct error *err)
{
	struct job *job = layers->job;

	if (remove_own(layers, "upper", err) < 0 || remove_own(layers, "overlay", err) < 0 ||
		userns_make_folder(&job->ids, job->work_fd, "upper", 0755, err) < 0)
		return -1;
	return userns_make_folder(&job->ids, job->work_fd, "overlay", 0755, err);
}

void layers_abandon(struct layers *layers)
{
	struct error ignored;

	remove_own(layers, "upper", &ignored);
	remove_own(layers, "overlay", &ignored);
}

/* LAYER has a tree and a key: what is missing of it. */
static int complete(struct layers *layers, struct layer *layer, struct error *err)
{
	layer->created_usec = moment_now_usec();
	if (layers->compression == COMPRESSION_NONE)
		return normalise(layers, layer->tree, err);
	return seal(layers, layer, err);
}

static int adopt_tree(struct layers *layers, const char *name, const struct digest *key,
	struct layer *layer, struct error *err)
{
	*layer = (struct layer){.key = *key, .tree = folder_open(layers->job->work_fd, name, err)};
	int result = layer->tree < 0 ? -1 : complete(layers, layer, err);
	cleanup_close(&layer->tree);
	layer->tree = -1;
	if (result == 0)
		result = keep_tree(layers, name, layer, err);
	if (result < 0)
		layer_clear(layer);
	return result;
}

int layers_finish(
	struct layers *layers, const struct digest *key, struct layer *layer, struct error *err)
{
	if (remove_own(layers, "overlay", err) < 0)
		return -1;
	return adopt_tree(layers, "upper", key, layer, err);
}

int layers_make(struct layers *layers, const struct digest *key, layer_fill *fill, void *context,
	struct layer *layer, struct error *err)
{
	if (fill_tree(layers, fill, context, err) < 0)
		return -1;
	return adopt_tree(layers, "filled", key, layer, err);
}
