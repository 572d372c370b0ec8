/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/parallels.h"

const struct plugin_option options_parallels[] = {
	{"output_directory", OPTION_TEXT, PATH_OUTPUT, .check = CHECK_ABSENT},
	{"prlctl", OPTION_ROWS, PATH_WORDS, .check = CHECK_NOTHING, .late = true},
	{"prlctl_post", OPTION_ROWS, PATH_WORDS, .check = CHECK_NOTHING, .late = true},
	{"prlctl_version_file", OPTION_TEXT},
	{"parallels_tools_flavor", OPTION_TEXT},
	{"parallels_tools_guest_path", OPTION_TEXT, .late = true},
	{"parallels_tools_mode", OPTION_TEXT},
	{"skip_compaction", OPTION_BOOL},
	{"vm_name", OPTION_TEXT},
	{0},
};

const struct plugin_rule rules_parallels[] = {
	{RULE_CHOICE, "parallels_tools_mode", "disable|attach|upload"},
	{RULE_NEEDS, "parallels_tools_flavor", .when = "parallels_tools_mode!=disable"},
	{0},
};
