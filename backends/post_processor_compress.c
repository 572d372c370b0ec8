/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One compressed file or archive of the artifact. Source: Packer 1.6.6 post-processor/compress; which one was decided with the
 * options (plugins/post_processor_compress.c).
 */
#include <string.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/pack.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/post.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

/* As Packer calls them; what it does not know is not compressed. */
static enum compression find_compression(const char *algorithm)
{
	enum compression found =
		compression_find(strcmp(algorithm, "pgzip") == 0 ? "gzip" : algorithm);

	return found == COMPRESSION_COUNT ? COMPRESSION_NONE : found;
}

/* A tar has base names, a zip the paths. */
static const char *entry_name(
	const struct job *job, enum pack_format format, const struct artifact_file *file)
{
	return format == PACK_ZIP ? artifact_shown(job, file) : path_name(file->path);
}

/* Two files that would be one when they are unpacked. */
static int check_names(
	struct job *job, const struct artifact *input, enum pack_format format, struct error *err)
{
	for (size_t i = 0; i < input->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(entry_name(job, format, &input->files[i]),
				    entry_name(job, format, &input->files[j])) == 0)
				return fail(err, ERROR_CATALOG,
					"%s and %s would have one name in the archive",
					input->files[j].path, input->files[i].path);
	return 0;
}

static int write_archive(struct job *job, const struct artifact *input,
	struct compressor *compressor, enum pack_format format, struct error *err)
{
	if (check_names(job, input, format, err) < 0)
		return -1;
	CLEANUP(pack_freep) struct pack *pack = pack_open(compressor, format, err);
	if (!pack)
		return -1;
	for (size_t i = 0; i < input->count; i++) {
		const struct artifact_file *file = &input->files[i];
		struct stat status;
		autoclose int fd = artifact_open(job, file, &status, err);
		if (fd < 0 ||
			pack_add(pack, job, entry_name(job, format, file), fd, &status, 0, err) < 0)
			return -1;
	}
	return pack_close(TAKE(pack), err);
}

static int write_one(struct job *job, const struct artifact *input, struct compressor *compressor,
	struct error *err)
{
	if (input->count != 1)
		return fail(err, ERROR_CATALOG,
			"the artifact has %zu files: without tar or zip it must be one",
			input->count);
	autoclose int fd = artifact_open(job, &input->files[0], NULL, err);
	if (fd < 0)
		return -1;
	return compressor_add_fd(compressor, job, fd, NULL, err) < 0 ? -1 : 0;
}

static int write_output(struct job *job, const struct compress_options *options,
	const struct artifact *input, int out, struct digest *digest, int64_t *size,
	struct error *err)
{
	int level = options->level > 9 ? 9 : options->level < 0 ? 0 : (int)options->level;
	bool tar = strcmp(options->archive, "tar") == 0, zip = strcmp(options->archive, "zip") == 0;
	CLEANUP(compressor_freep)
	struct compressor *compressor =
		compressor_open(out, find_compression(options->algorithm), level, err);

	if (!compressor)
		return -1;
	if ((tar || zip ? write_archive(job, input, compressor, zip ? PACK_ZIP : PACK_TAR, err)
			: write_one(job, input, compressor, err)) < 0)
		return -1;
	return compressor_close(TAKE(compressor), digest, size, err);
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct compress_options options;
	autojson struct json *data = post_data(job, input);
	CLEANUP(text_clear) struct text output = {0};
	autofree char *path = NULL;
	struct digest digest;
	struct error ignored;
	int64_t size;

	options_decode(&plugin_post_processor_compress, json, &options);
	if (job_render(options.output, data, &output, err) < 0)
		return fail_while(err, "output");
	autoclose int out = post_create(job, input, text_get(&output), &path, err);
	if (out < 0)
		return -1;
	if (write_output(job, &options, input, out, &digest, &size, err) < 0) {
		job_remove_path(job, path, &ignored);
		return fail_while(err, "%s", text_get(&output));
	}
	autofree char *text = memory_printf("compressed artifacts in: %s", text_get(&output));
	struct artifact *made = artifact_new("packer.post-processor.compress", "", text);
	artifact_add(made, path, &digest, size);
	artifact_show(made, text_get(&output));
	*result = (struct post_result){made, false, false};
	return 0;
}

const struct post_processor post_processor_compress = {
	.plugin = &plugin_post_processor_compress,
	.process = process,
};
