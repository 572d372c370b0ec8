/* SPDX-License-Identifier: Apache-2.0 */
/* GET /plan?repository=NAME&at=REV: what would be done, and why. */
#include "reconciler/web/view.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { IMAGES_MOST = 500, REVISION_SIZE_MOST = 200 };

static const char *query_or_empty(const struct request *request, const char *name)
{
	const char *value = request_query(request, name);

	return value ? value : "";
}

/* Branches, tags, commits, HEAD~2 and A..B; what git reads as a search through all commits is not asked for from here. */
static bool is_revision(const char *text)
{
	return strlen(text) <= REVISION_SIZE_MOST &&
	       strspn(text,
		       "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._/~^-") ==
	               strlen(text) &&
	       *text != '-';
}

static struct json *list_repositories(struct web *web, const char *chosen)
{
	struct json *list = json_new_list();

	pthread_rwlock_rdlock(&web->lock);
	strings_each (name, &web->settings.repositories) {
		struct json *item = json_new_object();
		json_set_text(item, "name", name);
		json_set_bool(item, "chosen", strcmp(name, chosen) == 0);
		json_add(list, item);
	}
	pthread_rwlock_unlock(&web->lock);
	return list;
}

/* The one that is asked for if it is configured, otherwise the first; NULL: there is none. */
static const char *choose(const struct json *repositories, const char *asked)
{
	for (size_t i = 0; i < json_count(repositories); i++)
		if (json_get_boolean(json_item(repositories, i), "chosen", false))
			return asked;
	return json_get_text(json_item(repositories, 0), "name", NULL);
}

static void add_images(const struct json *plan, const char *prefix, struct json *data)
{
	const struct json *images = json_get(plan, "images");
	int64_t unchanged = json_get_integer(plan, "unchanged", 0), others = 0;
	struct json *list = json_new_list();

	json_set(data, "images", list);
	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *image = json_item(images, i);
		const char *name = json_get_text(image, "name", "");
		const char *action = json_get_text(image, "action", "");
		if (strcmp(action, "unchanged") == 0) {
			unchanged++;
			continue;
		}
		if (json_count(list) == IMAGES_MOST) {
			others++;
			continue;
		}
		struct json *item = json_new_object();
		autofree char *path = memory_printf("%s%s", prefix, name);
		json_set_text(item, "name", name);
		json_set_text(item, "action", action);
		view_link(item, "href", "/image/", path);
		json_set(item, "reasons", json_copy(json_get(image, "reasons")));
		json_add(list, item);
	}
	json_set_integer(data, "unchanged", unchanged);
	json_set_integer(data, "others", others);
}

/* Of images whose catalog has them under their repository's name, links need it too. */
static const char *prefix_of(
	const struct json *repositories, const char *repository, struct text *text)
{
	if (json_count(repositories) > 1)
		text_addf(text, "%s/", repository);
	return text_get(text);
}

static int ask(struct web *web, const char *repository, const char *revision, struct json **plan,
	struct error *err)
{
	struct json *arguments = json_new_object();

	json_set_text(arguments, "repository", repository);
	if (strstr(revision, ".."))
		json_set_text(arguments, "range", revision);
	else if (*revision)
		json_set_text(arguments, "at", revision);
	return kilnd_ask(&web->kilnd, "plan", arguments, plan, err);
}

static int add_plan(struct web *web, const char *repository, const char *revision,
	struct json *data, struct error *err)
{
	CLEANUP(text_clear) struct text prefix = {0};
	autojson struct json *plan = NULL;

	if (!repository)
		return fail(err, ERROR_CATALOG,
			"no repository is configured: what is applied by hand "
			"is planned with kiln plan");
	if (!is_revision(revision))
		return fail(err, ERROR_CATALOG,
			"a revision is a commit, a branch, a tag, HEAD~2 or A..B, not '%s'",
			revision);
	if (ask(web, repository, revision, &plan, err) < 0)
		return -1;
	view_id(data, "commit", json_get_text(plan, json_has(plan, "to") ? "to" : "commit", NULL));
	view_id(data, "from", json_get_text(plan, "from", NULL));
	prefix_of(json_get(data, "repositories"), repository, &prefix);
	add_images(plan, text_get(&prefix), data);
	return 0;
}

void view_plan(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	const char *asked = query_or_empty(request, "repository");
	const char *revision = query_or_empty(request, "at");
	struct json *data = json_new_object();
	struct json *repositories = list_repositories(web, asked);
	struct error err;
	int status = 200;

	json_set(data, "repositories", repositories);
	json_set_text(data, "at", revision);
	json_set_text(data, "problem", "");
	json_set(data, "images", NULL);
	const char *repository = choose(repositories, asked);
	json_set_text(data, "repository", repository ? repository : "");
	if (add_plan(web, repository, revision, data, &err) < 0) {
		status = err.kind == ERROR_CATALOG ? 404 : 503;
		json_set_text(data, "problem", err.text);
		json_set(data, "images", NULL);
	}
	view_page(web, request, response, status, "plan", "Plan", data);
}
