/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One compressed file or archive of the artifact. Source: Packer 1.6.6 post-processor/compress: what the output's name ends in
 * decides; tar entries have base names and no times.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/compress.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

enum { COPY_SIZE = 256 * 1024 };

struct form {
	bool tar;
	enum compression compression;
};

/* "x.tar.gz", "x.gz", "x.tar", "x.tar.zst" ...; what is not known is tar and gzip, as in Packer. */
static struct form find_form(const char *output)
{
	static const struct {
		const char *ending;
		struct form form;
	} endings[] = {
		{".tar.gz", {true, COMPRESSION_GZIP}},
		{".tgz", {true, COMPRESSION_GZIP}},
		{".tar.zst", {true, COMPRESSION_ZSTD}},
		{".tar.zstd", {true, COMPRESSION_ZSTD}},
		{".tar", {true, COMPRESSION_NONE}},
		{".gz", {false, COMPRESSION_GZIP}},
		{".zst", {false, COMPRESSION_ZSTD}},
		{".zstd", {false, COMPRESSION_ZSTD}},
	};

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (text_ends_with(output, endings[i].ending))
			return endings[i].form;
	return (struct form){true, COMPRESSION_GZIP};
}

static int open_input(struct job *job, const char *path, struct stat *status, struct error *err)
{
	autofree char *rooted = memory_printf(JOB_REPOSITORY "/%s", path);
	autoclose int fd = job_open_path(job, rooted, O_RDONLY | O_NOFOLLOW, 0, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, status) < 0 || !S_ISREG(status->st_mode))
		return fail(err, ERROR_CATALOG, "%s is no file", path);
	return TAKE_FD(fd);
}

struct tar_output {
	struct compressor *compressor;
	struct error *err;
};

static la_ssize_t write_out(struct archive *archive, void *context, const void *bytes, size_t size)
{
	struct tar_output *output = context;

	(void)archive;
	return compressor_write(output->compressor, bytes, size, output->err) < 0
	               ? -1
	               : (la_ssize_t)size;
}

static int add_entry(struct job *job, struct archive *archive, const char *path, struct error *err)
{
	struct stat status;
	autoclose int fd = open_input(job, path, &status, err);
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);

	if (fd < 0)
		return -1;
	struct archive_entry *entry = archive_entry_new();
	archive_entry_copy_pathname(entry, path_name(path));
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, status.st_mode & 0777);
	archive_entry_set_size(entry, status.st_size);
	archive_entry_set_mtime(entry, 0, 0);
	int result = archive_write_header(archive, entry);
	archive_entry_free(entry);
	for (ssize_t got; result == ARCHIVE_OK && (got = read(fd, buffer, COPY_SIZE)) != 0;)
		if (got < 0 || archive_write_data(archive, buffer, got) != got)
			result = ARCHIVE_FATAL;
	if (result != ARCHIVE_OK)
		return fail(err, error_kind_of_errno(archive_errno(archive), ERROR_BROKEN),
			"%s: %s", path, archive_error_string(archive));
	return 0;
}

static int write_tar(struct job *job, const struct artifact *input, struct compressor *compressor,
	struct error *err)
{
	struct tar_output output = {compressor, err};
	struct archive *archive = archive_write_new();
	int result = 0;

	archive_write_set_format_gnutar(archive);
	if (archive_write_open(archive, &output, NULL, write_out, NULL) != ARCHIVE_OK)
		result = fail(err, ERROR_BROKEN, "tar: %s", archive_error_string(archive));
	for (size_t i = 0; i < input->count && result == 0; i++)
		result = add_entry(job, archive, input->files[i].path, err);
	if (result == 0 && archive_write_close(archive) != ARCHIVE_OK)
		result = fail(err, ERROR_BROKEN, "tar: %s", archive_error_string(archive));
	archive_write_free(archive);
	return result;
}

static int write_one(struct job *job, const struct artifact *input, struct compressor *compressor,
	struct error *err)
{
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	struct stat status;

	if (input->count != 1)
		return fail(err, ERROR_CATALOG,
			"the artifact has %zu files: without tar it must be one", input->count);
	autoclose int fd = open_input(job, input->files[0].path, &status, err);
	if (fd < 0)
		return -1;
	for (ssize_t got; (got = read(fd, buffer, COPY_SIZE)) != 0;) {
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", input->files[0].path);
		if (compressor_write(compressor, buffer, got, err) < 0)
			return -1;
	}
	return 0;
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct compress_options options;
	autojson struct json *data = job_data(job);
	CLEANUP(text_clear) struct text output = {0};
	autofree char *path = NULL, *named = NULL;
	struct digest digest;
	int64_t size;

	options_decode(&plugin_post_processor_compress, json, &options);
	if (job_render(options.output, data, &output, err) < 0)
		return fail_while(err, "output");
	named = *options.format ? memory_printf("%s.%s", text_get(&output), options.format)
	                        : memory_copy_text(text_get(&output));
	if (job_resolve(job, named, &path, err) < 0)
		return -1;
	if (artifact_has(input, path))
		return fail(
			err, ERROR_CATALOG, "output %s is the file that is to be packed", named);
	autoclose int out = job_open_path(job, named, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	if (out < 0)
		return -1;
	struct form form = find_form(named);
	int level = options.level > 9 ? 9 : options.level < 0 ? 0 : (int)options.level;
	CLEANUP(compressor_freep)
	struct compressor *compressor = compressor_open(out, form.compression, level, err);
	if (!compressor)
		return -1;
	if ((form.tar ? write_tar(job, input, compressor, err)
		      : write_one(job, input, compressor, err)) < 0 ||
		compressor_close(TAKE(compressor), &digest, &size, err) < 0)
		return fail_while(err, "%s", named);
	struct artifact *made = artifact_new("packer.post-processor.compress", "", named);
	artifact_add(made, path, &digest, size);
	*result = (struct post_result){made, false, false};
	return 0;
}

const struct post_processor post_processor_compress = {
	.plugin = &plugin_post_processor_compress,
	.process = process,
};
