/* SPDX-License-Identifier: Apache-2.0 */
/* Every plugin and option that options.json of the corpus lists (KILN_CORPUS is its folder) is in the tables. */
#include <fcntl.h>
#include <stdlib.h>

#include "backends/plugin.h"
#include "base/files.h"
#include "base/memory.h"
#include "tests/unit/check.h"

enum { SIZE_MOST = 16 * 1024 * 1024 };

static const struct plugin *find(const char *path)
{
	for (enum plugin_kind kind = 0; kind < PLUGIN_KIND_COUNT; kind++) {
		const char *name = plugin_kind_name(kind);
		if (text_starts_with(path, name) && path[strlen(name)] == '/')
			return plugin_find(kind, path + strlen(name) + 1);
	}
	return NULL;
}

static void check_plugin(const char *path, const struct json *options)
{
	const struct plugin *plugin = find(path);
	size_t missing = 0;

	if (!CHECK(plugin, "%s is known", path))
		return;
	json_each_member (option, options)
		if (!plugin_find_option(plugin, option.key)) {
			printf("# %s: %s is in no table\n", path, option.key);
			missing++;
		}
	CHECK_NUMBER(missing, 0, "with all of its %zu options", json_count(options));
}

int main(void)
{
	const char *corpus = getenv("KILN_CORPUS");
	autofree char *path = memory_printf("%s/options.json", corpus ? corpus : ".");
	autofree char *text = NULL;
	autojson struct json *root = NULL;
	struct error err;
	size_t size;

	if (!corpus) {
		CHECK(true, "options # SKIP KILN_CORPUS names no folder with options.json");
		return check_done();
	}
	if (CHECK(file_read(AT_FDCWD, path, SIZE_MOST, &text, &size, &err) == 0 &&
			    json_parse_bytes(text, size, &root, &err) == 0,
		    "%s is read", path))
		json_each_member (plugin, root)
			check_plugin(plugin.key, plugin.value);
	return check_done();
}
