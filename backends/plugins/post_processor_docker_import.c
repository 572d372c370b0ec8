/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"repository", OPTION_TEXT},
	{"tag", OPTION_TEXT},
	{"changes", OPTION_TEXTS},
	{0},
};

const struct plugin plugin_post_processor_docker_import = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "docker-import",
	.elsewhere = "repository tag",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
