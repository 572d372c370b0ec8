/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

const struct verb verbs[] = {
	{"plan", .run = verb_plan},
	{"inputs", .run = verb_inputs},
	{"apply", .creates = true, .loops = true, .run = verb_apply},
	{0},
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}
