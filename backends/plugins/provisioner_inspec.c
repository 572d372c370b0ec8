/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT},
	{"extra_arguments", OPTION_TEXTS},
	{"inspec_env_vars", OPTION_TEXTS},
	{"profile", OPTION_TEXT, PATH_ANY},
	{"attributes_directory", OPTION_TEXT, PATH_FOLDER},
	{"attributes", OPTION_TEXTS, PATH_FILE},
	{"backend", OPTION_TEXT},
	{"user", OPTION_TEXT},
	{"host", OPTION_TEXT},
	{"local_port", OPTION_INTEGER},
	{"ssh_host_key_file", OPTION_TEXT, PATH_FILE},
	{"ssh_authorized_key_file", OPTION_TEXT, PATH_FILE},
	{0},
};

const struct plugin plugin_provisioner_inspec = {
	.kind = PLUGIN_PROVISIONER,
	.name = "inspec",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
