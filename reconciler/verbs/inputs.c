/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/planning.h"
#include "reconciler/selection.h"
#include "reconciler/world.h"

static int show_closure(struct repository *repository, struct planning *planning,
	struct client *client, struct error *err)
{
	const struct image_facts *facts = &planning->facts.items[0];
	autofree char *text = NULL;
	autojson struct json *notes = NULL, *answer = json_new_object();
	char hex[OBJECT_ID_HEX_SIZE], digest[DIGEST_TEXT_SIZE];

	if (!facts->defined)
		return fail(err, ERROR_CATALOG,
			"nothing defines %s at this commit (kiln diff shows what its versions were "
			"built "
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
	CLEANUP(selection_clear) struct selection selection = {0};
	CLEANUP(strings_clear) struct strings names = {0};
	CLEANUP(repository_close) struct repository repository = {0};
	struct planning planning;

	strings_add(&names, json_get_text(arguments, "image", ""));
	if (selection_make(head, NULL, client_folder(client), &names, &selection, err) < 0)
		return -1;
	const struct selected *selected = &selection.items[0];
	struct planning_options options = {.revision = json_get_text(arguments, "at", NULL),
		.names = &selected->names,
		.now_usec = world->now_usec()};
	if (repository_open(head, selected->place, client_folder(client), &repository, err) < 0 ||
		planning_make(&repository, &options, &planning, err) < 0)
		return -1;
	int result = show_closure(&repository, &planning, client, err);
	planning_clear(&planning);
	if (result == 0)
		client_end(client, 0);
	return result;
}
