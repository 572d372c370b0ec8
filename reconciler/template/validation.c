/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/validation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/reference.h"
#include "reconciler/template/private_key.h"

enum { KEY_SIZE_MOST = 64 * 1024 };

struct build {
	const struct loaded_template *loaded;
	struct recipe recipe;
	struct strings *problems;
};

/* ---- the files that options name ---- */

static void complain(const struct build *build, const struct reference *reference, const char *path,
	const char *what)
{
	char label[128];

	strings_addf(build->problems, "%s: %s: %s: %s %s", build->loaded->template->source.name,
		template_part_label(reference->part->part, label), reference->option->name, path,
		what);
}

/* ~/ is the home folder, as Packer's packer.ExpandUser has it. */
static char *full_path(const struct build *build, const char *path)
{
	const char *home = getenv("HOME");

	if (path[0] == '~' && (path[1] == '/' || !path[1]) && home)
		return memory_printf("%s%s", home, path + 1);
	return *path == '/' ? memory_copy_text(path)
	                    : memory_printf("%s/%s", build->loaded->working_folder, path);
}

static void check_key(
	const struct build *build, const struct reference *reference, const char *path)
{
	autofree char *bytes = NULL;
	struct error err;
	size_t size;

	if (file_read(AT_FDCWD, path, KEY_SIZE_MOST, &bytes, &size, &err) < 0 ||
		private_key_check(bytes, size, &err) < 0)
		complain(build, reference, reference->value, err.text);
}

static void check_path(const struct build *build, const struct reference *reference)
{
	enum path_check check = reference->option->check;
	autofree char *path = full_path(build, reference->value);
	struct stat about;

	if (check == CHECK_DEFAULT)
		check = reference->option->path == PATH_URL ? CHECK_NOTHING : CHECK_THERE;
	if (check == CHECK_NOTHING || reference->optional || reference->path == PATH_OUTPUT ||
		(reference->path == PATH_PATTERN && path_is_pattern(path)))
		return;
	if (stat(path, &about) < 0)
		complain(build, reference, reference->value,
			errno == ENOENT ? "is not there" : strerror(errno));
	else if (check == CHECK_FILE && S_ISDIR(about.st_mode))
		complain(build, reference, reference->value, "is a folder, not a file");
	else if (check == CHECK_FOLDER && !S_ISDIR(about.st_mode))
		complain(build, reference, reference->value, "is no folder");
	else if (check == CHECK_KEY)
		check_key(build, reference, path);
}

static void check_files(struct build *build)
{
	CLEANUP(references_clear) struct references references = {0};

	references_find(&build->recipe, &references);
	for (size_t i = 0; i < references.count; i++)
		if (references.items[i].kind == REFERENCE_RELATIVE ||
			references.items[i].kind == REFERENCE_OUTSIDE)
			check_path(build, &references.items[i]);
}

/* ---- builds ---- */

static void check_known(void *context, struct recipe_part *part)
{
	const struct build *build = context;
	enum plugin_kind kind = part->part->kind;
	const char *near = plugin_nearest(kind, part->part->type);
	char label[128];

	if (!part->plugin)
		strings_addf(build->problems, "%s: %s: there is no such %s%s%s%s",
			build->loaded->template->source.name,
			template_part_label(part->part, label), plugin_kind_name(kind),
			near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static void validate_build(const struct loaded_template *loaded,
	const struct template_part *builder, struct strings *problems)
{
	struct recipe_context context = loaded_template_context(loaded);
	CLEANUP(reasons_clear) struct reasons reasons = {0};
	struct build build = {.loaded = loaded, .problems = problems};

	recipe_make(&context, builder, &build.recipe, &reasons);
	for (size_t i = 0; i < reasons.count; i++)
		strings_add(problems, reasons.items[i].text);
	recipe_each_part(&build.recipe, check_known, &build);
	check_files(&build);
	recipe_clear(&build.recipe);
}

static bool is_selected(const struct validation_request *request, const char *name)
{
	if (request->only->count && !strings_has(request->only, name))
		return false;
	return !strings_has(request->except, name);
}

static void validate_builds(const struct validation_request *request,
	const struct loaded_template *loaded, struct strings *problems)
{
	struct recipe_context context = loaded_template_context(loaded);

	for (size_t i = 0; i < loaded->template->builders.count; i++) {
		const struct template_part *builder = &loaded->template->builders.items[i];
		autofree char *name = recipe_build_name(&context, builder);
		CLEANUP(strings_clear) struct strings found = {0};
		if (!is_selected(request, name))
			continue;
		validate_build(loaded, builder, &found);
		/* what several builds share is said once */
		strings_each (problem, &found)
			strings_add_once(problems, problem);
	}
}

void template_validate(const struct validation_request *request, struct strings *problems)
{
	CLEANUP(loaded_template_clear) struct loaded_template loaded;
	struct error err;

	if (template_load(&request->template, &loaded, &err) < 0 ||
		(!request->syntax_only && template_solve(&loaded, &err) < 0))
		strings_add(problems, err.text);
	else if (!request->syntax_only)
		validate_builds(request, &loaded, problems);
}
