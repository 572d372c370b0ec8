/* SPDX-License-Identifier: Apache-2.0 */
/* GET /image/[REPOSITORY/]NAME: its versions as they came, why each was built, and its relatives. */
#include "reconciler/web/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/web/catalog.h"
#include "reconciler/web/picture.h"

enum { VERSIONS_MOST = 100, BUILDS_MOST = 100 };

/* The texts of reasons; what is shown of a list of them. */
static void add_reasons(struct json *object, const struct json *reasons)
{
	struct json *list = json_new_list();

	json_set(object, "reasons", list);
	for (size_t i = 0; i < json_count(reasons); i++) {
		const struct json *reason = json_item(reasons, i);
		struct json *item = json_new_object();
		json_set_text(item, "kind", json_get_text(reason, "kind", ""));
		json_set_text(item, "text", json_get_text(reason, "text", ""));
		json_add(list, item);
	}
}

static struct json *find_channels(const struct json *channels, int64_t version)
{
	struct json *list = json_new_list();

	json_each_member (channel, channels)
		if (json_integer(channel.value, 0) == version)
			json_add_text(list, channel.key);
	return list;
}

static struct json *describe_version(const struct json *answer, const struct json *version)
{
	struct json *item = json_new_object();
	const char *phase = json_get_text(version, "phase", "");
	int64_t number = json_get_integer(version, "version", 0);
	bool quarantined = json_get_boolean(version, "quarantined", false);

	json_set_integer(item, "version", number);
	json_set_text(item, "phase", phase);
	json_set_bool(item, "held", json_get_boolean(version, "held", false));
	json_set_bool(item, "quarantined", quarantined);
	json_set_bool(item, "can_return", strcmp(phase, "superseded") == 0 && !quarantined);
	json_set_bool(
		item, "can_hold", strcmp(phase, "live") == 0 || strcmp(phase, "superseded") == 0);
	json_set_text(item, "build", json_get_text(version, "build", ""));
	view_link(item, "href", "/build/", json_get_text(version, "build", ""));
	view_id(item, "commit", json_get_text(version, "commit", NULL));
	view_id(item, "digest", json_get_text(version, "digest", NULL));
	view_moment_text(item, "created", json_get_text(version, "created", NULL));
	json_set(item, "channels", find_channels(json_get(answer, "channels"), number));
	add_reasons(item, json_get(version, "reasons"));
	return item;
}

static struct json *describe_build(const struct json *build)
{
	struct json *item = json_new_object();
	int64_t version = json_get_integer(build, "version", 0);

	json_set_text(item, "build", json_get_text(build, "build", ""));
	view_link(item, "href", "/build/", json_get_text(build, "build", ""));
	json_set_text(item, "phase", json_get_text(build, "phase", ""));
	json_set(item, "version", version ? json_new_integer(version) : NULL);
	view_id(item, "commit", json_get_text(build, "commit", NULL));
	view_moment_text(item, "started", json_get_text(build, "started", NULL));
	json_set_text(item, "error", json_get_text(build, "error", ""));
	return item;
}

/* The newest first, and no more than a page can take. */
static void add_lists(const struct json *answer, struct json *data)
{
	const struct json *versions = json_get(answer, "versions"),
			  *builds = json_get(answer, "builds");
	struct json *shown_versions = json_new_list(), *shown_builds = json_new_list();

	json_set(data, "versions", shown_versions);
	json_set(data, "builds", shown_builds);
	for (size_t i = json_count(versions);
		i-- > 0 && json_count(shown_versions) < VERSIONS_MOST;)
		json_add(shown_versions, describe_version(answer, json_item(versions, i)));
	for (size_t i = json_count(builds); i-- > 0 && json_count(shown_builds) < BUILDS_MOST;)
		json_add(shown_builds, describe_build(json_item(builds, i)));
	json_set_integer(data, "version_count", (int64_t)json_count(versions));
	json_set_integer(data, "build_count", (int64_t)json_count(builds));
}

static void add_channels(const struct json *answer, struct json *data)
{
	struct json *list = json_new_list();

	json_set(data, "channels", list);
	json_each_member (channel, json_get(answer, "channels")) {
		struct json *item = json_new_object();
		json_set_text(item, "name", channel.key);
		json_set_integer(item, "version", json_integer(channel.value, 0));
		json_add(list, item);
	}
}

/* The picture is worth less than the page: without it the rest is shown. */
static void add_picture(struct web *web, const char *name, struct json *data)
{
	struct json *arguments = json_new_object();
	autojson struct json *relatives = NULL;
	const char *slash = strchr(name, '/');
	autofree char *prefix =
		slash ? memory_copy_bytes(name, slash + 1 - name) : memory_copy_text("");
	struct error ignored;

	json_set(data, "picture", NULL);
	json_set_text(arguments, "image", name);
	if (kilnd_ask(&web->kilnd, "relatives", arguments, &relatives, &ignored) == 0)
		json_set(data, "picture", picture_make(relatives, prefix));
}

static const char *phase_of_newest(const struct json *answer)
{
	const struct json *builds = json_get(answer, "builds");

	return json_get_text(json_item(builds, json_count(builds) - 1), "phase", "");
}

void view_image(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	struct json *arguments = json_new_object();
	autojson struct json *answer = NULL;
	struct error err;

	json_set_text(arguments, "image", request->rest);
	if (kilnd_ask(&web->kilnd, "show", arguments, &answer, &err) < 0) {
		view_problem(web, request, response, &err);
		return;
	}
	const char *name = json_get_text(answer, "name", "");
	struct json *data = json_new_object();
	json_set_text(data, "name", name);
	json_set_text(data, "repository", json_get_text(answer, "repository", ""));
	json_set(data, "live", json_copy(json_get(answer, "live")));
	json_set_bool(data, "held", json_get_boolean(answer, "held", false));
	json_set_text(data, "state",
		catalog_state(phase_of_newest(answer), json_get(answer, "live") != NULL));
	add_channels(answer, data);
	add_lists(answer, data);
	add_picture(web, name, data);
	view_page(web, request, response, 200, "image", name, data);
}
