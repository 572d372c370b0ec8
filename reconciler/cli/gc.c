/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <inttypes.h>

#include "reconciler/cli/verbs.h"

static void show(struct session *session, const struct json *answer)
{
	const struct json *removed = json_get(answer, "removed");
	bool dry_run = json_get_boolean(answer, "dry_run", false);

	(void)session;
	for (size_t i = 0; i < json_count(removed); i++) {
		const struct json *item = json_item(removed, i);
		printf("%s (%" PRId64 " bytes; %s)\n", json_get_text(item, "path", ""),
			json_get_integer(item, "bytes", 0), json_get_text(item, "why", ""));
	}
	printf("%s%" PRId64 " bytes of a cache of %" PRId64 "\n",
		dry_run ? "would free " : "freed ", json_get_integer(answer, "freed", 0),
		json_get_integer(answer, "bytes", 0));
}

static const struct cli_flag flags[] = {
	{"dry-run", NULL, false, "only say what would go"},
	{"forget", "BUILD", false,
		"what packer left elsewhere in it is dealt with: doctor lists it no more"},
	{0},
};

const struct cli_verb cli_gc = {
	.name = "gc",
	.synopsis = "[--dry-run] [--forget BUILD]",
	.summary = "remove what the limits say: kept layers, downloads, old logs",
	.details = "limits.cache_bytes, the least recently used first, and limits.log_days; what "
		   "builds left. "
		   "Published versions are never touched.",
	.words = CLI_NOTHING,
	.flags = flags,
	.show = show,
};
