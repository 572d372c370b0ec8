/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"

enum { VAR_FILE_MOST = 4 * 1024 * 1024 };

/* Var-files are read with the rights of who calls: kilnd may have others. */
static int read_files(struct json *arguments, struct error *err)
{
	const struct json *paths = json_get(arguments, "var-file");
	struct json *files = json_new_list();

	json_set(arguments, "var_files", files);
	for (size_t i = 0; i < json_count(paths); i++) {
		const char *path = json_text(json_item(paths, i), "");
		autofree char *text = NULL;
		struct json *file = json_new_object();
		json_add(files, file);
		if (file_read(AT_FDCWD, path, VAR_FILE_MOST, &text, NULL, err) < 0)
			return -1;
		json_set_text(file, "path", path);
		json_set_text(file, "text", text);
	}
	return 0;
}

int cli_read_variables(struct json *arguments, struct error *err)
{
	const struct json *variables = json_get(arguments, "var");

	for (size_t i = 0; i < json_count(variables); i++)
		if (!strchr(json_text(json_item(variables, i), ""), '='))
			return fail(err, ERROR_CATALOG, "-var %s: it must be NAME=VALUE",
				json_text(json_item(variables, i), ""));
	return read_files(arguments, err);
}
