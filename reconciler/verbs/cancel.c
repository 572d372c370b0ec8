/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/cold.h"
#include "reconciler/describe.h"
#include "reconciler/errand.h"
#include "reconciler/lookup.h"

/* BUILD's id, or the name of an image: the build that is under way there. 1 found, 0 not. */
static int find_build(
	struct head *head, const char *word, struct build_record *build, struct error *err)
{
	CLEANUP(image_record_clear) struct image_record image = {0};
	int found = build_find(head->store, word, build, err);

	if (found)
		return found;
	if (lookup_image(head, word, &image, err) < 0)
		return fail(err, ERROR_CATALOG, "there is neither a build nor an image %s", word);
	return build_find_newest(head->store, image.id, build, err);
}

/* What a person gave up is not begun again by itself: a commit, or naming the image, does that. */
static int remember(struct head *head, const struct build_record *build, struct error *err)
{
	autojson struct json *policy = describe_column(build->policy);
	struct digest rules = {0}, key;
	struct error why;

	error_set(&why, ERROR_CATALOG, "it was cancelled by hand");
	digest_parse(json_get_text(policy, "rules", ""), &rules);
	facts_failure_key(&build->closure, &rules, &key);
	return failure_set(head->store, build->image, &key, &why, 0, err);
}

/* By now the build was given up, or was past that. */
static int tell(struct loop *loop, struct errand *errand, struct error *err)
{
	CLEANUP(build_record_clear) struct build_record build = {0};

	(void)loop;
	if (build_find(errand->head->store, errand->build, &build, err) <= 0)
		return -1;
	if (build.phase != PHASE_CANCELLED)
		return fail(err, ERROR_CATALOG, "%s could not be cancelled any more: it is %s",
			build.id, phase_name(build.phase));
	errand_say(errand, &build, "cancelled");
	if (cold_version(build.policy))
		return 0;
	return remember(errand->head, &build, err);
}

int verb_cancel(struct head *head, struct client *client, struct error *err)
{
	const char *word = json_get_text(client_arguments(client), "build", "");
	CLEANUP(build_record_clear) struct build_record build = {0};
	CLEANUP(image_record_clear) struct image_record image = {0};
	struct errand what = {.head = head, .cancels = true, .act = tell};
	int found = find_build(head, word, &build, err);

	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CATALOG, "%s has no build", word);
	if (build.phase != PHASE_PLANNED && build.phase != PHASE_BUILDING &&
		build.phase != PHASE_VALIDATING)
		return fail(err, ERROR_CATALOG,
			"%s is %s: only what is planned, building or "
			"validating can be cancelled",
			build.id, phase_name(build.phase));
	if (image_find_by_id(head->store, build.image, &image, err) <= 0)
		return -1;
	what.build = memory_copy_text(build.id);
	return errand_begin(head->loop, client, &image, &what, err);
}
