/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/cold.h"
#include "reconciler/repository.h"
#include "reconciler/verification.h"

static int begin_cold(struct head *head, struct client *client, const char *image,
	struct json *answer, struct error *err)
{
	struct build_settings settings = {0};

	if (verb_read_settings(client_arguments(client), &settings, err) < 0) {
		build_settings_clear(&settings);
		json_free(answer);
		return -1;
	}
	return cold_begin(head->loop, head, client, image, &settings, answer, err);
}

int verb_verify(struct head *head, struct client *client, struct error *err)
{
	const char *image = json_get_text(client_arguments(client), "cold", NULL);
	autojson struct json *answer = json_new_object();
	struct verification verification = {.head = head,
		.deep = json_get_boolean(client_arguments(client), "deep", false),
		.faults = json_new_list()};

	json_set(answer, "faults", verification.faults);
	json_set(answer, "cold", NULL);
	if (store_check(head->store, err) < 0 || verification_store(&verification, err) < 0 ||
		verification_catalogs(&verification, err) < 0 ||
		verification_downloads(&verification, err) < 0)
		return -1;
	json_set_integer(answer, "events", verification.events);
	json_set_integer(answer, "manifests", verification.manifests);
	json_set_integer(answer, "artifacts", verification.artifacts);
	if (image)
		return begin_cold(head, client, image, TAKE(answer), err);
	int code = json_count(verification.faults) ? 1 : 0;
	client_item(client, TAKE(answer));
	client_end(client, code);
	return 0;
}
