/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/verification.h"

int verb_verify(struct head *head, struct client *client, struct error *err)
{
	autojson struct json *answer = json_new_object();
	struct verification verification = {.head = head,
		.deep = json_get_boolean(client_arguments(client), "deep", false),
		.faults = json_new_list()};

	json_set(answer, "faults", verification.faults);
	if (store_check(head->store, err) < 0 || verification_store(&verification, err) < 0 ||
		verification_catalogs(&verification, err) < 0 ||
		verification_downloads(&verification, err) < 0)
		return -1;
	json_set_integer(answer, "events", verification.events);
	json_set_integer(answer, "manifests", verification.manifests);
	json_set_integer(answer, "artifacts", verification.artifacts);
	int code = json_count(verification.faults) ? 1 : 0;
	client_item(client, TAKE(answer));
	client_end(client, code);
	return 0;
}
