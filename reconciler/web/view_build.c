/* SPDX-License-Identifier: Apache-2.0 */
/* GET /build/ID: one attempt, its phases, its steps and what it said; and /build/ID/log. */
#include "reconciler/web/view.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/web/build_log.h"
#include "reconciler/web/screen.h"

static void add_reasons(const struct json *answer, struct json *data)
{
	const struct json *reasons = json_get(answer, "reasons");
	struct json *list = json_new_list();

	json_set(data, "reasons", list);
	for (size_t i = 0; i < json_count(reasons); i++)
		json_add_text(list, json_get_text(json_item(reasons, i), "text", ""));
}

static void add_bases(const struct json *answer, struct json *data)
{
	const struct json *bases = json_get(answer, "base");
	const char *image = json_get_text(answer, "image", "");
	const char *slash = strchr(image, '/');
	struct json *list = json_new_list();

	json_set(data, "bases", list);
	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		const char *name = json_get_text(base, "image", "");
		autofree char *path =
			memory_printf("%.*s%s", slash ? (int)(slash + 1 - image) : 0, image, name);
		struct json *item = json_new_object();
		json_set_text(item, "name", name);
		json_set_integer(item, "version", json_get_integer(base, "version", 0));
		view_link(item, "href", "/image/", path);
		json_add(list, item);
	}
}

static void add_phases(const struct json *answer, struct json *data)
{
	const struct json *phases = json_get(answer, "phases");
	struct json *list = json_new_list();

	json_set(data, "phases", list);
	for (size_t i = 0; i < json_count(phases); i++) {
		const struct json *phase = json_item(phases, i);
		struct json *item = json_new_object();
		json_set_text(item, "phase", json_get_text(phase, "phase", ""));
		view_moment_text(item, "at", json_get_text(phase, "at", NULL));
		json_add(list, item);
	}
}

static void add_steps(const struct json *answer, struct json *data)
{
	const struct json *steps = json_get(answer, "steps");
	struct json *list = json_new_list();
	int64_t reused = 0;

	json_set(data, "steps", list);
	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *step = json_item(steps, i);
		CLEANUP(text_clear) struct text duration = {0};
		struct json *item = json_new_object();
		bool is_reused = strcmp(json_get_text(step, "how", ""), "reused") == 0;
		reused += is_reused;
		view_write_duration(json_real(json_get(step, "seconds"), 0), &duration);
		json_set_text(item, "step", json_get_text(step, "step", ""));
		json_set_bool(item, "reused", is_reused);
		json_set_text(item, "duration", text_get(&duration));
		view_moment_text(item, "ended", json_get_text(step, "ended", NULL));
		json_add(list, item);
	}
	json_set_integer(data, "reused", reused);
	json_set_integer(data, "step_count", (int64_t)json_count(steps));
}

static struct json *describe_line(const struct json *line)
{
	struct json *item = json_new_object();
	const char *time = json_get_text(line, "time", "");
	size_t size = strlen(time);
	/* the hours, minutes and seconds of RFC 3339: the day stands above */
	autofree char *clock = memory_copy_bytes(size > 11 ? time + 11 : "", size > 19 ? 8 : 0);

	json_set_text(item, "clock", clock);
	json_set_text(item, "step", json_get_text(line, "step", ""));
	json_set_text(item, "stream", json_get_text(line, "stream", ""));
	json_set_text(item, "text", json_get_text(line, "text", ""));
	return item;
}

static void add_log(struct web *web, const char *build, struct json *data)
{
	autojson struct json *lines = NULL;
	struct json *list = json_new_list();
	struct error err = {0};
	int64_t count;

	json_set(data, "lines", list);
	json_set_text(data, "log_problem",
		build_log_tail(web, build, &lines, &count, &err) < 0 ? err.text : "");
	for (size_t i = 0; i < json_count(lines); i++)
		json_add(list, describe_line(json_item(lines, i)));
	json_set_integer(data, "line_count", count);
	json_set_integer(data, "lines_left_out", count - (int64_t)json_count(lines));
}

static struct json *describe(const struct json *answer)
{
	struct json *data = json_new_object();
	const char *phase = json_get_text(answer, "phase", "");
	int64_t version = json_get_integer(answer, "version", 0);

	json_set_text(data, "build", json_get_text(answer, "build", ""));
	json_set_text(data, "image", json_get_text(answer, "image", ""));
	view_link(data, "image_href", "/image/", json_get_text(answer, "image", ""));
	json_set_text(data, "phase", phase);
	json_set(data, "version", version ? json_new_integer(version) : NULL);
	json_set_text(data, "author", json_get_text(answer, "author", ""));
	json_set_text(data, "builder", json_get_text(answer, "builder", ""));
	json_set_text(data, "error", json_get_text(answer, "error", ""));
	json_set_bool(data, "under_way", json_get_boolean(answer, "under_way", false));
	json_set_bool(data, "can_cancel",
		strcmp(phase, "planned") == 0 || strcmp(phase, "building") == 0 ||
			strcmp(phase, "validating") == 0);
	view_id(data, "commit", json_get_text(answer, "commit", NULL));
	view_id(data, "closure", json_get_text(answer, "closure", NULL));
	view_id(data, "digest", json_get_text(answer, "digest", NULL));
	view_moment_text(data, "started", json_get_text(answer, "started", NULL));
	view_moment_text(data, "ended", json_get_text(answer, "ended", NULL));
	view_moment_text(data, "screen", json_get_text(json_get(answer, "screen"), "taken", NULL));
	add_reasons(answer, data);
	add_bases(answer, data);
	add_phases(answer, data);
	add_steps(answer, data);
	return data;
}

static void show(
	struct web *web, struct request *request, const char *build, struct response *response)
{
	struct json *arguments = json_new_object();
	autojson struct json *answer = NULL;
	struct error err;

	json_set_text(arguments, "build", build);
	if (kilnd_ask(&web->kilnd, "build", arguments, &answer, &err) < 0) {
		view_problem(web, request, response, &err);
		return;
	}
	struct json *data = describe(answer);
	autofree char *title =
		memory_printf("%s: build %s", json_get_text(answer, "image", ""), build);
	add_log(web, build, data);
	view_page(web, request, response, 200, "build", title, data);
}

/* Letters, digits and hyphens, as builds are called: nothing else is a build, and an image's name is none here. */
static bool is_build(const char *id)
{
	return *id && strlen(id) < 64 && strspn(id, "0123456789abcdef-") == strlen(id);
}

void view_build(void *context, struct request *request, struct response *response)
{
	const char *slash = strchr(request->rest, '/');
	autofree char *build = slash ? memory_copy_bytes(request->rest, slash - request->rest)
	                             : memory_copy_text(request->rest);

	if (is_build(build) && slash && strcmp(slash, "/log") == 0)
		build_log_follow(context, request, build, response);
	else if (is_build(build) && slash && strcmp(slash, "/log.txt") == 0)
		build_log_text(context, request, build, response);
	else if (is_build(build) && slash && strcmp(slash, "/screen") == 0)
		screen_answer(context, request, build, response);
	else if (is_build(build) && !slash)
		show(context, request, build, response);
	else
		response_text(response, 404, "there is nothing at %s", request->path);
}
