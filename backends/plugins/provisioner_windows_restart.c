/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"restart_command", OPTION_TEXT},
	{"restart_check_command", OPTION_TEXT},
	{"restart_timeout", OPTION_DURATION},
	{"check_registry", OPTION_BOOL},
	{"registry_keys", OPTION_TEXTS},
	{0},
};

const struct plugin plugin_provisioner_windows_restart = {
	.kind = PLUGIN_PROVISIONER,
	.name = "windows-restart",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
