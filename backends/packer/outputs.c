/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/outputs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

/*
 * Post-processors list files that a later one has removed (compress does so with what checksum lists): what is not there
 * any more is no part of the result.
 */
static int add_file(struct job *job, struct artifact *artifact, const char *name, struct error *err)
{
	autofree char *path = NULL;
	struct stat status;

	if (job_resolve(job, name, &path, err) < 0)
		return fail_while(err, "the artifact");
	if (path[0] == '/')
		return fail(err, ERROR_CATALOG,
			"the artifact %s lies outside of the build's own folder", name);
	if (fstatat(job->tree_fd, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		build_log_say(&job->log, "packer lists %s, which is not there any more", name);
	else if (!artifact_has(artifact, path))
		artifact_add(artifact, path, NULL, 0);
	return 0;
}

static bool is_equal(const struct artifact *a, const struct artifact *b)
{
	if (strcmp(a->builder_id, b->builder_id) != 0 || strcmp(a->id, b->id) != 0 ||
		a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!artifact_has(b, a->files[i].path))
			return false;
	return true;
}

/* Packer lists the artifact of a post-processor that hands it on twice. */
static void keep(struct artifacts *kept, struct artifact *artifact)
{
	for (size_t i = 0; i < kept->count; i++)
		if (is_equal(kept->items[i], artifact)) {
			artifact_free(artifact);
			return;
		}
	MEMORY_GROW(kept->items, kept->count, kept->room);
	kept->items[kept->count++] = artifact;
}

static int collect(struct job *job, const struct packer_artifact *made, struct artifacts *kept,
	struct error *err)
{
	CLEANUP(artifact_freep)
	struct artifact *artifact = artifact_new(made->builder_id ? made->builder_id : "",
		made->id ? made->id : "", made->text ? made->text : "");

	strings_each (name, &made->files)
		if (add_file(job, artifact, name, err) < 0)
			return -1;
	if (made->files.count && !artifact->count)
		return fail(err, ERROR_CATALOG,
			"packer ended well, but none of the files of its artifact is there: %s",
			artifact->text);
	keep(kept, TAKE(artifact));
	return 0;
}

static bool is_elsewhere(const struct artifact *artifact)
{
	return !artifact->count && *artifact->id &&
	       strcmp(artifact->builder_id, ARTIFACT_NOTHING) != 0;
}

/*
 * What is elsewhere has no bytes here that could tell one version from another: its ids are written down in a file, which
 * is published like any other.
 */
static int write_ids(struct job *job, struct artifacts *kept, struct error *err)
{
	autojson struct json *list = json_new_list();
	CLEANUP(text_clear) struct text text = {0};

	for (size_t i = 0; i < kept->count; i++) {
		if (!is_elsewhere(kept->items[i]))
			continue;
		struct json *about = json_new_object();
		json_set_text(about, "builder_id", kept->items[i]->builder_id);
		json_set_text(about, "id", kept->items[i]->id);
		json_add(list, about);
	}
	if (!json_count(list))
		return 0;
	for (size_t i = 0; i < kept->count; i++)
		if (artifact_has(kept->items[i], PACKER_OUTPUTS_NAME))
			return fail(err, ERROR_CATALOG,
				"the artifact has a file " PACKER_OUTPUTS_NAME
				": that is where kiln writes the ids of what is elsewhere");
	json_write(list, JSON_LINE, &text);
	text_add_char(&text, '\n');
	if (unlinkat(job->tree_fd, PACKER_OUTPUTS_NAME, 0) < 0 &&
		file_exists(job->tree_fd, PACKER_OUTPUTS_NAME))
		return fail_errno(err, ERROR_BROKEN, PACKER_OUTPUTS_NAME);
	if (file_write_new(
		    job->tree_fd, PACKER_OUTPUTS_NAME, 0644, text_get(&text), text.size, err) < 0)
		return -1;
	struct artifact *ids = artifact_new("kiln.outputs", "", "the ids of what is elsewhere");
	artifact_add(ids, PACKER_OUTPUTS_NAME, NULL, 0);
	keep(kept, ids);
	return 0;
}

int packer_outputs_collect(struct job *job, const struct packer_report *report,
	struct artifacts *kept, struct error *err)
{
	for (size_t i = 0; i < report->count; i++)
		if (collect(job, &report->artifacts[i], kept, err) < 0)
			return -1;
	if (!kept->count)
		return fail(err, ERROR_CATALOG,
			"packer ended well, but made nothing: it tells of no artifact of the build "
			"%s",
			json_get_text(job->order, "packer_build_name", ""));
	if (report->announced > (int64_t)report->count)
		return fail(err, ERROR_BROKEN,
			"packer counts %lld artifacts and tells of %zu: its output is not whole",
			(long long)report->announced, report->count);
	return write_ids(job, kept, err);
}
