/* SPDX-License-Identifier: Apache-2.0 */
/* One build by its id: what it is, the phases that it went through, and its steps as its journal has them. */
#include "reconciler/verbs/verbs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/journal.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/screen.h"
#include "state/event.h"

static int add_phases(
	struct head *head, const struct build_record *build, struct json *answer, struct error *err)
{
	CLEANUP(events_clear) struct events events = {0};

	if (events_list(head->store, EVENTS_OF_BUILD, build->id, &events, err) < 0)
		return -1;
	json_set(answer, "phases", describe_phases(&events));
	return 0;
}

/* {"step", "how", "seconds", "ended"} of each that ended. A journal that cannot be read is a build without one. */
static struct json *read_steps(const char *folder)
{
	autoclose int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autojson struct json *entries = NULL;
	struct json *steps = json_new_list();
	struct error ignored;

	if (fd < 0 || journal_read(fd, &entries, &ignored) < 0)
		return steps;
	for (size_t i = 0; i < json_count(entries); i++) {
		const struct json *entry = json_item(entries, i);
		if (strcmp(json_get_text(entry, "event", ""), "step") != 0)
			continue;
		struct json *step = json_new_object();
		json_set_text(step, "step", json_get_text(entry, "step", NULL));
		json_set_text(step, "how", json_get_text(entry, "how", NULL));
		json_set(step, "seconds", json_copy(json_get(entry, "seconds")));
		json_set_text(step, "ended", json_get_text(entry, "time", NULL));
		json_add(steps, step);
	}
	return steps;
}

/* {"type", "taken"}, or null where no machine left one. */
static struct json *describe_screen(const char *folder)
{
	struct screen screen = screen_open(folder);

	if (screen.fd < 0)
		return NULL;
	close(screen.fd);
	struct json *described = json_new_object();
	json_set_text(described, "type", screen.type);
	describe_moment(described, "taken", screen.taken_usec);
	return described;
}

static int describe(
	struct head *head, const struct build_record *build, struct json *answer, struct error *err)
{
	autofree char *folder = memory_printf("%s/builds/%s", head->state, build->id);
	autofree char *log = memory_printf("%s/log", folder);
	CLEANUP(image_record_clear) struct image_record image = {0};
	autofree char *name = NULL;

	if (image_find_by_id(head->store, build->image, &image, err) <= 0 ||
		describe_image(head, &image, &name, err) < 0)
		return -1;
	json_set_text(answer, "image", name);
	json_set_text(answer, "repository", image.repository_name);
	json_set_text(answer, "author", build->author);
	describe_moment(answer, "authored", build->authored_usec);
	describe_digest(answer, "digest", build->has_digest, &build->digest);
	json_set_text(answer, "builder", build->builder);
	json_set(answer, "reasons", describe_column(build->reasons));
	json_set(answer, "base", describe_column(build->bases));
	json_set(answer, "steps", read_steps(folder));
	json_set_bool(answer, "has_log", file_exists(AT_FDCWD, log));
	json_set(answer, "screen", describe_screen(folder));
	json_set_bool(answer, "under_way", phase_is_under_way(build->phase));
	return add_phases(head, build, answer, err);
}

int verb_build(struct head *head, struct client *client, struct error *err)
{
	const char *id = json_get_text(client_arguments(client), "build", "");
	CLEANUP(build_record_clear) struct build_record build = {0};
	int found = build_find(head->store, id, &build, err);

	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CATALOG, "there is no build %s", id);
	autojson struct json *answer = describe_build(&build);
	if (describe(head, &build, answer, err) < 0)
		return -1;
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
