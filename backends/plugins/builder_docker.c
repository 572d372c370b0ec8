/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"
#include "backends/plugins/rules.h"

static const struct plugin_option own[] = {
	{"author", OPTION_TEXT},
	{"changes", OPTION_TEXTS},
	{"commit", OPTION_BOOL},
	{"container_dir", OPTION_TEXT},
	{"device", OPTION_TEXTS},
	{"discard", OPTION_BOOL},
	{"cap_add", OPTION_TEXTS},
	{"cap_drop", OPTION_TEXTS},
	{"exec_user", OPTION_TEXT},
	{"export_path", OPTION_TEXT, PATH_OUTPUT, .check = CHECK_NO_FOLDER},
	{"image", OPTION_TEXT, .source_image = true},
	{"message", OPTION_TEXT},
	{"privileged", OPTION_BOOL},
	{"pty", OPTION_BOOL},
	{"pull", OPTION_BOOL},
	{"run_command", OPTION_TEXTS, .late = true},
	{"tmpfs", OPTION_TEXTS},
	{"volumes", OPTION_TEXT_MAP, PATH_KEYS, .check = CHECK_NOTHING},
	{"fix_upload_owner", OPTION_BOOL},
	{"windows_container", OPTION_BOOL},
	{"login", OPTION_BOOL},
	{"login_password", OPTION_TEXT},
	{"login_server", OPTION_TEXT},
	{"login_username", OPTION_TEXT},
	{"ecr_login", OPTION_BOOL},
	{"aws_access_key", OPTION_TEXT},
	{"aws_secret_key", OPTION_TEXT},
	{"aws_token", OPTION_TEXT},
	{"aws_profile", OPTION_TEXT},
	{0},
};

/* Docker's own way into the container is the default. */
static int check(struct json *options, struct error *err)
{
	bool windows = json_get_boolean(options, "windows_container", false);

	(void)err;
	if (!*json_get_text(options, "communicator", ""))
		json_set_text(
			options, "communicator", windows ? "dockerWindowsContainer" : "docker");
	return 0;
}

/* Source: Packer 1.6.6 builder/docker/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "image"},
	{RULE_ONE, "commit discard export_path", .why = "what becomes of the container"},
	{RULE_NEEDS, "login_server", .when = "ecr_login"},
	{0},
};

const struct plugin plugin_builder_docker = {
	.kind = PLUGIN_BUILDER,
	.name = "docker",
	.elsewhere = "image",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules, NULL},
	.check = check,
};
