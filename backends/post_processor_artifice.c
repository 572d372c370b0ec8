/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other files in place of the artifact's. Source: Packer 1.6.6 post-processor/artifice. There a file that is not there is left
 * out without a word; here it fails (docs/decisions/0014).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/glob.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/post.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

static int add_file(struct job *job, struct artifact *made, const char *path, struct error *err)
{
	const struct artifact_file file = {.path = (char *)path};

	if (artifact_has(made, path))
		return 0;
	autoclose int fd = artifact_open(job, &file, NULL, err);
	if (fd < 0)
		return -1;
	artifact_add(made, path, NULL, 0);
	return 0;
}

static int add_files(struct job *job, struct artifact *made, const char *pattern, struct error *err)
{
	CLEANUP(strings_clear) struct strings matches = {0};
	autofree char *resolved = NULL;

	if (job_resolve(job, pattern, &resolved, err) < 0)
		return -1;
	if (resolved[0] == '/')
		return fail(
			err, ERROR_CATALOG, "%s lies outside of the build's own folder", pattern);
	if (glob_tree(job, resolved, &matches, err) < 0)
		return -1;
	if (!matches.count && !path_is_pattern(pattern))
		return fail(err, ERROR_CATALOG,
			"there is no file %s: has the build or a step before this made it?",
			pattern);
	if (!matches.count)
		build_log_say(&job->log, "nothing matches %s", pattern);
	strings_each (path, &matches)
		if (add_file(job, made, path, err) < 0)
			return fail_while(err, "%s", pattern);
	return 0;
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct artifice_options options;
	CLEANUP(artifact_freep)
	struct artifact *made = artifact_new("packer.post-processor.artifice", "", "");

	(void)input;
	options_decode(&plugin_post_processor_artifice, json, &options);
	for (size_t i = 0; i < json_count(options.files); i++)
		if (add_files(job, made, json_text(json_item(options.files, i), ""), err) < 0)
			return fail_while(err, "files");
	if (!made->count)
		return fail(err, ERROR_CATALOG,
			"files: nothing matches any of the patterns, so nothing would be left of "
			"the image");
	*result = (struct post_result){TAKE(made), true, false};
	return 0;
}

const struct post_processor post_processor_artifice = {
	.plugin = &plugin_post_processor_artifice,
	.process = process,
};
