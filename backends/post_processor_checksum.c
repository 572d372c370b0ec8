/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Packer 1.6.6 post-processor/checksum: "HEX<tab>NAME" a line, appended; the sums join the artifact. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { COPY_SIZE = 256 * 1024 };

static int sum_file(
	struct job *job, const char *path, enum digest_kind kind, char *hex, struct error *err)
{
	autofree char *rooted = memory_printf(JOB_REPOSITORY "/%s", path);
	autoclose int fd = job_open_path(job, rooted, O_RDONLY | O_NOFOLLOW, 0, err);
	CLEANUP(digest_stream_freep) struct digest_stream *stream = digest_stream_new(kind);
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	unsigned char bytes[64];
	ssize_t got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, buffer, COPY_SIZE)) > 0)
		digest_stream_add(stream, buffer, got);
	if (got < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", path);
	digest_stream_end(stream, bytes);
	digest_write_hex(bytes, digest_kind_size(kind), hex);
	return 0;
}

static int write_sums(struct job *job, const struct artifact *input, const char *type,
	const char *output, struct error *err)
{
	CLEANUP(text_clear) struct text sums = {0};
	char hex[129];

	for (size_t i = 0; i < input->count; i++) {
		const char *path = input->files[i].path;
		if (sum_file(job, path, digest_kind_find(type), hex, err) < 0)
			return -1;
		text_addf(&sums, "%s\t%s\n", hex, path_name(path));
	}
	autoclose int fd = job_open_path(job, output, O_WRONLY | O_CREAT | O_APPEND, 0644, err);
	if (fd < 0)
		return -1;
	return file_write_all(fd, text_get(&sums), sums.size, err);
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct checksum_options options;
	CLEANUP(artifact_freep) struct artifact *made = artifact_copy(input);

	options_decode(&plugin_post_processor_checksum, json, &options);
	for (size_t i = 0; i < json_count(options.types); i++) {
		const char *type = json_text(json_item(options.types, i), "");
		autojson struct json *data = job_data(job);
		CLEANUP(text_clear) struct text output = {0};
		autofree char *path = NULL;
		json_set_text(data, "ChecksumType", type);
		if (job_render(options.output, data, &output, err) < 0)
			return fail_while(err, "output");
		if (job_resolve(job, text_get(&output), &path, err) < 0)
			return -1;
		if (artifact_has(input, path))
			return fail(err, ERROR_CATALOG,
				"output %s is the file that is to be summed", text_get(&output));
		if (write_sums(job, input, type, text_get(&output), err) < 0)
			return -1;
		if (!artifact_has(made, path))
			artifact_add(made, path, NULL, 0);
	}
	free(made->builder_id);
	made->builder_id = memory_copy_text("packer.post-processor.checksum");
	*result = (struct post_result){TAKE(made), true, true};
	return 0;
}

const struct post_processor post_processor_checksum = {
	.plugin = &plugin_post_processor_checksum,
	.process = process,
};
