/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/planning.h"
#include "reconciler/selection.h"
#include "reconciler/world.h"

static struct json *begin(struct repository *repository)
{
	struct json *answer = json_new_object();

	json_set_text(answer, "repository", repository->name);
	return answer;
}

static void set_commit(struct json *answer, const char *key, const struct commit *commit)
{
	char hex[OBJECT_ID_HEX_SIZE];

	json_set_text(answer, key, object_id_hex(&commit->id, hex));
}

/* From opening the repository until now, when the plan is in memory, but for what it took to write the cache. */
static void set_elapsed(struct json *answer, const struct repository *repository, int64_t kept_usec)
{
	int64_t usec = moment_elapsed_usec() - repository->opened_usec - kept_usec;

	json_set(answer, "elapsed_ms", json_new_real((double)usec / 1000, 3));
}

/* Said once: a work tree may have more than its commit. */
static void note_commit(
	struct repository *repository, struct client *client, const struct commit *commit)
{
	char hex[OBJECT_ID_HEX_SIZE];

	if (source_has_work_tree(repository->source))
		client_note(client, "%s at commit %.12s (%s); uncommitted changes are not seen",
			repository->name, object_id_hex(&commit->id, hex), commit->subject);
}

static int plan_range(
	struct repository *repository, struct client *client, const char *range, struct error *err)
{
	const char *dots = strstr(range, "..");
	autofree char *from_name = memory_copy_bytes(range, dots - range);
	const char *to_name = dots[2] ? dots + 2 : "HEAD";
	CLEANUP(commit_clear) struct commit from = {0}, to = {0};
	autojson struct json *answer = begin(repository);

	if (*to_name == '.')
		return fail(err, ERROR_CATALOG, "%s: a range is A..B", range);
	if (repository_resolve(repository, *from_name ? from_name : "HEAD", &from, err) < 0 ||
		repository_resolve(repository, to_name, &to, err) < 0)
		return -1;
	set_commit(answer, "from", &from);
	set_commit(answer, "to", &to);
	json_set(answer, "elapsed_ms", NULL);
	json_set(answer, "unchanged", NULL);
	if (planning_compare(repository, &from, &to, answer, err) < 0)
		return -1;
	set_elapsed(answer, repository, 0);
	client_item(client, TAKE(answer));
	return 0;
}

static int plan_commit(struct repository *repository, struct client *client,
	const struct strings *names, struct error *err)
{
	const struct json *arguments = client_arguments(client);
	autojson struct json *images = json_new_list();
	struct planning planning;
	struct planning_options options = {
		.revision = json_get_text(arguments, "at", NULL),
		.names = names,
		.now_usec = world->now_usec(),
		.keep = !json_get_text(arguments, "at", NULL),
	};

	if (planning_make(repository, &options, &planning, err) < 0)
		return -1;
	note_commit(repository, client, &planning.commit);
	int result = 0;
	for (size_t i = 0; i < planning.facts.count && result == 0; i++) {
		const char *name = planning.facts.items[i].wanted.name;
		if (names->count && !strings_has(names, name))
			continue; /* there only because another is built on it */
		struct json *image = planning_image(repository, &planning, i, err);
		if (image)
			json_add(images, image);
		else
			result = -1;
	}
	autojson struct json *ordered = begin(repository);
	set_commit(ordered, "commit", &planning.commit);
	set_elapsed(ordered, repository, planning.kept_usec);
	json_set(ordered, "images", TAKE(images));
	/* of a large catalogue the plan and its text are not needed at the same time */
	planning_clear(&planning);
	if (result == 0)
		client_item(client, TAKE(ordered));
	return result;
}

int verb_plan(struct head *head, struct client *client, struct error *err)
{
	const struct json *arguments = client_arguments(client);
	const char *range = json_get_text(arguments, "range", NULL);
	CLEANUP(selection_clear) struct selection selection = {0};
	CLEANUP(strings_clear) struct strings names = {0};

	json_get_texts(arguments, "images", &names);
	if (selection_make(head, json_get_text(arguments, "repository", NULL),
		    client_folder(client), &names, &selection, err) < 0)
		return -1;
	for (size_t i = 0; i < selection.count; i++) {
		const struct selected *selected = &selection.items[i];
		CLEANUP(repository_close) struct repository repository = {0};
		if (repository_open(
			    head, selected->place, client_folder(client), &repository, err) < 0)
			return -1;
		if ((range ? plan_range(&repository, client, range, err)
			   : plan_commit(&repository, client, &selected->names, err)) < 0)
			return -1;
	}
	client_end(client, 0);
	return 0;
}
