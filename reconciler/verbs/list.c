/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "reconciler/describe.h"

static int list_image(
	struct head *head, const struct image_record *image, struct json *images, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records versions = {0};
	autofree char *name = NULL;
	struct json *channels;

	if (builds_published(head->store, image->id, &versions, err) < 0)
		return -1;
	if (!versions.count)
		return 0;
	if (describe_image(head, image, &name, err) < 0 ||
		describe_channels(head, image->id, &channels, err) < 0)
		return -1;
	struct json *listed = json_new_object();
	json_add(images, listed);
	json_set_text(listed, "name", name);
	json_set_text(listed, "repository", image->repository_name);
	describe_number(listed, "live", json_get_integer(channels, "current", 0));
	json_set(listed, "channels", channels);
	json_set_integer(listed, "versions", (int64_t)versions.count);
	return 0;
}

int verb_list(struct head *head, struct client *client, struct error *err)
{
	return describe_images(head, client, list_image, err);
}
