/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/post.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

struct post {
	struct job *job;
	const struct artifact *made;
	struct artifacts *kept;
	bool keep_made;
	bool touched; /* files may have other content than when they were digested */
	size_t failures;
	struct error first; /* of the failures */
	struct text failed; /* all of them */
};

void artifacts_clear(struct artifacts *artifacts)
{
	for (size_t i = 0; i < artifacts->count; i++)
		artifact_free(artifacts->items[i]);
	free(artifacts->items);
	*artifacts = (struct artifacts){0};
}

static void add(struct artifacts *artifacts, struct artifact *artifact)
{
	MEMORY_GROW(artifacts->items, artifacts->count, artifacts->room);
	artifacts->items[artifacts->count++] = artifact;
}

static bool is_kept(const struct artifacts *kept, const char *path)
{
	for (size_t i = 0; i < kept->count; i++)
		if (artifact_has(kept->items[i], path))
			return true;
	return false;
}

/* ---- for post-processors ---- */

struct json *post_data(const struct job *job, const struct artifact *input)
{
	struct json *data = job_data(job);
	const struct json *generated = json_get(input->state, "generated_data");

	json_each_member (member, generated)
		json_set(data, member.key, json_copy(member.value));
	return data;
}

/* OUTPUT below tree/, the caller frees. */
static int resolve_output(struct job *job, const char *output, char **path, struct error *err)
{
	autofree char *resolved = NULL;

	if (job_resolve(job, output, &resolved, err) < 0)
		return fail_while(err, "output");
	if (resolved[0] == '/')
		return fail(err, ERROR_CATALOG, "output: %s lies outside of the build's own folder",
			output);
	if (!*resolved)
		return fail(err, ERROR_CATALOG, "output: %s is the build's own folder", output);
	*path = TAKE(resolved);
	return 0;
}

int post_create(struct job *job, const struct artifact *input, const char *output, char **path,
	struct error *err)
{
	autofree char *resolved = NULL;

	if (resolve_output(job, output, &resolved, err) < 0)
		return -1;
	if (artifact_has(input, resolved))
		return fail(err, ERROR_CATALOG,
			"output %s is the file that is to be packed: give it another name", output);
	if (job->post &&
		(artifact_has(job->post->made, resolved) || is_kept(job->post->kept, resolved)))
		return fail(err, ERROR_CATALOG,
			"output %s is a file of this build's artifacts already: two "
			"post-processors cannot write one file",
			output);
	if (job_remove_path(job, resolved, err) < 0)
		return fail_while(err, "output");
	autofree char *rooted = memory_printf("%s/%s", JOB_REPOSITORY, resolved);
	int fd = job_open_path(job, rooted, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	if (fd < 0)
		return fail_while(err, "output");
	*path = TAKE(resolved);
	return fd;
}

int post_open(struct job *job, const struct artifact *input, const char *output, int flags,
	char **path, struct error *err)
{
	autofree char *resolved = NULL;

	if (resolve_output(job, output, &resolved, err) < 0)
		return -1;
	autofree char *rooted = memory_printf("%s/%s", JOB_REPOSITORY, resolved);
	int fd = job_open_path(job, rooted, flags | O_CREAT, 0644, err);
	if (fd < 0)
		return fail_while(err, "output");
	if (job->post &&
		(artifact_has(input, resolved) || artifact_has(job->post->made, resolved) ||
			is_kept(job->post->kept, resolved)))
		job->post->touched = true;
	*path = TAKE(resolved);
	return fd;
}

/* ---- the algorithm ---- */

static int run_one(struct post *post, const struct json *about, const char *label,
	const struct artifact *input, struct post_result *result, struct error *err)
{
	struct job *job = post->job;
	const struct post_processor *processor =
		post_processor_find(json_get_text(about, "type", ""));

	if (job_check(job, err) < 0)
		return -1;
	if (!processor)
		return fail(err, ERROR_BROKEN, "there is no driver for %s", label);
	post->touched |= processor->touches;
	job->log.step = label;
	build_log_say(&job->log, "running %s", label);
	int failed = processor->process(job, json_get(about, "options"), input, result, err);
	build_log_flush(&job->log);
	if (failed < 0)
		build_log_say(&job->log, "failed: %s", err->text);
	job->log.step = NULL;
	return failed < 0 ? fail_while(err, "%s", label) : 0;
}

/* What the template says, unless the post-processor cannot work without its input. */
static bool keeps_input(const struct json *about, const struct post_result *result)
{
	if (!json_has(about, "keep_input_artifact"))
		return result->keep;
	bool said = json_get_boolean(about, "keep_input_artifact", false);
	return result->keep && result->force ? true : said;
}

/* Removes an artifact's files but those that another one has: what is kept, NEXT, and before the end the builder's. */
static void discard(struct post *post, const struct artifact *artifact, const struct artifact *next)
{
	struct error ignored; /* then it stays until the whole folder goes */

	for (size_t i = 0; i < artifact->count; i++) {
		const char *path = artifact->files[i].path;
		if (is_kept(post->kept, path) ||
			(next && (artifact_has(next, path) || artifact_has(post->made, path))))
			continue;
		job_remove_path(post->job, path, &ignored);
	}
}

static void hand_on(struct post *post, const struct json *about, struct artifact *prior,
	const struct post_result *result)
{
	bool keep = keeps_input(about, result);

	if (!prior) {
		post->keep_made |= keep;
	} else if (keep) {
		add(post->kept, prior);
	} else {
		discard(post, prior, result->artifact);
		artifact_free(prior);
	}
}

/* One sequence, from the builder's artifact on. */
static int run_sequence(
	struct post *post, const struct json *sequence, size_t index, struct error *err)
{
	CLEANUP(artifact_freep) struct artifact *prior = NULL;

	for (size_t place = 0; place < json_count(sequence); place++) {
		const struct json *about = json_item(sequence, place);
		struct post_result result = {0};
		char label[128];
		snprintf(label, sizeof(label), "post-processor %zu.%zu (%s)", index + 1, place + 1,
			json_get_text(about, "type", ""));
		if (run_one(post, about, label, prior ? prior : post->made, &result, err) < 0)
			return -1;
		if (!result.artifact)
			break;
		hand_on(post, about, TAKE(prior), &result);
		prior = result.artifact;
	}
	if (prior)
		add(post->kept, TAKE(prior));
	return 0;
}

/* As in Packer the others run nevertheless, and the build has failed. */
static bool note_failure(struct post *post, const struct error *err)
{
	if (!post->failures++)
		post->first = *err;
	text_addf(&post->failed, "%s%s", post->failures > 1 ? "; " : "", err->text);
	return err->kind != ERROR_CONFLICT && err->kind != ERROR_RESOURCE;
}

static int tell_failures(struct post *post, struct error *err)
{
	if (post->failures > 1)
		error_set(err, post->first.kind, "%zu post-processors failed: %s", post->failures,
			text_get(&post->failed));
	else
		*err = post->first;
	text_clear(&post->failed);
	return -1;
}

/* Digests from before something changed the files say nothing any more. */
static void forget_digests(struct artifacts *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		for (size_t f = 0; f < kept->items[i]->count; f++)
			kept->items[i]->files[f].digested = false;
}

int post_process(
	struct job *job, const struct artifact *made, struct artifacts *kept, struct error *err)
{
	const struct json *sequences = job_order(job, "post_processors");
	struct post post = {.job = job, .made = made, .kept = kept};
	bool going = true;

	post.keep_made = json_count(sequences) == 0;
	job->post = &post;
	for (size_t i = 0; i < json_count(sequences) && going; i++)
		if (run_sequence(&post, json_item(sequences, i), i, err) < 0)
			going = note_failure(&post, err);
	job->post = NULL;
	if (post.failures)
		return tell_failures(&post, err);
	if (post.keep_made)
		add(kept, artifact_copy(made));
	else
		discard(&post, made, NULL);
	if (post.touched)
		forget_digests(kept);
	return 0;
}
