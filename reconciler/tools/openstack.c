/* SPDX-License-Identifier: Apache-2.0 */
/* Source: gophercloud/utils openstack/clientconfig: clouds.yaml is looked for in the working folder first. */
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "reconciler/tools/tool.h"

/* The certificates and keys that a cloud names. */
static void take_credentials(struct tool *tool, const char *file)
{
	static const char *const keys[] = {"cacert", "cert", "key"};
	autojson struct json *documents = tool_read_yaml(tool, file, NULL);

	json_each_member (cloud, json_get(json_item(documents, 0), "clouds"))
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			const char *name = json_get_text(cloud.value, keys[i], "");
			autofree char *path = *name ? tool_path(tool->folder, name) : NULL;
			if (path && tool_look(tool, path) == ENTRY_FILE)
				tool_take(tool, path, NULL);
		}
}

void openstack_add_inputs(struct tool *tool)
{
	static const char *const names[] = {"clouds.yaml", "clouds.yml", "clouds-public.yaml",
		"clouds-public.yml", "secure.yaml", "secure.yml"};

	if (!*json_get_text(tool->options, "cloud", ""))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		autofree char *path = path_join(tool->folder, names[i]);
		if (tool_take(tool, path, NULL))
			take_credentials(tool, path);
		else
			tool_miss(tool, path);
	}
}
