/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include "backends/plugins/native.h"

static const struct plugin_option own[] = {
	{"note", OPTION_TEXT, .offset = offsetof(struct breakpoint_options, note),
		.help = "words for the log"},
	{"disable", OPTION_BOOL, .offset = offsetof(struct breakpoint_options, disable),
		.help = "go on; anything else needs somebody at a terminal"},
	{0},
};

/* Packer without a terminal fails when it gets there; here that is known before. */
static const char *unsupported(const struct json *options)
{
	if (json_get_boolean(options, "disable", false))
		return NULL;
	return "it waits for Enter at a terminal, and builds have none: set \"disable\": true, or "
	       "take it out";
}

const struct plugin plugin_provisioner_breakpoint = {
	.kind = PLUGIN_PROVISIONER,
	.name = "breakpoint",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.unsupported = unsupported,
	.size = sizeof(struct breakpoint_options),
	.help = "a note in the log, where disabled; there is nobody to wait for",
};
