/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/post.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

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

static int run_one(struct job *job, const struct json *about, size_t sequence, size_t place,
	const struct artifact *input, struct post_result *result, struct error *err)
{
	const char *type = json_get_text(about, "type", "");
	const struct post_processor *processor = post_processor_find(type);
	char label[128];

	snprintf(
		label, sizeof(label), "post-processor %zu.%zu (%s)", sequence + 1, place + 1, type);
	if (!processor)
		return fail(err, ERROR_BROKEN, "there is no driver for %s", label);
	job->log.step = label;
	build_log_say(&job->log, "running");
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

/* One sequence, from the builder's artifact on. *KEEP_MADE if the first wants that to stay. */
static int run_sequence(struct job *job, const struct json *sequence, size_t index,
	const struct artifact *made, struct artifacts *kept, bool *keep_made, struct error *err)
{
	struct artifact *prior = NULL;

	for (size_t place = 0; place < json_count(sequence); place++) {
		const struct json *about = json_item(sequence, place);
		struct post_result result = {0};
		if (job_check(job, err) < 0 ||
			run_one(job, about, index, place, prior ? prior : made, &result, err) < 0) {
			artifact_free(prior);
			return -1;
		}
		if (!result.artifact)
			break;
		bool keep = keeps_input(about, &result);
		if (!prior)
			*keep_made |= keep;
		else if (keep)
			add(kept, prior);
		else
			artifact_free(prior);
		prior = result.artifact;
	}
	if (prior)
		add(kept, prior);
	return 0;
}

int post_process(
	struct job *job, const struct artifact *made, struct artifacts *kept, struct error *err)
{
	const struct json *sequences = job_order(job, "post_processors");
	bool keep_made = json_count(sequences) == 0;

	for (size_t i = 0; i < json_count(sequences); i++)
		if (run_sequence(job, json_item(sequences, i), i, made, kept, &keep_made, err) < 0)
			return -1;
	if (keep_made)
		add(kept, artifact_copy(made));
	return 0;
}
