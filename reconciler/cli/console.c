/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/cli/packer_flags.h"
#include "reconciler/cli/verbs.h"

enum { ROUNDS_MOST = 100 };

struct console {
	struct loaded_template loaded; /* without a template if none was named */
	struct interpolation interpolation;
};

/* Without a template, or with one that cannot be used yet, only what was given is known, and as it was given. */
static void use_given(struct loaded_template *loaded)
{
	variables_clear(&loaded->variables);
	map_each (entry, &loaded->overrides)
		map_set(&loaded->variables.values, entry->key,
			((struct variable_override *)entry->value)->value);
}

static int open_console(struct console *console, struct session *session, struct error *err)
{
	const char *path = json_get_text(session->arguments, "path", NULL);
	struct template_request request = packer_request(session, path);
	struct loaded_template *loaded = &console->loaded;
	struct error ignored;

	*console = (struct console){0};
	if (template_load(&request, loaded, err) < 0)
		return -1;
	if (!path || template_solve(loaded, &ignored) < 0)
		use_given(loaded);
	console->interpolation = (struct interpolation){
		.values = &loaded->variables.values,
		.template_folder = loaded->template_folder,
		.working_folder = loaded->working_folder,
		.live = true,
		.now_usec = moment_now_usec(),
	};
	return 0;
}

/* Until nothing changes: a variable may say what is to be rendered again. Source: Packer 1.6.6 interpolate.Render. */
static int render(
	const struct console *console, const char *line, struct text *out, struct error *err)
{
	CLEANUP(text_clear) struct text next = {0};

	text_add(out, line);
	for (int round = 0; round < ROUNDS_MOST; round++) {
		text_reset(&next);
		if (interpolation_render(&console->interpolation, text_get(out), &next, err) < 0)
			return -1;
		if (strcmp(text_get(&next), text_get(out)) == 0)
			return 0;
		text_reset(out);
		text_add_bytes(out, text_get(&next), next.size);
	}
	return fail(err, ERROR_CATALOG, "it gives something else at every turn");
}

static void add_variables(const struct console *console, struct text *out)
{
	const struct map *values = &console->loaded.variables.values;
	CLEANUP(strings_clear) struct strings names = {0};

	map_each (entry, values)
		strings_add(&names, entry->key);
	strings_sort(&names);
	text_add_char(out, '\n');
	strings_each (name, &names)
		text_addf(out, "%s: %s,\n", name, (const char *)map_find(values, name));
}

static const char help_text[] =
	"What is typed is interpolated as in a template: {{user `name`}}, {{timestamp}}, {{upper "
	"`x`}}.\n"
	"\"variables\" prints all variables and their values, \"exit\" or Control-D ends.";

/* -1: what was typed cannot be rendered; *LAST: it was `exit`. */
static int evaluate(const struct console *console, const char *line, struct text *out, bool *last,
	struct error *err)
{
	if (strcmp(line, "exit") == 0)
		*last = true;
	else if (strcmp(line, "help") == 0)
		text_add(out, help_text);
	else if (strcmp(line, "variables") == 0)
		add_variables(console, out);
	else if (*line)
		return render(console, line, out, err);
	return 0;
}

/* The values of sensitive variables are masked wherever they appear. */
static void mask(const struct console *console, struct text *text)
{
	const struct json *names =
		console->loaded.template ? console->loaded.template->sensitive : NULL;

	for (size_t i = 0; i < json_count(names); i++) {
		const char *value = map_find(
			&console->loaded.variables.values, json_text(json_item(names, i), ""));
		if (!value || !*value)
			continue;
		size_t size;
		autofree char *masked =
			text_replace(text_get(text), text->size, value, "<sensitive>", &size);
		text_reset(text);
		text_add_bytes(text, masked, size);
	}
}

static void print_json(const struct text *answer, const struct error *err)
{
	autojson struct json *line = json_new_object();
	CLEANUP(text_clear) struct text text = {0};

	json_set_text(line, "text", err ? NULL : text_get(answer));
	json_set_text(line, "error", err ? err->text : NULL);
	json_write(line, JSON_LINE, &text);
	puts(text_get(&text));
}

enum manner { TYPED, LISTED, PIPED, AS_JSON };

/* False at the end. ANSWER is what the last line gave. */
static bool run_line(const struct console *console, enum manner manner, struct text *answer)
{
	autofree char *line = NULL;
	size_t room = 0;
	bool last = false;
	struct error err;

	if (manner == TYPED)
		fputs("> ", stdout);
	fflush(stdout);
	ssize_t size = getline(&line, &room, stdin);
	if (size < 0)
		return false;
	char *start = line + strspn(line, " \t\r\n");
	for (char *end = line + size; end > start && strchr(" \t\r\n", end[-1]); end--)
		end[-1] = '\0';
	text_reset(answer);
	bool failed = evaluate(console, start, answer, &last, &err) < 0;
	mask(console, answer);
	if (failed)
		text_reset(answer);
	if (manner == AS_JSON)
		print_json(answer, failed ? &err : NULL);
	else if (failed)
		cli_complain("%s", err.text);
	else if (manner != PIPED && !last)
		puts(text_get(answer));
	return !last || manner == PIPED;
}

/* Of what comes through a pipe Packer prints only the last answer, and exits 0 whatever was asked. */
static void run_lines(const struct console *console, enum manner manner)
{
	CLEANUP(text_clear) struct text answer = {0};

	while (run_line(console, manner, &answer))
		;
	if (manner == PIPED)
		puts(text_get(&answer));
	else if (manner == TYPED)
		putchar('\n');
}

static enum manner manner_of(const struct session *session)
{
	struct stat about;

	if (session->as_json)
		return AS_JSON;
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return TYPED;
	return fstat(STDIN_FILENO, &about) == 0 && S_ISFIFO(about.st_mode) ? PIPED : LISTED;
}

static int run(struct session *session)
{
	struct console console;
	struct error err;
	int code = 1;

	if (open_console(&console, session, &err) < 0) {
		cli_complain("%s", err.text);
	} else {
		run_lines(&console, manner_of(session));
		code = 0;
	}
	loaded_template_clear(&console.loaded);
	return code;
}

static const struct cli_flag flags[] = {
	PACKER_VARIABLE_FLAGS,
	{0},
};

const struct cli_verb cli_console = {
	.name = "console",
	.synopsis = "[-var NAME=VALUE] [-var-file FILE] [FILE]",
	.summary = "try interpolations",
	.details =
		"Each line of standard input is rendered as in a template; `variables` prints "
		"the variables, `exit` ends. Of what comes through a pipe only the last answer is "
		"printed.",
	.words = CLI_LIST,
	.least = 0,
	.most = 1,
	.first = "path",
	.flags = flags,
	.run = run,
};
