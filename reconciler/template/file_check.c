/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/file_check.h"

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
#include "reconciler/template/checksum_file.h"
#include "reconciler/template/private_key.h"

enum { KEY_SIZE_MOST = 64 * 1024, CONTENT_SIZE_MOST = 4 * 1024 * 1024 };

struct checker {
	const struct loaded_template *loaded;
	const struct recipe *recipe;
	struct strings *problems;
};

static void complain(const struct checker *checker, const struct recipe_part *part,
	const struct plugin_option *option, const char *path, const char *what)
{
	char label[128];

	strings_addf(checker->problems, "%s: %s: %s: %s %s", checker->loaded->template->source.name,
		template_part_label(part->part, label), option->name, path, what);
}

/* Packer knows ~/ only where it names keys. Source: Packer 1.6.6 packer-plugin-sdk/pathing. */
static char *full_path(const struct checker *checker, enum path_check check, const char *path)
{
	const char *home = getenv("HOME");

	if (check == CHECK_KEY && path[0] == '~' && (path[1] == '/' || !path[1]) && home)
		return memory_printf("%s%s", home, path + 1);
	return *path == '/' ? memory_copy_text(path)
	                    : memory_printf("%s/%s", checker->loaded->working_folder, path);
}

/* ---- what is in a file ---- */

static int check_key(const struct checker *checker, const struct reference *reference,
	const char *bytes, size_t size, struct error *err)
{
	(void)checker;
	(void)reference;
	return private_key_check(bytes, size, err);
}

static int check_template(const struct checker *checker, const struct reference *reference,
	const char *bytes, size_t size, struct error *err)
{
	struct interpolation interpolation = {
		.template_folder = checker->loaded->template_folder,
		.working_folder = checker->loaded->working_folder,
	};

	(void)reference;
	(void)size;
	return interpolation_find_uses(&interpolation, bytes, NULL, NULL, err);
}

/* Source: golang.org/x/oauth2/google, JWTConfigFromJSON. */
static int check_account(const struct checker *checker, const struct reference *reference,
	const char *bytes, size_t size, struct error *err)
{
	autojson struct json *account = NULL;

	(void)checker;
	(void)reference;
	if (json_parse_bytes(bytes, size, &account, err) < 0)
		return fail(err, ERROR_CATALOG, "is no JSON");
	if (strcmp(json_get_text(account, "type", ""), "service_account") != 0)
		return fail(err, ERROR_CATALOG,
			"is no key of a service account: its \"type\" is not "
			"\"service_account\"");
	return 0;
}

static int check_checksums(const struct checker *checker, const struct reference *reference,
	const char *bytes, size_t size, struct error *err)
{
	const struct json *urls = json_get(reference->options, "iso_urls");
	const char *url = json_get_text(reference->options, "iso_url", "");

	(void)checker;
	if (!*url)
		url = json_text(json_item(urls, 0), "");
	return checksum_file_has(bytes, size, url, err);
}

static void check_content(
	const struct checker *checker, const struct reference *reference, const char *path)
{
	static int (*const checks[CHECK_COUNT])(const struct checker *, const struct reference *,
		const char *, size_t, struct error *) = {
		[CHECK_KEY] = check_key,
		[CHECK_TEMPLATE] = check_template,
		[CHECK_ACCOUNT] = check_account,
		[CHECK_CHECKSUMS] = check_checksums,
	};
	enum path_check check = reference->option->check;
	size_t most = check == CHECK_KEY ? KEY_SIZE_MOST : CONTENT_SIZE_MOST;
	autofree char *bytes = NULL;
	struct error err;
	size_t size;

	if (!checks[check])
		return;
	if (file_read(AT_FDCWD, path, most, &bytes, &size, &err) < 0 ||
		checks[check](checker, reference, bytes, size, &err) < 0)
		complain(checker, reference->part, reference->option, reference->value, err.text);
}

/* ---- a file ---- */

static void check_path(const struct checker *checker, const struct reference *reference)
{
	const struct plugin_option *option = reference->option;
	enum path_check check = option->check;
	autofree char *path = full_path(checker, check, reference->value);
	const char *problem = NULL;
	struct stat about;

	if (check == CHECK_DEFAULT)
		check = option->path == PATH_URL || option->path == PATH_OUTPUT ? CHECK_NOTHING
		                                                                : CHECK_THERE;
	if (check == CHECK_NOTHING || reference->optional ||
		(reference->path == PATH_PATTERN && path_is_pattern(path)) ||
		!plugin_holds(
			reference->part->plugin, reference->part->options, option->check_when))
		return;
	bool there = stat(path, &about) == 0;
	if (check == CHECK_ABSENT)
		problem = there ? "is there already: take it away, or choose another name" : NULL;
	else if (check == CHECK_NO_FOLDER)
		problem = there && S_ISDIR(about.st_mode) ? "is a folder, not a file" : NULL;
	else if (!there)
		problem = errno == ENOENT ? "is not there" : strerror(errno);
	else if (check == CHECK_FILE && S_ISDIR(about.st_mode))
		problem = "is a folder, not a file";
	else if (check == CHECK_FOLDER && !S_ISDIR(about.st_mode))
		problem = "is no folder";
	if (problem)
		complain(checker, reference->part, option, reference->value, problem);
	else if (there)
		check_content(checker, reference, path);
}

/* ---- options that name no file, and yet are looked at ---- */

static void check_default_output(const struct checker *checker, const struct recipe_part *part,
	const struct plugin_option *option)
{
	autofree char *name = memory_printf("output-%s", checker->recipe->build_name);
	struct reference reference = {
		.part = part, .option = option, .options = part->options, .value = name};

	if (option->path == PATH_OUTPUT && !json_has(part->options, option->name))
		check_path(checker, &reference);
}

static void check_account_text(const struct checker *checker, const struct recipe_part *part,
	const struct plugin_option *option)
{
	const char *text = json_get_text(part->options, option->name, "");
	struct error err;

	if (text[strspn(text, " \t\r\n")] == '{' &&
		check_account(checker, NULL, text, strlen(text), &err) < 0)
		complain(checker, part, option, "what it says", err.text);
}

static void check_part(void *context, struct recipe_part *part)
{
	if (!part->plugin || !part->options)
		return;
	plugin_each_option(option, part->plugin)
	{
		if (option->check == CHECK_ABSENT)
			check_default_output(context, part, option);
		if (option->check == CHECK_ACCOUNT)
			check_account_text(context, part, option);
	}
}

void file_check(
	const struct loaded_template *loaded, struct recipe *recipe, struct strings *problems)
{
	CLEANUP(references_clear) struct references references = {0};
	struct checker checker = {loaded, recipe, problems};

	references_find(recipe, &references);
	for (size_t i = 0; i < references.count; i++)
		if (references.items[i].kind == REFERENCE_RELATIVE ||
			references.items[i].kind == REFERENCE_OUTSIDE)
			check_path(&checker, &references.items[i]);
	recipe_each_part(recipe, check_part, &checker);
}
