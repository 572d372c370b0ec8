/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Chef InSpec, profiles: inspec.yml, depends. */
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "reconciler/tools/tool.h"

enum { PROFILES_MOST = 64 }; /* that depend on each other */

static void walk_profile(struct tool *tool, const char *path, int depth)
{
	autofree char *file = path_join(path, "inspec.yml");

	if (depth > PROFILES_MOST || tool_look(tool, path) != ENTRY_FOLDER)
		return;
	tool_take(tool, path, NULL);
	autojson struct json *documents = tool_read_yaml(tool, file, NULL);
	const struct json *depends = json_get(json_item(documents, 0), "depends");
	for (size_t i = 0; json_kind(depends) == JSON_LIST && i < json_count(depends); i++) {
		const char *name = json_get_text(json_item(depends, i), "path", "");
		autofree char *beside = *name ? tool_path(path, name) : NULL;
		if (!beside)
			continue;
		if (tool_look(tool, beside) == ENTRY_NONE)
			tool_miss(tool, beside);
		else
			walk_profile(tool, beside, depth + 1);
	}
}

void inspec_add_inputs(struct tool *tool)
{
	const char *name = json_get_text(tool->options, "profile", "");
	autofree char *path = *name && !strstr(name, "://") ? tool_path(tool->folder, name) : NULL;

	if (path)
		walk_profile(tool, path, 0);
}
