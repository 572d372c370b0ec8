/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/closure.h"

static struct json *parse(const char *text)
{
	struct json *json = NULL;
	struct error ignored;

	if (text)
		json_parse_bytes(text, strlen(text), &json, &ignored);
	return json;
}

static void set_moment(struct json *object, const char *key, int64_t usec)
{
	char text[MOMENT_TEXT_SIZE];

	json_set_text(object, key, usec ? moment_text(usec, text) : NULL);
}

/* {"builder/rootfs": "1", ...}: the closure's own lines. */
static struct json *list_backends(const char *closure_text)
{
	struct json *backends = json_new_object();
	autojson struct json *lines = closure_to_json(closure_text);

	for (size_t i = 0; i < json_count(lines); i++) {
		const struct json *line = json_item(lines, i);
		if (strcmp(json_get_text(line, "kind", ""), "backend") == 0)
			json_set_text(backends, json_get_text(line, "key", ""),
				json_get_text(line, "value", ""));
	}
	return backends;
}

static struct json *list_times(const struct build_record *build)
{
	struct json *times = json_new_object();

	set_moment(times, "created", build->created_usec);
	set_moment(times, "started", build->started_usec);
	return times;
}

/* What was built before there was such a list has an empty one. */
static struct json *copy_list(const struct json *list)
{
	return json_kind(list) == JSON_LIST ? json_copy(list) : json_new_list();
}

struct json *manifest_make(
	const struct replacement *replacement, const char *closure_text, const struct digest *event)
{
	const struct build_record *build = &replacement->build;
	struct json *manifest = json_new_object();
	autojson struct json *artifact = parse(build->artifact);
	char digest[DIGEST_TEXT_SIZE];

	json_set_text(manifest, "name", replacement->image);
	json_set_text(manifest, "repository", replacement->repository.name);
	json_set_integer(manifest, "version", build->version);
	json_set_text(manifest, "build", build->id);
	json_set_text(manifest, "digest", digest_text(&build->digest, digest));
	json_set_text(manifest, "commit", build->commit);
	json_set_text(manifest, "author", build->author);
	set_moment(manifest, "authored", build->authored_usec);
	json_set_text(manifest, "closure", digest_text(&build->closure, digest));
	json_set_text(manifest, "closure_text", closure_text);
	json_set(manifest, "base", parse(build->bases));
	json_set_text(manifest, "builder", build->builder);
	json_set(manifest, "backend", list_backends(closure_text));
	json_set_text(manifest, "definition", build->definition);
	json_set(manifest, "policy", json_copy(replacement->policy));
	json_set(manifest, "times", list_times(build));
	json_set(manifest, "reasons", parse(build->reasons));
	json_set(manifest, "files", json_copy(json_get(artifact, "files")));
	json_set(manifest, "outputs", copy_list(json_get(artifact, "outputs")));
	json_set_text(manifest, "packer", json_get_text(artifact, "packer", NULL));
	json_set(manifest, "findings", json_copy(json_get(artifact, "findings")));
	json_set_text(manifest, "event", digest_text(event, digest));
	return manifest;
}

/* ---- reading ---- */

static char *write_line(const struct json *json, const char *otherwise)
{
	struct text text = {0};

	if (!json)
		return memory_copy_text(otherwise);
	json_write(json, JSON_LINE, &text);
	return text_take(&text);
}

static int64_t read_moment(const struct json *object, const char *key)
{
	int64_t usec = 0;

	moment_parse(json_get_text(object, key, ""), &usec);
	return usec;
}

static char *artifact_of(const struct json *manifest)
{
	autojson struct json *artifact = json_new_object();

	json_set(artifact, "digest", json_copy(json_get(manifest, "digest")));
	json_set(artifact, "files", json_copy(json_get(manifest, "files")));
	json_set(artifact, "outputs", copy_list(json_get(manifest, "outputs")));
	json_set(artifact, "packer", json_copy(json_get(manifest, "packer")));
	json_set(artifact, "findings", json_copy(json_get(manifest, "findings")));
	return write_line(artifact, "{}");
}

int manifest_read(const struct json *manifest, struct build_record *record, char **closure_text,
	struct error *err)
{
	const char *text = json_get_text(manifest, "closure_text", NULL);
	const struct json *policy = json_get(manifest, "policy");
	const struct json *times = json_get(manifest, "times");
	struct digest closure, digest, is, rules;

	if (!text || !digest_parse(json_get_text(manifest, "closure", ""), &closure) ||
		!digest_parse(json_get_text(manifest, "digest", ""), &digest) ||
		json_get_integer(manifest, "version", 0) < 1 ||
		!json_get_text(manifest, "build", NULL))
		return fail(err, ERROR_CATALOG, "it is no manifest of kiln's");
	digest_of(text, strlen(text), &is);
	if (!digest_equal(&is, &closure))
		return fail(err, ERROR_CATALOG, "its closure has another digest than it says");
	*record = (struct build_record){
		.id = memory_copy_text(json_get_text(manifest, "build", "")),
		.version = json_get_integer(manifest, "version", 0),
		.commit = memory_copy_text(json_get_text(manifest, "commit", "")),
		.author = memory_copy_text(json_get_text(manifest, "author", "")),
		.authored_usec = read_moment(manifest, "authored"),
		.closure = closure,
		.definition = memory_copy_text(json_get_text(manifest, "definition", "")),
		.policy = write_line(policy, "{}"),
		.reasons = write_line(json_get(manifest, "reasons"), "[]"),
		.bases = write_line(json_get(manifest, "base"), "[]"),
		.builder = memory_copy_text(json_get_text(manifest, "builder", "")),
		.has_digest = true,
		.digest = digest,
		.artifact = artifact_of(manifest),
		.created_usec = read_moment(times, "created"),
		.started_usec = read_moment(times, "started"),
	};
	record->has_validated = digest_parse(json_get_text(policy, "rules", ""), &rules);
	record->validated = rules;
	*closure_text = memory_copy_text(text);
	return 0;
}
