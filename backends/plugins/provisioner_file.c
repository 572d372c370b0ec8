/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/native.h"

#define AT(member) .offset = offsetof(struct file_provisioner_options, member)

static const struct plugin_option own[] = {
	{"source", OPTION_TEXT, PATH_ANY, .again = true, AT(source),
		.help = "what is copied; a folder with '/' at its end: what is in it"},
	{"sources", OPTION_TEXTS, PATH_ANY, .again = true, AT(sources), .help = "several of these"},
	{"destination", OPTION_TEXT, .again = true, AT(destination),
		.help = "where to; with '/' at its end: into that folder"},
	{"direction", OPTION_TEXT, .fallback = "upload", AT(direction),
		.help = "upload into the image, or download from it"},
	{"generated", OPTION_BOOL, AT(generated), .help = "the source is made during the build"},
	{0},
};

static const struct plugin_rule rules[] = {
	{RULE_CHOICE, "direction", "upload|download"},
	{RULE_ANY, "source sources"},
	{RULE_NEEDS, "destination"},
	{0},
};

static bool reads(const struct json *options, const struct plugin_option *option)
{
	(void)option;
	return strcmp(json_get_text(options, "direction", "upload"), "upload") == 0 &&
	       !json_get_boolean(options, "generated", false);
}

const struct plugin plugin_provisioner_file = {
	.kind = PLUGIN_PROVISIONER,
	.name = "file",
	.native = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){own, NULL},
	.rules = (const struct plugin_rule *const[]){rules, NULL},
	.reads = reads,
	.size = sizeof(struct file_provisioner_options),
	.help = "files and folders, into the image or out of it",
};
