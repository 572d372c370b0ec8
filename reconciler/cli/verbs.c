/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/verbs.h"

#include <stddef.h>

const struct cli_verb *const cli_verbs[] = {
	&cli_plan,
	&cli_apply,
	&cli_inputs,
	&cli_phases,
	NULL,
};
