/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/load.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"

enum { VAR_FILE_MOST = 4 * 1024 * 1024 };

static void free_override(void *override)
{
	variable_override_free(override);
}

static const char *get_environment(void *context, const char *name)
{
	const char *value = getenv(name);

	(void)context;
	return value ? value : "";
}

static int read_var_files(
	struct loaded_template *loaded, const struct json *paths, struct error *err)
{
	for (size_t i = 0; i < json_count(paths); i++) {
		const char *path = json_text(json_item(paths, i), "");
		autofree char *text = NULL;
		size_t size;
		if (file_read(AT_FDCWD, path, VAR_FILE_MOST, &text, &size, err) < 0 ||
			variables_read_file(path, text, size, &loaded->overrides, err) < 0)
			return fail_while(err, "-var-file");
	}
	return 0;
}

static int read_variables(
	struct loaded_template *loaded, const struct json *variables, struct error *err)
{
	for (size_t i = 0; i < json_count(variables); i++) {
		const char *pair = json_text(json_item(variables, i), "");
		const char *equals = strchr(pair, '=');
		if (!equals)
			return fail(err, ERROR_CATALOG, "-var %s: it must be NAME=VALUE", pair);
		autofree char *name = memory_copy_bytes(pair, equals - pair);
		struct variable_override *override = memory_new(sizeof(*override));
		override->value = memory_copy_text(equals + 1);
		override->origin = memory_copy_text("-var");
		map_set(&loaded->overrides, name, override);
	}
	return 0;
}

static int find_folders(
	struct loaded_template *loaded, const struct template_request *request, struct error *err)
{
	autofree char *here = getcwd(NULL, 0);

	if (!here)
		return fail_errno(err, ERROR_BROKEN, "the current folder");
	if (!request->path) {
		loaded->working_folder = TAKE(here);
		return 0;
	}
	if (strcmp(request->path, "-") == 0) {
		loaded->template_folder = memory_copy_text(here);
	} else {
		autofree char *folder = path_folder(request->path);
		autofree char *joined = *request->path == '/'
		                                ? memory_copy_text(folder)
		                                : memory_printf("%s/%s", here, folder);
		loaded->template_folder = path_clean(joined);
	}
	loaded->working_folder =
		request->own_folder ? memory_copy_text(loaded->template_folder) : TAKE(here);
	return 0;
}

static int read_template(
	const struct template_request *request, struct text *text, struct error *err)
{
	autoclose int fd = -1;

	if (strcmp(request->path, "-") == 0)
		return file_read_fd(STDIN_FILENO, TEMPLATE_SIZE_MOST, text, err);
	fd = open(request->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, ERROR_CATALOG, "%s", request->path);
	if (file_read_fd(fd, TEMPLATE_SIZE_MOST, text, err) < 0)
		return fail_while(err, "%s", request->path);
	return 0;
}

int template_load(
	const struct template_request *request, struct loaded_template *loaded, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};

	*loaded = (struct loaded_template){.overrides = {.free_value = free_override}};
	if (find_folders(loaded, request, err) < 0)
		return -1;
	if (request->path &&
		(read_template(request, &text, err) < 0 ||
			template_parse(strcmp(request->path, "-") == 0 ? "<stdin>" : request->path,
				text_get(&text), text.size, &loaded->template, err) < 0))
		return -1;
	if (read_var_files(loaded, request->var_files, err) < 0)
		return -1;
	return read_variables(loaded, request->variables, err);
}

int template_solve(struct loaded_template *loaded, struct error *err)
{
	struct interpolation interpolation = {
		.template_folder = loaded->template_folder,
		.working_folder = loaded->working_folder,
		.live = true,
		.now_usec = moment_now_usec(),
		.get_environment = get_environment,
	};

	return template_check(loaded->template, err) < 0 ||
	                       variables_solve(loaded->template, &loaded->overrides, &interpolation,
				       &loaded->variables, err) < 0
	               ? -1
	               : 0;
}

struct recipe_context loaded_template_context(const struct loaded_template *loaded)
{
	return (struct recipe_context){
		.template = loaded->template,
		.variables = &loaded->variables,
		.template_folder = loaded->template_folder,
		.working_folder = loaded->working_folder,
		.live = true,
		.now_usec = moment_now_usec(),
		.get_environment = get_environment,
	};
}

void loaded_template_clear(struct loaded_template *loaded)
{
	template_free(loaded->template);
	map_clear(&loaded->overrides);
	variables_clear(&loaded->variables);
	free(loaded->template_folder);
	free(loaded->working_folder);
	*loaded = (struct loaded_template){0};
}
