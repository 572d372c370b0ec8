/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"output_dir", OPTION_TEXT, PATH_OUTPUT},
	{"source_path", OPTION_TEXT, PATH_URL, .required = true, .source_image = true},
	{"global_id", OPTION_TEXT, .required = true},
	{"checksum", OPTION_TEXT},
	{"box_name", OPTION_TEXT},
	{"insert_key", OPTION_BOOL},
	{"provider", OPTION_TEXT},
	{"vagrantfile_template", OPTION_TEXT, PATH_FILE},
	{"teardown_method", OPTION_TEXT},
	{"box_version", OPTION_TEXT},
	{"template", OPTION_TEXT, PATH_FILE},
	{"synced_folder", OPTION_TEXT, PATH_FOLDER, .optional_path = true},
	{"skip_add", OPTION_BOOL},
	{"add_cacert", OPTION_TEXT, PATH_FILE},
	{"add_capath", OPTION_TEXT, PATH_FOLDER, .optional_path = true},
	{"add_cert", OPTION_TEXT, PATH_FILE},
	{"add_clean", OPTION_BOOL},
	{"add_force", OPTION_BOOL},
	{"add_insecure", OPTION_BOOL},
	{"skip_package", OPTION_BOOL},
	{"output_vagrantfile", OPTION_TEXT},
	{"package_include", OPTION_TEXTS, PATH_ANY},
	{0},
};

const struct plugin plugin_builder_vagrant = {
	.kind = PLUGIN_BUILDER,
	.name = "vagrant",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_iso, options_boot, own, NULL},
};
