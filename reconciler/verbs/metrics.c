/* SPDX-License-Identifier: Apache-2.0 */
/* ready and metrics: how kilnd is, in numbers; a few queries, whatever the number of images. */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/daemon.h"
#include "state/figures.h"

/* Answering is the answer. */
int verb_ready(struct head *head, struct client *client, struct error *err)
{
	(void)head;
	(void)err;
	client_end(client, 0);
	return 0;
}

static void add_live(void *context, const struct live_version *live)
{
	struct json *item = json_new_object();

	json_set_text(item, "repository", live->repository);
	json_set_text(item, "image", live->image);
	json_set_integer(item, "version", live->version);
	json_set_integer(item, "confirmed_usec", live->confirmed_usec);
	json_add(context, item);
}

/* By phase: {"images", "builds", "timed", "usec"}. */
static struct json *describe_phases(const struct figures *figures)
{
	struct json *phases = json_new_object();

	for (enum phase phase = PHASE_NONE + 1; phase < PHASE_COUNT; phase++) {
		struct json *counts = json_new_object();
		json_set(phases, phase_name(phase), counts);
		json_set_integer(counts, "images", figures->newest[phase]);
		json_set_integer(counts, "builds", figures->builds[phase]);
		json_set_integer(counts, "timed", figures->timed[phase]);
		json_set_integer(counts, "usec", figures->usec[phase]);
	}
	return phases;
}

int verb_metrics(struct head *head, struct client *client, struct error *err)
{
	autojson struct json *answer = json_new_object();
	struct json *live = json_new_list();
	struct figures figures;

	json_set(answer, "live", live);
	if (figures_read(head->store, &figures, err) < 0 ||
		live_versions_each(head->store, NULL, add_live, live, err) < 0)
		return -1;
	json_set_text(answer, "version", KILN_VERSION);
	json_set(answer, "phases", describe_phases(&figures));
	json_set_integer(answer, "held", figures.held);
	json_set_integer(answer, "events", figures.events);
	if (head->daemon)
		daemon_describe(head->daemon, answer);
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
