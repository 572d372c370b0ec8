/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"command", OPTION_TEXT},
	{"SubCommand", OPTION_TEXT},
	{"extra_arguments", OPTION_TEXTS, PATH_WORDS, .check = CHECK_NOTHING},
	{"inspec_env_vars", OPTION_TEXTS},
	{"profile", OPTION_TEXT, PATH_URL},
	{"attributes_directory", OPTION_TEXT, PATH_FOLDER, .check = CHECK_FOLDER},
	{"attributes", OPTION_TEXTS, PATH_FILE, .check = CHECK_NOTHING},
	{"backend", OPTION_TEXT},
	{"user", OPTION_TEXT},
	{"host", OPTION_TEXT},
	{"local_port", OPTION_INTEGER},
	{"ssh_host_key_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{"ssh_authorized_key_file", OPTION_TEXT, PATH_FILE, .check = CHECK_FILE},
	{0},
};

/* Source: Packer 1.6.6 provisioner/inspec/provisioner.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "profile"},
	{RULE_CHOICE, "backend", "docker|local|ssh|winrm"},
	{RULE_NEEDS, "host", .when = "backend=docker"},
	{RULE_RANGE, "local_port", "-999999999 65535"},
	{0},
};

const struct plugin plugin_provisioner_inspec = {
	.kind = PLUGIN_PROVISIONER,
	.name = "inspec",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
