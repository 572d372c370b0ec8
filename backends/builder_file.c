/* SPDX-License-Identifier: Apache-2.0 */
/* One file. Source: Packer 1.6.6 builder/file; its provisioners talk to nobody, and all goes well. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/nobody.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum { COPY_SIZE = 256 * 1024 };

static int write_target(
	struct job *job, const struct file_builder_options *options, struct error *err)
{
	mode_t mode = *options->source ? 0644 : 0600;
	autoclose int out =
		job_open_path(job, options->target, O_WRONLY | O_CREAT | O_TRUNC, mode, err);

	if (out < 0)
		return -1;
	if (!*options->source)
		return file_write_all(out, options->content, strlen(options->content), err);
	autoclose int in = job_open_path(job, options->source, O_RDONLY, 0, err);
	autofree char *buffer = memory_resize(NULL, COPY_SIZE, 1);
	if (in < 0)
		return -1;
	for (ssize_t got; (got = read(in, buffer, COPY_SIZE)) != 0;)
		if (got < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", options->source);
		else if (file_write_all(out, buffer, got, err) < 0)
			return -1;
	return 0;
}

static int build(struct job *job, const struct json *json, const struct steps *steps,
	struct artifact **artifact, struct error *err)
{
	struct file_builder_options options;
	autofree char *path = NULL, *text = NULL;

	options_decode(&plugin_builder_file, json, &options);
	if (*options.source)
		build_log_say(&job->log, "copying %s to %s", options.source, options.target);
	else
		build_log_say(&job->log, "writing %s", options.target);
	if (job_resolve(job, options.target, &path, err) < 0 ||
		write_target(job, &options, err) < 0)
		return fail_while(err, "%s", options.target);
	if (nobody_provision(job, steps, err) < 0)
		return -1;
	text = memory_printf("Stored file: %s", options.target);
	*artifact = artifact_new("packer.file", "File", text);
	artifact_add(*artifact, path, NULL, 0);
	artifact_show(*artifact, options.target);
	return 0;
}

const struct builder builder_file = {
	.plugin = &plugin_builder_file,
	.build = build,
};
