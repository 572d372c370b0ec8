/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"repository", OPTION_TEXT},
	{"tag", OPTION_TEXTS},
	{"tags", OPTION_TEXTS},
	{"force", OPTION_BOOL},
	{0},
};

const struct plugin plugin_post_processor_docker_tag = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "docker-tag",
	.elsewhere = "repository tag tags",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
