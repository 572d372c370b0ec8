/* SPDX-License-Identifier: Apache-2.0 */
/* Packer's manifest file, byte for byte. Source: Packer 1.6.6 post-processor/manifest. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"

enum { MANIFEST_SIZE_MOST = 64 * 1024 * 1024 };

/* encoding/json with two spaces: keys in their order, '<', '>' and '&' escaped. */
static void write_go(const struct json *value, unsigned level, struct text *out)
{
	CLEANUP(text_clear) struct text leaf = {0};
	bool first = true;

	switch (json_kind(value)) {
	case JSON_OBJECT:
	case JSON_LIST: {
		bool object = json_kind(value) == JSON_OBJECT;
		size_t count = json_count(value), index = 0;
		struct json_cursor cursor = {0};
		if (!count) {
			text_add(out, object ? "{}" : "[]");
			return;
		}
		text_add_char(out, object ? '{' : '[');
		for (; index < count; index++, first = false) {
			const struct json *item = json_item(value, index);
			text_addf(out, "%s\n%*s", first ? "" : ",", (int)(level + 1) * 2, "");
			if (object && json_next(value, &cursor)) {
				autojson struct json *key = json_new_text(cursor.key);
				write_go(key, 0, out);
				text_add(out, ": ");
				item = cursor.value;
			}
			write_go(item, level + 1, out);
		}
		text_addf(out, "\n%*s%c", (int)level * 2, "", object ? '}' : ']');
		return;
	}
	default:
		json_write(value, JSON_LINE, &leaf);
		for (size_t i = 0; i < leaf.size; i++) {
			if (strchr("<>&", leaf.data[i]))
				text_addf(out, "\\u%04x", leaf.data[i]);
			else
				text_add_char(out, leaf.data[i]);
		}
	}
}

static struct json *list_files(struct job *job, const struct artifact *input, bool strip_path)
{
	struct json *files = input->count ? json_new_list() : NULL;

	for (size_t i = 0; i < input->count; i++) {
		const char *path = input->files[i].path;
		struct json *file = json_new_object();
		struct stat status = {0};
		fstatat(job->tree_fd, path, &status, AT_SYMLINK_NOFOLLOW);
		/* as the template sees it: from the folder that its paths count from */
		const char *shown = *job->directory && path_is_within(path, job->directory)
		                            ? path + strlen(job->directory) + 1
		                            : path;
		json_set_text(file, "name", strip_path ? path_name(path) : shown);
		json_set_integer(file, "size", status.st_size);
		json_add(files, file);
	}
	return files;
}

static int describe(struct job *job, const struct manifest_options *options,
	const struct artifact *input, struct json **entry, struct error *err)
{
	autojson struct json *data = job_data(job);
	struct json *custom = options->custom_data ? json_new_object() : NULL;

	*entry = json_new_object();
	json_set_text(*entry, "name", json_get_text(job->order, "packer_build_name", ""));
	json_set_text(*entry, "builder_type", json_get_text(job->order, "build_type", ""));
	if (!options->strip_time)
		json_set_integer(*entry, "build_time", moment_now_usec() / 1000000);
	json_set(*entry, "files", list_files(job, input, options->strip_path));
	json_set_text(*entry, "artifact_id", input->id);
	json_set_text(*entry, "packer_run_uuid", json_get_text(job->order, "run_uuid", ""));
	json_set(*entry, "custom_data", custom);
	json_each_member (member, options->custom_data) {
		CLEANUP(text_clear) struct text value = {0};
		if (job_render(json_text(member.value, ""), data, &value, err) < 0)
			return fail_while(err, "custom_data: %s", member.key);
		json_set_text(custom, member.key, text_get(&value));
	}
	return 0;
}

/* What an earlier post-processor of this build wrote; each build begins without one. */
static struct json *read_builds(struct job *job, const char *output)
{
	CLEANUP(text_clear) struct text text = {0};
	autojson struct json *before = NULL;
	struct error ignored;
	autoclose int fd = job_open_path(job, output, O_RDONLY, 0, &ignored);

	if (fd < 0 || file_read_fd(fd, MANIFEST_SIZE_MOST, &text, &ignored) < 0 ||
		json_parse_bytes(text_get(&text), text.size, &before, &ignored) < 0 ||
		json_kind(json_get(before, "builds")) != JSON_LIST)
		return json_new_list();
	return json_copy(json_get(before, "builds"));
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct manifest_options options;
	autojson struct json *manifest = json_new_object(), *entry = NULL;
	CLEANUP(text_clear) struct text text = {0};

	options_decode(&plugin_post_processor_manifest, json, &options);
	if (describe(job, &options, input, &entry, err) < 0)
		return -1;
	struct json *builds = read_builds(job, options.output);
	json_add(builds, TAKE(entry));
	json_set(manifest, "builds", builds);
	json_set_text(manifest, "last_run_uuid", json_get_text(job->order, "run_uuid", ""));
	write_go(manifest, 0, &text);
	autoclose int fd =
		job_open_path(job, options.output, O_WRONLY | O_CREAT | O_TRUNC, 0664, err);
	if (fd < 0)
		return -1;
	if (file_write_all(fd, text.data, text.size, err) < 0)
		return fail_while(err, "%s", options.output);
	*result = (struct post_result){artifact_copy(input), true, true};
	return 0;
}

const struct post_processor post_processor_manifest = {
	.plugin = &plugin_post_processor_manifest,
	.process = process,
};
