/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "reconciler/closure.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"

struct side {
	struct version_name name;
	struct build_record build;
	char *shown;
	struct json *lines;
	struct map by_key; /* "KIND KEY" -> value, borrowed from lines */
};

static void side_clear(struct side *side)
{
	version_name_clear(&side->name);
	build_record_clear(&side->build);
	free(side->shown);
	json_free(side->lines);
	map_clear(&side->by_key);
}

static int read_side(struct head *head, const char *text, struct side *side, struct error *err)
{
	autofree char *closure = NULL;

	if (lookup_version(head, text, &side->name, &side->build, err) < 0 ||
		describe_image(head, &side->name.image, &side->shown, err) < 0 ||
		closure_find(head->store, &side->build.closure, &closure, NULL, err) < 0)
		return -1;
	side->lines = closure_to_json(closure ? closure : "");
	for (size_t i = 0; i < json_count(side->lines); i++) {
		const struct json *line = json_item(side->lines, i);
		autofree char *key = memory_printf(
			"%s %s", json_get_text(line, "kind", ""), json_get_text(line, "key", ""));
		map_set(&side->by_key, key, (void *)json_get_text(line, "value", ""));
	}
	return 0;
}

static void add_line(struct json *lines, const struct json *line, const char *old, const char *new)
{
	struct json *added = json_new_object();

	json_set(added, "kind", json_copy(json_get(line, "kind")));
	json_set(added, "key", json_copy(json_get(line, "key")));
	json_set_text(added, "old", old);
	json_set_text(added, "new", new);
	json_add(lines, added);
}

/* The lines of SIDE that OTHER lacks; with BOTH also those that it has otherwise. */
static void compare(
	const struct side *side, const struct side *other, bool both, struct json *lines)
{
	for (size_t i = 0; i < json_count(side->lines); i++) {
		const struct json *line = json_item(side->lines, i);
		const char *value = json_get_text(line, "value", "");
		autofree char *key = memory_printf(
			"%s %s", json_get_text(line, "kind", ""), json_get_text(line, "key", ""));
		const char *there = map_find(&other->by_key, key);
		if (!there)
			add_line(lines, line, both ? value : NULL, both ? NULL : value);
		else if (both && strcmp(there, value) != 0)
			add_line(lines, line, value, there);
	}
}

static struct json *describe_side(const struct side *side)
{
	struct json *described = json_new_object();

	json_set_text(described, "image", side->shown);
	json_set_integer(described, "version", side->build.version);
	json_set_text(described, "commit", side->build.commit);
	describe_digest(described, "closure", true, &side->build.closure);
	return described;
}

int verb_diff(struct head *head, struct client *client, struct error *err)
{
	const struct json *words = json_get(client_arguments(client), "words");
	autojson struct json *answer = json_new_object();
	CLEANUP(side_clear) struct side from = {0};
	CLEANUP(side_clear) struct side to = {0};
	struct json *lines = json_new_list();

	json_set(answer, "lines", lines);
	if (read_side(head, json_text(json_item(words, 0), ""), &from, err) < 0 ||
		read_side(head, json_text(json_item(words, 1), ""), &to, err) < 0)
		return -1;
	json_set(answer, "from", describe_side(&from));
	json_set(answer, "to", describe_side(&to));
	compare(&from, &to, true, lines);
	compare(&to, &from, false, lines);
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
