/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

#include <string.h>

#include "base/text.h"

static const struct plugin_option own[] = {
	{"output_dir", OPTION_TEXT, PATH_OUTPUT},
	{"source_path", OPTION_TEXT, PATH_URL, .check = CHECK_THERE, .source_image = true},
	{"global_id", OPTION_TEXT},
	{"checksum", OPTION_TEXT, PATH_CHECKSUM, .check = CHECK_NOTHING},
	{"box_name", OPTION_TEXT},
	{"insert_key", OPTION_BOOL},
	{"provider", OPTION_TEXT},
	{"vagrantfile_template", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"teardown_method", OPTION_TEXT},
	{"box_version", OPTION_TEXT},
	{"template", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"synced_folder", OPTION_TEXT, PATH_FOLDER},
	{"skip_add", OPTION_BOOL},
	{"add_cacert", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"add_capath", OPTION_TEXT, PATH_FOLDER, .optional_path = true},
	{"add_cert", OPTION_TEXT, PATH_FILE, .check = CHECK_NOTHING},
	{"add_clean", OPTION_BOOL},
	{"add_force", OPTION_BOOL},
	{"add_insecure", OPTION_BOOL},
	{"skip_package", OPTION_BOOL},
	{"output_vagrantfile", OPTION_TEXT},
	{"package_include", OPTION_TEXTS, PATH_ANY, .check = CHECK_NOTHING},
	{0},
};

/* A box that is no file goes by its name: ubuntu/focal64. */
static bool reads(const struct json *options, const struct plugin_option *option)
{
	const char *box = json_get_text(options, "source_path", "");

	return strcmp(option->name, "source_path") != 0 || text_ends_with(box, ".box") ||
	       text_starts_with(box, "catalog:");
}

/* Source: Packer 1.6.6 builder/vagrant/builder.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_NEEDS, "communicator", .why = "ssh"},
	{RULE_CHOICE, "communicator", "ssh"},
	{RULE_ONE, "source_path global_id"},
	{RULE_WORD, "teardown_method", "halt|suspend|destroy"},
	{0},
};

const struct plugin plugin_builder_vagrant = {
	.kind = PLUGIN_BUILDER,
	.name = "vagrant",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy_unchecked, options_iso, options_boot, own, NULL},
	.reads = reads,
	.rules = (const struct plugin_rule *const[]){rules, NULL},
};
