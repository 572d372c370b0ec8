/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

#include "base/cleanup.h"
#include "reconciler/describe.h"
#include "reconciler/schedule.h"

/* When something will be done of itself: the next try after a failure, or the rebuild for age; 0: nothing is due. */
static int find_next(struct head *head, const struct image_record *image,
	const struct build_record *newest, const struct build_record *live, int64_t *next_usec,
	struct error *err)
{
	autojson struct json *policy = describe_column(newest->policy);
	struct failure_record failure;
	struct digest rules = {0}, key;

	*next_usec = 0;
	digest_parse(json_get_text(policy, "rules", ""), &rules);
	facts_failure_key(&newest->closure, &rules, &key);
	int failed = failure_find(head->store, image->id, &key, &failure, err);
	if (failed < 0)
		return -1;
	if (failed) {
		*next_usec = failure.next_usec;
		failure_record_clear(&failure);
	} else if (live) {
		*next_usec = schedule_next_of(json_get(policy, "rebuild"), head->service.timezone,
			image->name, live->confirmed_usec);
	}
	return 0;
}

/* Why it is as it is: what went wrong, or what it was built for. */
static const char *find_reason(const struct build_record *newest, const struct json *reasons)
{
	if (newest->error_text && newest->phase == PHASE_FAILED)
		return newest->error_text;
	return json_get_text(json_item(reasons, 0), "text", NULL);
}

static int describe_status(struct head *head, const struct image_record *image,
	const struct build_record *newest, const struct build_record *live, struct json *status,
	struct error *err)
{
	autojson struct json *reasons = describe_column(newest->reasons);
	autofree char *name = NULL;
	int64_t next_usec;

	if (describe_image(head, image, &name, err) < 0 ||
		find_next(head, image, newest, live, &next_usec, err) < 0)
		return -1;
	json_set_text(status, "name", name);
	json_set_text(status, "repository", image->repository_name);
	json_set_text(status, "phase", phase_name(newest->phase));
	describe_number(status, "live", live ? live->version : 0);
	json_set_text(status, "commit", live ? live->commit : NULL);
	describe_digest(status, "closure", live != NULL, live ? &live->closure : NULL);
	describe_moment(status, "since", live ? live->live_usec : 0);
	describe_moment(status, "next", next_usec);
	json_set_text(status, "reason", find_reason(newest, reasons));
	json_set_bool(status, "held", image->held);
	return 0;
}

static int add_status(
	struct head *head, const struct image_record *image, struct json *images, struct error *err)
{
	struct build_record newest, live;
	int64_t version;
	int found = build_find_newest(head->store, image->id, &newest, err), has_live = 0;

	if (found <= 0)
		return found;
	int result = channel_find(head->store, image->id, "current", &version, err);
	if (result == 0 && version)
		has_live = build_find_version(head->store, image->id, version, &live, err);
	if (result == 0 && has_live >= 0) {
		struct json *status = json_new_object();
		json_add(images, status);
		result =
			describe_status(head, image, &newest, has_live ? &live : NULL, status, err);
	}
	build_record_clear(&newest);
	if (has_live > 0)
		build_record_clear(&live);
	return has_live < 0 ? -1 : result;
}

int verb_status(struct head *head, struct client *client, struct error *err)
{
	return describe_images(head, client, add_status, err);
}
