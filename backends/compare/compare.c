/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/compare/compare.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/compare/listing.h"
#include "backends/qemu/booted.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { DIFFERENCES_MOST = 10000 };

/* One of the two artifacts. */
struct side {
	const char *folder; /* NULL: what the job's build made */
	struct published files;
	struct listing listing;
};

struct comparison {
	struct job *job;
	struct side published, own;
	bool machine;               /* of the builder's disks */
	struct strings whole, into; /* files: compared as they are; looked into */
	bool boots, oci; /* the machine's disks are to be looked into; all of it is one OCI image */
};

static void side_clear(struct side *side)
{
	published_clear(&side->files);
	listing_clear(&side->listing);
}

/* ---- what is to be looked at ---- */

static const struct published_file *find(const struct side *side, const char *name)
{
	for (size_t i = 0; i < side->files.count; i++)
		if (strcmp(side->files.items[i].name, name) == 0)
			return &side->files.items[i];
	return NULL;
}

static bool is_disk(const struct comparison *comparison, const struct side *side, const char *name)
{
	struct booted booted = BOOTED_NONE;
	struct error ignored;
	bool disk = false;

	if (!comparison->machine)
		return false;
	booted.job = comparison->job;
	if (booted_open(&booted, &ignored) == 0)
		for (size_t i = 0; i < side->files.count; i++)
			disk |= strcmp(side->files.items[i].name, name) == 0 &&
			        booted_is_disk(&booted, &side->files, i);
	booted_close(&booted);
	return disk;
}

static void choose_file(struct comparison *comparison, const char *name)
{
	const struct published_file *was = find(&comparison->published, name),
				    *is = find(&comparison->own, name);

	if (was && is && digest_equal(&was->digest, &is->digest))
		return;
	if (was && is && is_disk(comparison, &comparison->own, name))
		comparison->boots = true;
	else
		strings_add_once(was && is ? &comparison->into : &comparison->whole, name);
}

static bool is_oci(const struct side *side)
{
	return find(side, "oci-layout") && find(side, "index.json");
}

/* Whatever is not the same byte for byte. */
static void choose(struct comparison *comparison)
{
	const struct published *files = &comparison->published.files;
	const struct published *own = &comparison->own.files;

	if (digest_equal(&files->digest, &own->digest))
		return;
	if (is_oci(&comparison->published) && is_oci(&comparison->own)) {
		comparison->oci = true;
		return;
	}
	for (size_t i = 0; i < files->count; i++)
		choose_file(comparison, files->items[i].name);
	for (size_t i = 0; i < own->count; i++)
		choose_file(comparison, own->items[i].name);
}

/* Wherever the first build had differences. */
static void choose_again(struct comparison *comparison, const struct json *first)
{
	for (size_t i = 0; i < json_count(first); i++) {
		const char *path = json_get_text(json_item(first, i), "path", "");
		const char *inner = strstr(path, ":/");
		if (is_oci(&comparison->own)) {
			comparison->oci = true;
		} else if (*path == '/') {
			comparison->boots = true;
		} else if (inner) {
			autofree char *name = memory_copy_bytes(path, (size_t)(inner - path));
			strings_add_once(&comparison->into, name);
		} else {
			strings_add_once(&comparison->whole, path);
		}
	}
}

/* ---- looking ---- */

static void add_whole(struct side *side, const char *name)
{
	const struct published_file *file = find(side, name);
	char text[DIGEST_TEXT_SIZE];

	if (file)
		listing_add(&side->listing, name,
			memory_printf("file %lld bytes %s", (long long)file->size,
				digest_text(&file->digest, text)));
}

/* 1 if it was an archive. */
static int look_into(struct job *job, struct side *side, const char *name, struct listing *into,
	struct error *err)
{
	const struct published_file *file = find(side, name);
	autoclose int fd = file ? published_open_in(job, side->folder, file, err) : -1;

	if (!file)
		return 0;
	return fd < 0 ? -1 : listing_read_archive(job, fd, false, into, err);
}

/* Both sides, or neither: half a list would differ in everything. */
static int look_into_both(struct comparison *comparison, const char *name, struct error *err)
{
	CLEANUP(listing_clear) struct listing was = {0}, is = {0};
	autofree char *prefix = memory_printf("%s:", name);
	int before = look_into(comparison->job, &comparison->published, name, &was, err);
	int now =
		before > 0 ? look_into(comparison->job, &comparison->own, name, &is, err) : before;

	if (now < 0)
		return fail_while(err, "%s", name);
	if (now == 0) {
		add_whole(&comparison->published, name);
		add_whole(&comparison->own, name);
		return 0;
	}
	listing_add_all(&comparison->published.listing, prefix, &was);
	listing_add_all(&comparison->own.listing, prefix, &is);
	return 0;
}

/* The image that the files of SIDE are. */
static int look_into_image(struct job *job, struct side *side, struct error *err)
{
	const char *path = side->files.items[0].path, *name = side->files.items[0].name;
	autofree char *below = memory_copy_bytes(path, strlen(path) - strlen(name));
	autoclose int folder = side->folder ? folder_open(AT_FDCWD, side->folder, err)
	                                    : folder_make_inside(job->tree_fd, below, 0755, err);

	return folder < 0 ? -1 : listing_read_oci(job, folder, &side->listing, err);
}

static int boot(struct job *job, struct side *side, struct booted *booted, struct error *err)
{
	booted->job = job;
	booted->files = side->folder;
	if (booted_open(booted, err) < 0)
		return -1;
	/* what nobody will let in need not be started */
	if (strcmp(json_get_text(booted->builder, "communicator", "ssh"), "ssh") != 0)
		return fail(err, ERROR_CATALOG, "its builder has no communicator");
	if (booted_make_disks(booted, &side->files, err) < 0 || booted_start(booted, err) < 0 ||
		booted_connect(booted, err) < 0)
		return -1;
	build_log_say(&job->log, "listing its files");
	return listing_read_machine(booted->communicator, &side->listing, err);
}

static int look_into_machine(struct job *job, struct side *side, struct error *err)
{
	struct booted booted = BOOTED_NONE;

	build_log_say(&job->log, "starting the %s machine to look into it",
		side->folder ? "published" : "new");
	int result = boot(job, side, &booted, err);
	if (result < 0 && booted.machine.job)
		machine_show_state(&booted.machine);
	booted_close(&booted);
	if (result == 0)
		return 0;
	return fail_while(err, "the disks differ, and the %s machine cannot be looked into",
		side->folder ? "published" : "new");
}

static int look(struct comparison *comparison, bool published, struct error *err)
{
	struct job *job = comparison->job;
	struct side *sides[] = {&comparison->own, published ? &comparison->published : NULL};

	for (size_t i = 0; i < 2 && sides[i]; i++) {
		strings_each (name, &comparison->whole)
			add_whole(sides[i], name);
		if ((comparison->oci && look_into_image(job, sides[i], err) < 0) ||
			(comparison->boots && look_into_machine(job, sides[i], err) < 0))
			return -1;
	}
	strings_each (name, &comparison->into)
		if (look_into_both(comparison, name, err) < 0)
			return -1;
	return 0;
}

/* ---- what comes of it ---- */

/* What the first build had, and this one has likewise. */
static struct json *repeat(const struct comparison *comparison, const struct json *first)
{
	struct json *list = json_new_list();

	for (size_t i = 0; i < json_count(first); i++) {
		const struct json *one = json_item(first, i);
		const char *then = json_get_text(one, "found", NULL);
		const char *now =
			listing_find(&comparison->own.listing, json_get_text(one, "path", ""));
		if (then == now || (then && now && strcmp(then, now) == 0))
			json_add(list, json_copy(one));
	}
	return list;
}

static int note(struct comparison *comparison, struct json *all, struct error *err)
{
	struct json *details = json_new_object(), *list = json_new_list();
	size_t count = json_count(all);

	for (size_t i = 0; i < count && i < DIFFERENCES_MOST; i++)
		json_add(list, json_copy(json_item(all, i)));
	json_free(all);
	build_log_say(&comparison->job->log, "%zu files of %zu differ", count,
		comparison->published.listing.lines.count);
	json_set_integer(details, "files", (int64_t)comparison->published.listing.lines.count);
	json_set_integer(
		details, "more", count > DIFFERENCES_MOST ? (int64_t)count - DIFFERENCES_MOST : 0);
	json_set(details, "differences", list);
	return journal_add(&comparison->job->journal, "comparison", details, err);
}

static int compare(struct comparison *comparison, struct error *err)
{
	struct job *job = comparison->job;
	const struct json *published = job_order(job, "published"),
			  *first = job_order(job, "first");
	struct json *differences;

	comparison->published.folder = json_get_text(published, "folder", "");
	comparison->machine =
		strcmp(json_get_text(job_order(job, "builder"), "type", ""), "qemu") == 0;
	if (published_from_json(
		    json_get(published, "artifact"), &comparison->published.files, err) < 0 ||
		published_from_json(job_order(job, "artifact"), &comparison->own.files, err) < 0)
		return -1;
	if (first)
		choose_again(comparison, first);
	else
		choose(comparison);
	if (look(comparison, !first, err) < 0)
		return -1;
	if (first) {
		differences = repeat(comparison, first);
	} else {
		differences = json_new_list();
		listing_compare(
			&comparison->published.listing, &comparison->own.listing, differences);
	}
	return note(comparison, differences, err);
}

int compare_artifact(struct job *job, struct error *err)
{
	struct comparison comparison = {.job = job};

	job->log.step = "compare";
	int result = compare(&comparison, err);
	build_log_flush(&job->log);
	if (result < 0)
		build_log_say(&job->log, "failed: %s", err->text);
	job->log.step = NULL;
	side_clear(&comparison.published);
	side_clear(&comparison.own);
	strings_clear(&comparison.whole);
	strings_clear(&comparison.into);
	return result;
}
