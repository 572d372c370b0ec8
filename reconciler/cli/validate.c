/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include "base/cleanup.h"
#include "reconciler/cli/packer_flags.h"
#include "reconciler/cli/verbs.h"
#include "reconciler/template/validation.h"

static struct json *as_json(const char *path, const struct strings *problems)
{
	struct json *file = json_new_object(), *list = json_new_list();

	json_set_text(file, "path", path);
	json_set_bool(file, "valid", problems->count == 0);
	strings_each (problem, problems)
		json_add_text(list, problem);
	json_set(file, "problems", list);
	return file;
}

static int run(struct session *session)
{
	const struct json *paths = json_get(session->arguments, "words");
	CLEANUP(strings_clear) struct strings only = {0}, except = {0};
	struct validation_request request = {.only = &only, .except = &except};
	autojson struct json *answer = json_new_object();
	struct json *files = json_new_list();
	int code = 0;

	json_set(answer, "templates", files);
	packer_add_names(session, "only", &only);
	packer_add_names(session, "except", &except);
	request.syntax_only = json_get_boolean(session->arguments, "syntax-only", false);
	for (size_t i = 0; i < json_count(paths); i++) {
		const char *path = json_text(json_item(paths, i), "");
		CLEANUP(strings_clear) struct strings problems = {0};
		request.template = packer_request(session, path);
		template_validate(&request, &problems);
		if (problems.count)
			code = 1;
		if (session->as_json) {
			json_add(files, as_json(path, &problems));
			continue;
		}
		strings_each (problem, &problems)
			cli_complain("%s", problem);
	}
	if (session->as_json) {
		CLEANUP(text_clear) struct text text = {0};
		json_write(answer, JSON_LINE, &text);
		puts(text_get(&text));
	}
	return code;
}

static const struct cli_flag flags[] = {
	{"syntax-only", NULL, false, "check that it is a template, and nothing behind that"},
	{"only", "BUILDS", true, "only these builds, separated by commas"},
	{"except", "BUILDS", true, "all builds but these"},
	PACKER_VARIABLE_FLAGS,
	{"own-folder", NULL, false,
		"relative paths count from each template's folder, not from the current one"},
	{0},
};

const struct cli_verb cli_validate = {
	.name = "validate",
	.synopsis = "[-syntax-only] [-only BUILDS] [-except BUILDS] [-var NAME=VALUE] "
		    "[-var-file FILE] [--own-folder] FILE...",
	.summary = "check templates as packer validate does",
	.details = "Packer's rules only: no git, no store, no policy, no network. Every mistake is "
		   "told with its place; exit 1 if there is one.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1 << 20,
	.flags = flags,
	.run = run,
};
