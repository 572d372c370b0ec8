/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"author", OPTION_TEXT},
	{"changes", OPTION_TEXTS},
	{"commit", OPTION_BOOL, .required = true},
	{"container_dir", OPTION_TEXT},
	{"device", OPTION_TEXTS},
	{"discard", OPTION_BOOL, .required = true},
	{"cap_add", OPTION_TEXTS},
	{"cap_drop", OPTION_TEXTS},
	{"exec_user", OPTION_TEXT},
	{"export_path", OPTION_TEXT, PATH_OUTPUT, .required = true},
	{"image", OPTION_TEXT, .required = true, .source_image = true},
	{"message", OPTION_TEXT, .required = true},
	{"privileged", OPTION_BOOL},
	{"pty", OPTION_BOOL},
	{"pull", OPTION_BOOL},
	{"run_command", OPTION_TEXTS, .late = true},
	{"tmpfs", OPTION_TEXTS},
	{"volumes", OPTION_TEXT_MAP},
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

const struct plugin plugin_builder_docker = {
	.kind = PLUGIN_BUILDER,
	.name = "docker",
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
};
