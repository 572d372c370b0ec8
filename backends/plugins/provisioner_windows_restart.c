/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct windows_restart_options, member)

static const struct plugin_option own[] = {
	{"restart_command", OPTION_TEXT, .fallback = "shutdown /r /f /t 0 /c \"packer restart\"",
		AT(restart_command), .help = "what restarts the machine"},
	{"restart_check_command", OPTION_TEXT, AT(restart_check_command),
		.help = "run once it answers, before the check that PowerShell does"},
	{"restart_timeout", OPTION_DURATION, .fallback = "5m", AT(restart_timeout_nsec),
		.help = "how long all of that may take"},
	{"check_registry", OPTION_BOOL, AT(check_registry),
		.help = "wait until no registry key says that a restart is pending"},
	{"registry_keys", OPTION_TEXTS, AT(registry_keys), .help = "these, not the usual ones"},
	{0},
};

const struct plugin plugin_provisioner_windows_restart = {
	.kind = PLUGIN_PROVISIONER,
	.name = "windows-restart",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.size = sizeof(struct windows_restart_options),
	.help = "restarts a Windows machine and waits for it",
};
