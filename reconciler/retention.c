/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/retention.h"

const char *retention_why_not(const struct retention_version *version)
{
	if (version->phase == PHASE_LIVE)
		return "it is live";
	if (version->phase != PHASE_SUPERSEDED)
		return "it is not published";
	if (version->named)
		return "a channel names it";
	if (version->held)
		return "it is held (kiln release lifts that)";
	if (version->used)
		return "a live image or a running build is built on it";
	return NULL;
}

size_t retention_choose(struct retention_version *versions, size_t count,
	const struct retention_rules *rules, int64_t now_usec, size_t most)
{
	size_t chosen = 0;

	for (size_t i = 0; i < count && chosen < most; i++) {
		struct retention_version *version = &versions[i];
		int64_t age_usec = now_usec - version->ended_usec;
		bool young =
			rules->keep_younger_sec && age_usec < rules->keep_younger_sec * 1000000;
		bool last = (int64_t)(count - i) <= rules->keep_last;
		version->retire = !young && !last && !retention_why_not(version);
		chosen += version->retire;
	}
	return chosen;
}
