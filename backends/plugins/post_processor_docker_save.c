/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"path", OPTION_TEXT},
	{0},
};

const struct plugin plugin_post_processor_docker_save = {
	.kind = PLUGIN_POST_PROCESSOR,
	.name = "docker-save",
	.groups = (const struct plugin_option *const[]){own, NULL},
};
