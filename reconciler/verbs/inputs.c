/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/planning.h"

static int show_closure(struct repository *repository, struct planning *planning,
	struct client *client, struct error *err)
{
	const struct image_facts *facts = &planning->facts.items[0];
	autofree char *text = NULL;
	autojson struct json *notes = NULL, *answer = json_new_object();
	char hex[OBJECT_ID_HEX_SIZE], digest[DIGEST_TEXT_SIZE];

	if (!facts->defined)
		return fail(err, ERROR_CATALOG,
			"nothing defines %s at this commit (kiln diff shows what its versions were built "
			"from)",
			facts->wanted.name);
	if (planning_closure(repository, &planning->index, &planning->commit.tree,
		    facts->wanted.definition, facts->wanted.name, &text, &notes, err) < 0)
		return -1;
	if (!text)
		return fail(err, ERROR_CATALOG, "%s has no closure: %s", facts->wanted.name,
			facts->wanted.problems.count ? facts->wanted.problems.items[0].text
						     : "its template cannot be read");
	json_set_text(answer, "image", facts->wanted.name);
	json_set_text(answer, "commit", object_id_hex(&planning->commit.id, hex));
	json_set_text(answer, "closure",
		planning->decisions[0].closure_known && facts->wanted.complete
			? digest_text(&facts->wanted.closure, digest)
			: NULL);
	json_set(answer, "lines", closure_to_json(text));
	json_set_text(answer, "text", text);
	for (size_t i = 0; i < facts->wanted.problems.count; i++)
		client_note(client, "blocked: %s", facts->wanted.problems.items[i].text);
	client_item(client, TAKE(answer));
	return 0;
}

int verb_inputs(struct head *head, struct client *client, struct error *err)
{
	const struct json *arguments = client_arguments(client);
	const char *name = json_get_text(arguments, "image", "");
	const char *slash = strrchr(name, '/');
	CLEANUP(strings_clear) struct strings places = {0}, names = {0};
	autofree char *named = slash ? memory_copy_bytes(name, slash - name) : NULL;
	struct error last = {.text = ""};

	/* REPOSITORY/NAME names a repository; NAME alone is looked for in all that a plan would show */
	strings_add(&names, slash ? slash + 1 : name);
	if (named && !service_find_repository(&head->service, named)) {
		struct repository_record record;
		int found = repository_find_by_name(head->store, named, &record, err);
		if (found < 0)
			return -1;
		if (!found)
			return fail(err, ERROR_CATALOG, "there is no repository %s", named);
		strings_add(&places, record.place);
		repository_record_clear(&record);
	} else if (head_find_places(head, named, client_folder(client), &places, err) < 0) {
		return -1;
	}
	strings_each (place, &places) {
		struct repository repository;
		struct planning planning;
		struct planning_options options = {.revision = json_get_text(arguments, "at", NULL),
			.names = &names,
			.now_usec = moment_now_usec()};
		if (repository_open(head, place, client_folder(client), &repository, err) < 0)
			return -1;
		int result = planning_make(&repository, &options, &planning, &last);
		if (result == 0) {
			result = show_closure(&repository, &planning, client, err);
			planning_clear(&planning);
			repository_close(&repository);
			if (result == 0)
				client_end(client, 0);
			return result;
		}
		repository_close(&repository);
	}
	*err = last;
	return -1;
}
