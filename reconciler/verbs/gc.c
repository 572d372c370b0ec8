/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include "reconciler/collecting.h"
#include "reconciler/elsewhere.h"
#include "reconciler/resume.h"

int verb_gc(struct head *head, struct client *client, struct error *err)
{
	const char *forget = json_get_text(client_arguments(client), "forget", NULL);
	bool dry_run = json_get_boolean(client_arguments(client), "dry-run", false);

	if (forget && elsewhere_forget(head, forget, err) < 0)
		return -1;
	/* work folders of what came to rest go with it */
	if (!dry_run && resume(head->loop, head, 0, err) < 0)
		return -1;
	return collecting_begin(head->loop, head, client,
		COLLECTING_LEFTOVERS | (dry_run ? COLLECTING_DRY_RUN : 0), err);
}
