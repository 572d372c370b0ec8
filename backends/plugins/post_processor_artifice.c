/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"files", OPTION_TEXTS},
	{"keep_input_artifact", OPTION_BOOL},
	{0},
};

const struct plugin plugin_post_processor_artifice = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "artifice",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
