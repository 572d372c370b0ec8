/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/acceptance.h"
#include "reconciler/git/fetch/url.h"
#include "reconciler/fetching.h"
#include "reconciler/pass.h"
#include "reconciler/resume.h"
#include "reconciler/selection.h"

static int begin_pass(struct head *head, struct client *client, const struct selected *selected,
	struct apply *apply, struct error *err)
{
	const struct json *arguments = client_arguments(client);
	struct pass_options options = {.place = selected->place,
		.folder = client_folder(client),
		.revision = json_get_text(arguments, "at", NULL),
		.forced = json_get_boolean(arguments, "force", false),
		.logs = json_get_boolean(arguments, "logs", false)};

	if (verb_read_settings(arguments, &options.settings, err) < 0) {
		build_settings_clear(&options.settings);
		return -1;
	}
	strings_add_all(&options.names, &selected->names);
	return pass_begin(head->loop, head, client, apply, &options, err);
}

static bool is_remote(const struct head *head, const char *place)
{
	const struct service_repository *configured =
		service_find_repository(&head->service, place);

	return remote_url_is_remote(configured ? configured->url : place);
}

/* ---- remotes: what is there now comes first ---- */

struct fetched_apply {
	struct head *head;
	struct client *client;
	struct apply *apply;
	struct selected selected;
};

static void fetched(void *context, struct client *client, const struct error *failure);

static void accepted(void *context, struct client *client)
{
	fetched(context, client, NULL);
}

static void free_fetched(struct fetched_apply *waiting)
{
	strings_clear(&waiting->selected.names);
	free(waiting->selected.place);
	free(waiting);
}

static void fetched(void *context, struct client *client, const struct error *failure)
{
	struct fetched_apply *waiting = context;
	struct apply *apply = waiting->apply;
	struct error err;

	if (failure)
		err = *failure;
	if (client && (failure || begin_pass(waiting->head, client, &waiting->selected, apply,
					  &err) < 0)) {
		if (acceptance_is_coming(waiting->head, &err)) {
			acceptance_wait(waiting->head, client, accepted, waiting);
			return;
		}
		client_note(client, "%s: %s", waiting->selected.place, err.text);
		apply->failed = true;
	}
	free_fetched(waiting);
	apply_release(apply, client);
}

static int begin_fetch(struct head *head, struct client *client, const struct selected *selected,
	struct service_repository *configured, struct apply *apply, struct error *err)
{
	struct fetched_apply *waiting = memory_new(sizeof(*waiting));
	struct fetch_request request = {.url = configured ? configured->url : selected->place,
		.configured = configured,
		.over = fetched,
		.context = waiting,
		.client = client};

	*waiting = (struct fetched_apply){.head = head,
		.client = client,
		.apply = apply,
		.selected = {.place = memory_copy_text(selected->place)}};
	strings_add_all(&waiting->selected.names, &selected->names);
	if (!fetching_begin(head->loop, head, &request, err)) {
		free_fetched(waiting);
		return -1;
	}
	apply_hold(apply);
	return 0;
}

static int begin(struct head *head, struct client *client, const struct selected *selected,
	struct apply *apply, struct error *err)
{
	struct service_repository *configured =
		service_find_repository(&head->service, selected->place);

	if (is_remote(head, selected->place))
		return begin_fetch(head, client, selected, configured, apply, err);
	return begin_pass(head, client, selected, apply, err);
}

/* Before anything is begun: whether the commits that are there now are accepted. What else is wrong with them comes later. */
static int find_acceptances(struct head *head, struct client *client,
	const struct selection *selection, struct error *err)
{
	const char *revision = json_get_text(client_arguments(client), "at", NULL);
	struct error coming = {0};

	for (size_t i = 0; i < selection->count; i++) {
		CLEANUP(repository_close) struct repository repository = {0};
		CLEANUP(commit_clear) struct commit commit = {0};
		const char *place = selection->items[i].place;
		if (is_remote(head, place) ||
			repository_open(head, place, client_folder(client), &repository, err) < 0 ||
			repository_resolve(&repository, revision, &commit, err) < 0)
			continue;
		if (acceptance_check(&repository, &commit.id, err) < 0 &&
			acceptance_is_coming(head, err))
			coming = *err;
	}
	*err = coming;
	return coming.kind == ERROR_NONE ? 0 : -1;
}

int verb_apply(struct head *head, struct client *client, struct error *err)
{
	const struct json *arguments = client_arguments(client);
	CLEANUP(selection_clear) struct selection selection = {0};
	CLEANUP(strings_clear) struct strings names = {0};
	struct apply *apply;
	size_t begun = 0;

	json_get_texts(arguments, "images", &names);
	if (resume(head->loop, head, RESUME_ALL, err) < 0 ||
		selection_make(head, json_get_text(arguments, "repository", NULL),
			client_folder(client), &names, &selection, err) < 0 ||
		find_acceptances(head, client, &selection, err) < 0)
		return -1;
	apply = memory_new(sizeof(*apply));
	*apply = (struct apply){.references = 1};
	for (size_t i = 0; i < selection.count; i++) {
		/* one repository that cannot be read does not stop the others */
		if (begin(head, client, &selection.items[i], apply, err) == 0) {
			begun++;
		} else if (selection.count > 1) {
			client_note(client, "%s: %s", selection.items[i].place, err->text);
			apply->failed = true;
		}
	}
	/* who cannot wait for the end has seen that it began */
	if (begun && json_get_boolean(arguments, "detached", false))
		client_end(client, apply->failed);
	if (--apply->references == 0)
		free(apply);
	return begun ? 0 : -1;
}
