/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

const struct verb verbs[] = {
	{"plan", .run = verb_plan},
	{"inputs", .run = verb_inputs},
	{"apply", .creates = true, .loops = true, .changes = true, .run = verb_apply},
	{"list", .run = verb_list},
	{"status", .run = verb_status},
	{"show", .run = verb_show},
	{"path", .run = verb_path},
	{"why", .run = verb_why},
	{"diff", .run = verb_diff},
	{"log", .run = verb_log},
	{"audit", .run = verb_audit},
	{"verify", .loops_with = "cold", .run = verb_verify},
	{"rollback", .loops = true, .changes = true, .run = verb_rollback},
	{"promote", .loops = true, .changes = true, .run = verb_promote},
	{"hold", .changes = true, .run = verb_hold},
	{"release", .changes = true, .run = verb_release},
	{"retire", .loops = true, .changes = true, .run = verb_retire},
	{"cancel", .loops = true, .changes = true, .run = verb_cancel},
	{"gc", .loops = true, .run = verb_gc},
	{"doctor", .run = verb_doctor},
	{"reload", .run = verb_reload},
	{"poll", .run = verb_poll},
	{"drain", .loops = true, .run = verb_drain},
	{"ready", .run = verb_ready},
	{"metrics", .run = verb_metrics},
	{"build", .run = verb_build},
	{"screen", .loops = true, .run = verb_screen},
	{"relatives", .run = verb_relatives},
	{0},
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}
