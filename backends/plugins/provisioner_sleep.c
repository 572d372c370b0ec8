/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"duration", OPTION_DURATION},
	{0},
};

const struct plugin plugin_provisioner_sleep = {
	.kind = PLUGIN_PROVISIONER,
	.name = "sleep",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
