/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/client.h"
#include "reconciler/order.h"
#include "reconciler/pieces.h"
#include "state/event.h"

enum { PAGE = 100 }; /* images between which the loop goes on */

int describe_image(
	struct head *head, const struct image_record *image, char **name, struct error *err)
{
	struct repository_record repository;
	int found = repository_find(head->store, image->repository, &repository, err);

	if (found <= 0)
		return found < 0 ? -1
		                 : fail(err, ERROR_BROKEN,
					   "the repository of %s is not in the store", image->name);
	*name = order_catalog_image(&repository, image->name);
	repository_record_clear(&repository);
	return 0;
}

void describe_moment(struct json *object, const char *key, int64_t usec)
{
	char text[MOMENT_TEXT_SIZE];

	json_set_text(object, key, usec ? moment_text(usec, text) : NULL);
}

void describe_number(struct json *object, const char *key, int64_t number)
{
	json_set(object, key, number ? json_new_integer(number) : NULL);
}

void describe_digest(struct json *object, const char *key, bool known, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];

	json_set_text(object, key, known ? digest_text(digest, text) : NULL);
}

struct json *describe_column(const char *text)
{
	struct json *json = NULL;
	struct error ignored;

	if (text)
		json_parse_bytes(text, strlen(text), &json, &ignored);
	return json;
}

struct json *describe_version(const struct build_record *build)
{
	struct json *version = json_new_object();

	json_set_integer(version, "version", build->version);
	json_set_text(version, "build", build->id);
	json_set_text(version, "phase", phase_name(build->phase));
	json_set_text(version, "commit", build->commit);
	describe_digest(version, "closure", true, &build->closure);
	describe_digest(version, "digest", build->has_digest, &build->digest);
	describe_moment(version, "created", build->created_usec);
	json_set(version, "reasons", describe_column(build->reasons));
	return version;
}

struct json *describe_build(const struct build_record *build)
{
	struct json *described = json_new_object();

	json_set_text(described, "build", build->id);
	json_set_text(described, "phase", phase_name(build->phase));
	json_set_text(described, "commit", build->commit);
	describe_digest(described, "closure", true, &build->closure);
	describe_moment(described, "started", build->started_usec);
	describe_moment(described, "ended", build->ended_usec);
	json_set_text(described, "error", build->error_text);
	describe_number(described, "version", build->version);
	return described;
}

int describe_channels(struct head *head, int64_t image, struct json **channels, struct error *err)
{
	CLEANUP(version_marks_clear) struct version_marks marks = {0};

	if (marks_list(head->store, image, MARK_CHANNEL, &marks, err) < 0)
		return -1;
	*channels = json_new_object();
	for (size_t i = 0; i < marks.count; i++)
		json_set_integer(*channels, marks.items[i].name, marks.items[i].version);
	return 0;
}

struct describing {
	struct head *head;
	struct image_records records;
	size_t at;
	struct json *images;
	int (*add)(struct head *head, const struct image_record *image, struct json *images,
		struct error *err);
};

static int next_images(void *context, struct client *client, struct error *err)
{
	struct describing *describing = context;
	size_t end = describing->at + PAGE;

	for (; describing->at < describing->records.count && describing->at < end; describing->at++)
		if (describing->add(describing->head, &describing->records.items[describing->at],
			    describing->images, err) < 0)
			return -1;
	if (describing->at < describing->records.count)
		return 1;
	struct json *answer = json_new_object();
	json_set(answer, "images", TAKE(describing->images));
	client_item(client, answer);
	return 0;
}

static void free_describing(void *context)
{
	struct describing *describing = context;

	image_records_clear(&describing->records);
	json_free(describing->images);
	free(describing);
}

int describe_images(struct head *head, struct client *client,
	int (*add)(struct head *head, const struct image_record *image, struct json *images,
		struct error *err),
	struct error *err)
{
	struct describing *describing = memory_new(sizeof(*describing));

	*describing = (struct describing){.head = head, .images = json_new_list(), .add = add};
	if (images_list(head->store, 0, NULL, &describing->records, err) < 0) {
		free_describing(describing);
		return -1;
	}
	return pieces_send(
		head, client, &(struct pieces){next_images, free_describing, describing}, err);
}

struct json *describe_phases(const struct events *events)
{
	struct json *phases = json_new_list();

	for (size_t i = 0; i < events->count; i++) {
		autojson struct json *data = describe_column(events->items[i].data);
		if (strcmp(events->items[i].kind, "phase") != 0)
			continue;
		struct json *phase = json_new_object();
		json_set_text(phase, "phase", json_get_text(data, "to", NULL));
		describe_moment(phase, "at", events->items[i].usec);
		json_add(phases, phase);
	}
	return phases;
}
