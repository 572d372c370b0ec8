/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packer's manifest file, byte for byte. Source: Packer 1.6.6 post-processor/manifest; Go 1.15 encoding/json (encode.go). It is
 * read from an earlier one as Go reads it into its structs: what they do not have is dropped.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/post.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"

enum { MANIFEST_SIZE_MOST = 64 * 1024 * 1024 };

/* ---- as Go writes it: MarshalIndent with two spaces ---- */

static void write_text(const char *bytes, size_t size, struct text *out)
{
	text_add_char(out, '"');
	for (size_t at = 0, length; at < size; at += length) {
		unsigned rune = text_read_rune(bytes + at, size - at, &length);
		if (rune == '"' || rune == '\\')
			text_addf(out, "\\%c", (char)rune);
		else if (rune == '\n' || rune == '\r' || rune == '\t')
			text_add(out, rune == '\n' ? "\\n" : rune == '\r' ? "\\r" : "\\t");
		else if (rune < 0x20 || rune == '<' || rune == '>' || rune == '&' ||
			 rune == 0x2028 || rune == 0x2029)
			text_addf(out, "\\u%04x", rune);
		else if (rune == 0xFFFD && length == 1)
			text_add(out, "\\ufffd");
		else
			text_add_bytes(out, bytes + at, length);
	}
	text_add_char(out, '"');
}

static void write_go(const struct json *value, int level, struct text *out)
{
	bool object = json_kind(value) == JSON_OBJECT;
	struct json_cursor cursor = {0};

	if (json_kind(value) == JSON_TEXT) {
		write_text(json_text(value, ""), json_text_size(value), out);
	} else if (!object && json_kind(value) != JSON_LIST) {
		json_write(value, JSON_LINE, out);
	} else if (!json_count(value)) {
		text_add(out, object ? "{}" : "[]");
	} else {
		text_add_char(out, object ? '{' : '[');
		for (size_t i = 0; i < json_count(value); i++) {
			text_addf(out, "%s\n%*s", i ? "," : "", (level + 1) * 2, "");
			if (object && json_next(value, &cursor)) {
				write_text(cursor.key, strlen(cursor.key), out);
				text_add(out, ": ");
			}
			write_go(object ? cursor.value : json_item(value, i), level + 1, out);
		}
		text_addf(out, "\n%*s%c", level * 2, "", object ? '}' : ']');
	}
}

/* ---- what is there already, as Go reads it ---- */

/* The member of that name, upper and lower case being equal, and the last one counting; -1 if it is of another kind. */
static int get_member(const struct json *object, const char *name, enum json_kind kind,
	const struct json **value, struct error *err)
{
	*value = NULL;
	json_each_member (member, object)
		if (text_equal_case(member.key, name))
			*value = member.value;
	if (*value && json_kind(*value) != kind)
		return fail(err, ERROR_CATALOG, "%s must be %s, not %s", name, json_kind_name(kind),
			json_kind_name(json_kind(*value)));
	return 0;
}

static int copy_text(const struct json *from, const char *name, struct json *to, struct error *err)
{
	const struct json *value;

	if (get_member(from, name, JSON_TEXT, &value, err) < 0)
		return -1;
	json_set(to, name, value ? json_copy(value) : json_new_text(""));
	return 0;
}

static int copy_integer(const struct json *from, const char *name, bool omit_zero, struct json *to,
	struct error *err)
{
	const struct json *value;

	if (get_member(from, name, JSON_INTEGER, &value, err) < 0)
		return -1;
	if (json_integer(value, 0) || !omit_zero)
		json_set_integer(to, name, json_integer(value, 0));
	return 0;
}

static int copy_files(const struct json *from, struct json *to, struct error *err)
{
	const struct json *value;
	struct json *files = NULL;

	if (get_member(from, "files", JSON_LIST, &value, err) < 0)
		return -1;
	if (value)
		files = json_new_list();
	json_set(to, "files", files);
	for (size_t i = 0; i < json_count(value); i++) {
		struct json *file = json_new_object();
		json_add(files, file);
		if (copy_text(json_item(value, i), "name", file, err) < 0 ||
			copy_integer(json_item(value, i), "size", false, file, err) < 0)
			return fail_while(err, "files");
	}
	return 0;
}

/* A map is written by its keys' order. */
static struct json *sort_members(const struct json *map)
{
	CLEANUP(strings_clear) struct strings keys = {0};
	struct json *sorted = json_new_object();

	json_each_member (member, map)
		strings_add(&keys, member.key);
	strings_sort(&keys);
	strings_each (key, &keys)
		json_set(sorted, key, json_copy(json_get(map, key)));
	return sorted;
}

static int copy_custom_data(const struct json *from, struct json *to, struct error *err)
{
	const struct json *value;

	if (get_member(from, "custom_data", JSON_OBJECT, &value, err) < 0)
		return -1;
	json_each_member (member, value)
		if (json_kind(member.value) != JSON_TEXT)
			return fail(err, ERROR_CATALOG, "custom_data.%s must be text", member.key);
	json_set(to, "custom_data", value ? sort_members(value) : NULL);
	return 0;
}

static int copy_build(const struct json *from, struct json *to, struct error *err)
{
	if (json_kind(from) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "a build must be an object");
	if (copy_text(from, "name", to, err) < 0 || copy_text(from, "builder_type", to, err) < 0 ||
		copy_integer(from, "build_time", true, to, err) < 0 ||
		copy_files(from, to, err) < 0 || copy_text(from, "artifact_id", to, err) < 0 ||
		copy_text(from, "packer_run_uuid", to, err) < 0)
		return -1;
	return copy_custom_data(from, to, err);
}

/* The builds that the text tells of; nothing at all is no builds. */
static int read_builds(
	const char *name, const struct text *text, struct json *builds, struct error *err)
{
	autojson struct json *before = NULL;
	const struct json *list;
	struct json_source source = {name, text->data, text->size};

	if (!text->size)
		return 0;
	if (json_parse(&source, JSON_REPAIR_UTF8, &before, err) < 0)
		return -1;
	if (json_kind(before) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "must be an object");
	if (get_member(before, "builds", JSON_LIST, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		struct json *build = json_new_object();
		json_add(builds, build);
		if (copy_build(json_item(list, i), build, err) < 0)
			return fail_while(err, "build %zu", i + 1);
	}
	return 0;
}

/* ---- this build ---- */

static struct json *list_files(struct job *job, const struct artifact *input, bool strip_path)
{
	struct json *files = input->count ? json_new_list() : NULL;

	for (size_t i = 0; i < input->count; i++) {
		const char *name = artifact_shown(job, &input->files[i]);
		struct json *file = json_new_object();
		struct stat status = {0};
		fstatat(job->tree_fd, input->files[i].path, &status, AT_SYMLINK_NOFOLLOW);
		json_set_text(file, "name", strip_path ? path_name(name) : name);
		json_set_integer(file, "size", status.st_size);
		json_add(files, file);
	}
	return files;
}

static int render_custom_data(const struct manifest_options *options, const struct artifact *input,
	struct json **custom, struct error *err)
{
	autojson struct json *rendered = json_new_object(), *none = json_new_object();
	const struct json *data = json_get(input->state, "generated_data");

	json_each_member (member, options->custom_data) {
		CLEANUP(text_clear) struct text value = {0};
		if (job_render(json_text(member.value, ""), data ? data : none, &value, err) < 0)
			return fail_while(err, "custom_data: %s", member.key);
		json_set_text(rendered, member.key, text_get(&value));
	}
	*custom = options->custom_data ? sort_members(rendered) : NULL;
	return 0;
}

static int describe(struct job *job, const struct manifest_options *options,
	const struct artifact *input, struct json *entry, struct error *err)
{
	struct json *custom;

	if (render_custom_data(options, input, &custom, err) < 0)
		return -1;
	json_set_text(entry, "name", json_get_text(job->order, "packer_build_name", ""));
	json_set_text(entry, "builder_type", json_get_text(job->order, "build_type", ""));
	if (!options->strip_time)
		json_set_integer(entry, "build_time", moment_now_usec() / 1000000);
	json_set(entry, "files", list_files(job, input, options->strip_path));
	json_set_text(entry, "artifact_id", input->id);
	json_set_text(entry, "packer_run_uuid", json_get_text(job->order, "run_uuid", ""));
	json_set(entry, "custom_data", custom);
	return 0;
}

/* Beside, then by rename: a disk that is full leaves what was there. */
static int write_manifest(
	struct job *job, const char *path, const struct text *text, struct error *err)
{
	autofree char *folder = path_folder(path);
	autoclose int fd = file_open_beneath(job->tree_fd, folder, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", folder);
	return file_replace(fd, path_name(path), 0644, text->data, text->size, err);
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	struct manifest_options options;
	autojson struct json *manifest = json_new_object();
	CLEANUP(text_clear) struct text text = {0}, before = {0};
	struct json *builds = json_new_list(), *entry;
	autofree char *path = NULL;

	options_decode(&plugin_post_processor_manifest, json, &options);
	json_set(manifest, "builds", builds);
	autoclose int fd = post_open(job, input, options.output, O_RDWR, &path, err);
	if (fd < 0)
		return -1;
	if (file_read_fd(fd, MANIFEST_SIZE_MOST, &before, err) < 0 ||
		read_builds(options.output, &before, builds, err) < 0)
		return fail_while(err, "what is there already is no manifest of Packer's");
	entry = json_new_object();
	json_add(builds, entry);
	if (describe(job, &options, input, entry, err) < 0)
		return -1;
	json_set_text(manifest, "last_run_uuid", json_get_text(job->order, "run_uuid", ""));
	write_go(manifest, 0, &text);
	if (write_manifest(job, path, &text, err) < 0)
		return fail_while(err, "%s", options.output);
	*result = (struct post_result){artifact_copy(input), true, true};
	return 0;
}

const struct post_processor post_processor_manifest = {
	.plugin = &plugin_post_processor_manifest,
	.process = process,
};
