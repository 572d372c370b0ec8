/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/cli/packer_flags.h"
#include "reconciler/cli/verbs.h"

/* ---- what a template has, as an object ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of OBJECT, sorted; the caller frees the list, the texts are the object's. */
static const char **sorted_keys(const struct json *object)
{
	const char **keys = memory_new((json_count(object) + 1) * sizeof(*keys));
	size_t count = 0;

	json_each_member (member, object)
		keys[count++] = member.key;
	qsort(keys, count, sizeof(*keys), compare_names);
	return keys;
}

/*
 * Packer hides every default that equals the default of a sensitive variable, not the sensitive ones alone.
 * Source: Packer 1.6.6 packer/core.go, InspectConfig.
 */
static bool is_hidden(const struct template *template, const char *value)
{
	for (size_t i = 0; i < json_count(template->sensitive); i++) {
		const char *name = json_text(json_item(template->sensitive, i), "");
		if (json_has(template->variables, name) &&
			strcmp(json_get_text(template->variables, name, ""), value) == 0)
			return true;
	}
	return false;
}

static struct json *list_variables(const struct template *template)
{
	autofree const char **names = sorted_keys(template->variables);
	struct json *list = json_new_list();

	for (size_t i = 0; i < json_count(template->variables); i++) {
		const struct json *value = json_get(template->variables, names[i]);
		struct json *variable = json_new_object();
		const char *text = json_text(value, "");
		json_set_text(variable, "name", names[i]);
		json_set_text(variable, "default",
			is_hidden(template, text) ? "<sensitive>"
			: value                   ? text
						  : NULL);
		json_set_bool(variable, "required", value == NULL);
		json_add(list, variable);
	}
	return list;
}

static int compare_parts(const void *a, const void *b)
{
	return strcmp((*(const struct template_part *const *)a)->name,
		(*(const struct template_part *const *)b)->name);
}

static struct json *list_builders(const struct template *template)
{
	size_t count = template->builders.count;
	autofree const struct template_part **parts = memory_new((count + 1) * sizeof(*parts));
	struct json *list = json_new_list();

	for (size_t i = 0; i < count; i++)
		parts[i] = &template->builders.items[i];
	qsort(parts, count, sizeof(*parts), compare_parts);
	for (size_t i = 0; i < count; i++) {
		struct json *builder = json_new_object();
		json_set_text(builder, "name", parts[i]->name);
		json_set_text(builder, "type", parts[i]->type);
		json_add(list, builder);
	}
	return list;
}

static struct json *list_types(const struct template_parts *parts)
{
	struct json *list = json_new_list();

	for (size_t i = 0; i < parts->count; i++)
		json_add_text(list, parts->items[i].type);
	return list;
}

static struct json *inspect(const struct template *template)
{
	struct json *found = json_new_object();

	json_set_text(found, "description", template->description);
	json_set(found, "variables", list_variables(template));
	json_set(found, "builders", list_builders(template));
	json_set(found, "provisioners", list_types(&template->provisioners));
	json_set(found, "post_processors", list_types(&template->post_processors));
	return found;
}

/* ---- as Packer prints it ---- */

struct printer {
	bool for_machines;
};

static void add_field(struct text *line, const char *field)
{
	for (; *field; field++) {
		if (*field == ',')
			text_add(line, "%!(PACKER_COMMA)");
		else if (*field == '\n')
			text_add(line, "\\n");
		else if (*field == '\r')
			text_add(line, "\\r");
		else
			text_add_char(line, *field);
	}
}

/* A line for machines: its type and up to three fields, NULL where there is none. */
static void print_record(const struct printer *printer, const char *type, const char *a,
	const char *b, const char *c)
{
	const char *fields[] = {a, b, c};
	CLEANUP(text_clear) struct text line = {0};

	if (!printer->for_machines)
		return;
	for (size_t i = 0; i < 3 && fields[i]; i++) {
		text_add_char(&line, ',');
		add_field(&line, fields[i]);
	}
	printf("%lld,,%s%s\n", (long long)time(NULL), type, text_get(&line));
}

static void say(const struct printer *printer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(const struct printer *printer, const char *format, ...)
{
	CLEANUP(text_clear) struct text text = {0};
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	if (printer->for_machines)
		print_record(printer, "ui", "say", text_get(&text), NULL);
	else
		puts(text_get(&text));
}

static int widest(const struct json *list)
{
	int most = 0;

	for (size_t i = 0; i < json_count(list); i++) {
		int width = (int)strlen(json_get_text(json_item(list, i), "name", ""));
		most = width > most ? width : most;
	}
	return most;
}

static void print_variables(const struct printer *printer, const struct json *variables)
{
	int width = widest(variables);
	bool headed = false;

	if (!json_count(variables)) {
		say(printer, "Variables:\n");
		say(printer, "  <No variables>");
		return;
	}
	for (size_t i = 0; i < json_count(variables); i++) {
		const struct json *variable = json_item(variables, i);
		const char *name = json_get_text(variable, "name", "");
		if (!json_get_boolean(variable, "required", false))
			continue;
		if (!headed)
			say(printer, "Required variables:\n");
		headed = true;
		print_record(printer, "template-variable", name,
			json_get_text(variable, "default", ""), "1");
		say(printer, "  %s", name);
	}
	if (headed)
		say(printer, "%s", "");
	say(printer, "Optional variables and their defaults:\n");
	for (size_t i = 0; i < json_count(variables); i++) {
		const struct json *variable = json_item(variables, i);
		const char *name = json_get_text(variable, "name", "");
		const char *value = json_get_text(variable, "default", "");
		if (json_get_boolean(variable, "required", false))
			continue;
		print_record(printer, "template-variable", name, value, "0");
		say(printer, "  %-*s = %s", width, name, value);
	}
}

static void print_builders(const struct printer *printer, const struct json *builders)
{
	int width = widest(builders);

	say(printer, "Builders:\n");
	if (!json_count(builders))
		say(printer, "  <No builders>");
	for (size_t i = 0; i < json_count(builders); i++) {
		const char *name = json_get_text(json_item(builders, i), "name", "");
		const char *type = json_get_text(json_item(builders, i), "type", "");
		print_record(printer, "template-builder", name, type, NULL);
		if (strcmp(name, type) == 0)
			say(printer, "  %-*s", width, name);
		else
			say(printer, "  %-*s (%s)", width, name, type);
	}
}

static void print_provisioners(const struct printer *printer, const struct json *types)
{
	say(printer, "Provisioners:\n");
	if (!json_count(types))
		say(printer, "  <No provisioners>");
	for (size_t i = 0; i < json_count(types); i++) {
		const char *type = json_text(json_item(types, i), "");
		print_record(printer, "template-provisioner", type, NULL, NULL);
		say(printer, "  %s", type);
	}
}

static void print(const struct printer *printer, const struct json *found)
{
	const char *description = json_get_text(found, "description", "");

	if (*description) {
		say(printer, "Description:\n");
		say(printer, "%s\n", description);
	}
	print_variables(printer, json_get(found, "variables"));
	say(printer, "%s", "");
	print_builders(printer, json_get(found, "builders"));
	say(printer, "%s", "");
	print_provisioners(printer, json_get(found, "provisioners"));
	say(printer, "\nNames of builders that hold variables or functions such as timestamp are "
		     "shown as they are written:\nthey are rendered when a build begins.");
}

static int run(struct session *session)
{
	struct printer printer = {json_get_boolean(session->arguments, "machine-readable", false)};
	struct template_request request =
		packer_request(session, json_get_text(session->arguments, "path", ""));
	CLEANUP(loaded_template_clear) struct loaded_template loaded;
	CLEANUP(text_clear) struct text text = {0};
	struct error err;

	if (template_load(&request, &loaded, &err) < 0) {
		cli_complain("%s", err.text);
		return 1;
	}
	autojson struct json *found = inspect(loaded.template);
	if (session->as_json) {
		json_write(found, JSON_LINE, &text);
		puts(text_get(&text));
	} else {
		print(&printer, found);
	}
	return 0;
}

static const struct cli_flag flags[] = {
	{"machine-readable", NULL, false, "print lines as packer -machine-readable does"},
	PACKER_VARIABLE_FLAGS,
	{0},
};

const struct cli_verb cli_inspect = {
	.name = "inspect",
	.synopsis = "[-machine-readable] [-var NAME=VALUE] [-var-file FILE] FILE",
	.summary = "show the variables, builders and provisioners of a template",
	.details = "Packer's rules only: no git, no store, no policy, no network.",
	.words = CLI_LIST,
	.least = 1,
	.most = 1,
	.first = "path",
	.flags = flags,
	.run = run,
};
