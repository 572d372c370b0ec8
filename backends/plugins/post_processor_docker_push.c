/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"login", OPTION_BOOL},
	{"login_username", OPTION_TEXT},
	{"login_password", OPTION_TEXT},
	{"login_server", OPTION_TEXT},
	{"ecr_login", OPTION_BOOL},
	{"aws_access_key", OPTION_TEXT},
	{"aws_secret_key", OPTION_TEXT},
	{"aws_token", OPTION_TEXT},
	{"aws_profile", OPTION_TEXT},
	{0},
};

/* Source: Packer 1.6.6 post-processor/docker-push/post-processor.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "login_server", .when = "ecr_login"},
	{0},
};

const struct plugin plugin_post_processor_docker_push = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "docker-push",
	.elsewhere = "login_server",
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
