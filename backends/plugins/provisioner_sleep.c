/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

static const struct plugin_option own[] = {
	{"duration", OPTION_DURATION, .offset = offsetof(struct sleep_options, duration_nsec),
		.help = "how long"},
	{0},
};

const struct plugin plugin_provisioner_sleep = {
	.kind = PLUGIN_PROVISIONER,
	.name = "sleep",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.size = sizeof(struct sleep_options),
	.help = "a wait, while the machine goes on",
};
