/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from plugin.c: who only reads a template links no plugin. */
#include "backends/plugin.h"

const char *plugin_kind_name(enum plugin_kind kind)
{
	static const char *const names[PLUGIN_KIND_COUNT] = {
		[PLUGIN_BUILDER] = "builder",
		[PLUGIN_PROVISIONER] = "provisioner",
		[PLUGIN_POST_PROCESSOR] = "post-processor",
	};
	return names[kind];
}

const char *option_type_name(enum option_type type)
{
	static const char *const names[OPTION_TYPE_COUNT] = {
		[OPTION_TEXT] = "text",
		[OPTION_BOOL] = "true or false",
		[OPTION_TRILEAN] = "true or false",
		[OPTION_INTEGER] = "a whole number",
		[OPTION_UNSIGNED] = "a whole number from 0 up",
		[OPTION_DURATION] = "a duration such as 90s or 1h30m",
		[OPTION_TEXTS] = "a list of text",
		[OPTION_INTEGERS] = "a list of whole numbers",
		[OPTION_TEXT_MAP] = "an object of text",
		[OPTION_ROWS] = "a list of lists of text",
		[OPTION_BLOCK] = "an object",
		[OPTION_BLOCKS] = "a list of objects",
		[OPTION_BYTES] = "a list of numbers from 0 to 255",
	};
	return names[type];
}
