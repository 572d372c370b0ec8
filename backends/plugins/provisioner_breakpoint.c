/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"note", OPTION_TEXT},
	{"disable", OPTION_BOOL},
	{0},
};

const struct plugin plugin_provisioner_breakpoint = {
	.kind = PLUGIN_PROVISIONER,
	.name = "breakpoint",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
