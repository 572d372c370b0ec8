/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: Packer 1.6.6 post-processor/checksum: a line "HEX<tab>NAME" for each type and file, in that order, appended to what
 * is there; the files of sums join the artifact.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/post.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { COPY_SIZE = 256 * 1024, HEX_SIZE = 129 };

struct summing {
	struct job *job;
	const struct artifact *input;
	enum digest_kind *kinds;
	char **outputs; /* of each kind, below tree/ */
	size_t count;
	char (*sums)[HEX_SIZE]; /* of each file in each kind; "" as long as it is not known */
};

static void summing_clear(struct summing *summing)
{
	for (size_t i = 0; i < summing->count; i++)
		free(summing->outputs[i]);
	free(summing->outputs);
	free(summing->kinds);
	free(summing->sums);
}

static int add_bytes(
	struct summing *summing, int fd, struct digest_stream *const *streams, struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	ssize_t got;

	while ((got = read(fd, buffer, COPY_SIZE)) != 0) {
		if (got < 0 && errno != EINTR)
			return fail_errno(err, ERROR_BROKEN, "cannot read");
		if (job_check(summing->job, err) < 0)
			return -1;
		for (size_t k = 0; got > 0 && k < summing->count; k++)
			digest_stream_add(streams[k], buffer, got);
	}
	return 0;
}

/* The sums of one file, which is read once for all kinds. */
static int sum_file(struct summing *summing, size_t file, struct error *err)
{
	const struct artifact_file *about = &summing->input->files[file];
	autoclose int fd = artifact_open(summing->job, about, NULL, err);
	autofree struct digest_stream **streams =
		memory_new((summing->count + 1) * sizeof(*streams));

	if (fd < 0)
		return -1;
	for (size_t k = 0; k < summing->count; k++)
		streams[k] = digest_stream_new(summing->kinds[k]);
	int result = add_bytes(summing, fd, streams, err);
	for (size_t k = 0; k < summing->count; k++) {
		unsigned char bytes[64];
		digest_stream_end(streams[k], bytes);
		digest_write_hex(bytes, digest_kind_size(summing->kinds[k]),
			summing->sums[file * summing->count + k]);
		digest_stream_free(streams[k]);
	}
	return result < 0 ? fail_while(err, "%s", about->path) : 0;
}

/* A file of sums that is summed itself changes with each line: it has another sum each time. */
static bool is_output(const struct summing *summing, const char *path)
{
	for (size_t k = 0; k < summing->count; k++)
		if (strcmp(summing->outputs[k], path) == 0)
			return true;
	return false;
}

static int write_line(struct summing *summing, size_t kind, size_t file, struct error *err)
{
	const char *path = summing->input->files[file].path;
	char *hex = summing->sums[file * summing->count + kind];
	autofree char *rooted = memory_printf(JOB_REPOSITORY "/%s", summing->outputs[kind]);
	autofree char *opened = NULL;
	autoclose int fd =
		post_open(summing->job, summing->input, rooted, O_WRONLY | O_APPEND, &opened, err);

	if (fd < 0)
		return -1;
	if ((!*hex || is_output(summing, path)) && sum_file(summing, file, err) < 0)
		return -1;
	autofree char *line = memory_printf("%s\t%s\n", hex, path_name(path));
	return file_write_all(fd, line, strlen(line), err) < 0 ? fail_while(err, "%s", opened) : 0;
}

/* Where the sums of each kind go. */
static int find_outputs(struct summing *summing, const struct checksum_options *options,
	const struct json *data, struct error *err)
{
	autojson struct json *mine = json_copy(data);

	for (size_t k = 0; k < json_count(options->types); k++) {
		const char *type = json_text(json_item(options->types, k), "");
		CLEANUP(text_clear) struct text output = {0};
		json_set_text(mine, "ChecksumType", type);
		if (job_render(options->output, mine, &output, err) < 0)
			return fail_while(err, "output");
		char *path;
		if (job_resolve(summing->job, text_get(&output), &path, err) < 0)
			return fail_while(err, "output");
		summing->kinds[k] = digest_kind_find(type);
		summing->outputs[summing->count++] = path;
		if (*path == '/' || !*path)
			return fail(err, ERROR_CATALOG,
				"output: %s lies outside of the build's own folder",
				text_get(&output));
	}
	return 0;
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct checksum_options options;
	CLEANUP(artifact_freep) struct artifact *made = artifact_copy(input);
	CLEANUP(summing_clear) struct summing summing = {.job = job, .input = input};
	autojson struct json *data = post_data(job, input);

	options_decode(&plugin_post_processor_checksum, json, &options);
	size_t kinds = json_count(options.types);
	summing.kinds = memory_new((kinds + 1) * sizeof(*summing.kinds));
	summing.outputs = memory_new((kinds + 1) * sizeof(*summing.outputs));
	summing.sums = memory_new((kinds * input->count + 1) * sizeof(*summing.sums));
	if (find_outputs(&summing, &options, data, err) < 0)
		return -1;
	for (size_t k = 0; k < summing.count; k++)
		for (size_t f = 0; f < input->count; f++) {
			if (write_line(&summing, k, f, err) < 0)
				return -1;
			if (!artifact_has(made, summing.outputs[k]))
				artifact_add(made, summing.outputs[k], NULL, 0);
		}
	free(made->builder_id);
	free(made->id);
	json_free(made->state);
	made->builder_id = memory_copy_text("packer.post-processor.checksum");
	made->id = memory_copy_text("");
	made->state = NULL;
	*result = (struct post_result){TAKE(made), true, true};
	return 0;
}

const struct post_processor post_processor_checksum = {
	.plugin = &plugin_post_processor_checksum,
	.process = process,
};
