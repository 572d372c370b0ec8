/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/tools/jinja.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"

enum { NEAR = 4096 }; /* no name and no argument is longer: a text without an end costs no more */

static const char *find_near(const char *at, const char *what)
{
	return memmem(at, strnlen(at, NEAR), what, strlen(what));
}

bool jinja_is_dynamic(const char *text)
{
	return strstr(text, "{{") || strstr(text, "{%");
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_space(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* The value behind name.key['key'] at AT, which moves behind it; NULL if it is anything else. */
static const struct json *read_name(const char **at, const struct json *known)
{
	const struct json *value = known;
	const char *here = skip_space(*at);

	do {
		const char *start = here += value != known;
		size_t size;
		if (value != known && here[-1] == '[') {
			const char quote[] = {*here, '\0'};
			const char *end =
				*here == '\'' || *here == '"' ? find_near(here + 1, quote) : NULL;
			if (!end || end[1] != ']')
				return NULL;
			start++;
			size = end - start;
			here = end + 2;
		} else {
			while (is_word(*here))
				here++;
			size = here - start;
		}
		autofree char *name = memory_copy_bytes(start, size);
		value = size ? json_get(value, name) : NULL;
	} while (value && (*here == '.' || *here == '['));
	*at = skip_space(here);
	return value;
}

char *jinja_fill(const char *text, const struct json *known)
{
	struct text out = {0};

	while (*text) {
		const char *at = text + 2;
		if (!text_starts_with(text, "{{")) {
			text_add_char(&out, *text++);
			continue;
		}
		const struct json *value = read_name(&at, known);
		if (json_kind(value) == JSON_TEXT && text_starts_with(at, "}}")) {
			text_add(&out, json_text(value, ""));
			text = at + 2;
		} else {
			text_add(&out, "{{");
			text += 2;
		}
	}
	return text_take(&out);
}

bool jinja_mentions(const char *text, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at++)
		if ((at == text || !is_word(at[-1])) && !is_word(at[size]))
			return true;
	return false;
}

void jinja_edges(const char *text, char **folder, char **end)
{
	const char *start = strchr(text, '{'), *slash = start, *behind = text;

	while (start && start[1] != '{' && start[1] != '%')
		start = strchr(start + 1, '{');
	start = slash = start ? start : text + strlen(text);
	while (slash > text && slash[-1] != '/')
		slash--;
	*folder = memory_copy_bytes(text, slash > text ? slash - text - 1 : 0);
	for (const char *at = text; *at; at++)
		if (text_starts_with(at, "}}") || text_starts_with(at, "%}"))
			behind = at + 2;
	const char *last = strrchr(behind, '/');
	*end = memory_copy_text(last ? last + 1 : behind);
}

/* ---- lookups ---- */

/* A literal in quotes at AT, which moves behind it; NULL if none is there. The caller frees. */
static char *read_literal(const char **at)
{
	const char *here = skip_space(*at);
	const char quote[] = {*here, '\0'};

	if (*here != '\'' && *here != '"')
		return NULL;
	const char *end = find_near(here + 1, quote);
	if (!end)
		return NULL;
	*at = end + 1;
	return memory_copy_bytes(here + 1, end - here - 1);
}

/* The end of an argument: ',' or ')' that no bracket and no quote holds. */
static const char *skip_argument(const char *at)
{
	const char *most = at + strnlen(at, NEAR);
	int depth = 0;

	for (; at < most; at++) {
		const char quote[] = {*at, '\0'};
		if (*at == '\'' || *at == '"') {
			const char *end = find_near(at + 1, quote);
			if (!end || end >= most)
				return most;
			at = end;
		} else if (strchr("([{", *at)) {
			depth++;
		} else if (strchr(")]}", *at)) {
			if (depth-- == 0)
				return at;
		} else if (*at == ',' && depth == 0) {
			return at;
		}
	}
	return at;
}

/* "name=" before a value */
static bool is_keyword(const char *at)
{
	at = skip_space(at);
	const char *start = at;
	while (is_word(*at))
		at++;
	return at > start && *skip_space(at) == '=';
}

static void read_call(const char *at, jinja_lookup_visit *visit, void *context)
{
	CLEANUP(strings_clear) struct strings terms = {0};
	autofree char *name = read_literal(&at);
	bool dynamic = false;

	if (!name)
		return;
	for (at = skip_argument(at); *at == ','; at = skip_argument(at)) {
		at++;
		if (is_keyword(at))
			continue;
		const char *end = skip_argument(at);
		char *literal = read_literal(&at);
		if (literal && skip_space(at) == end)
			strings_add_taken(&terms, literal);
		else
			free(literal), dynamic = true;
		at = end;
	}
	visit(context, name, &terms, dynamic);
}

void jinja_each_lookup(const char *text, jinja_lookup_visit *visit, void *context)
{
	static const char *const functions[] = {"lookup", "query", "q"};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		size_t size = strlen(functions[i]);
		for (const char *at = text; (at = strstr(at, functions[i])); at += size) {
			const char *open = skip_space(at + size);
			if ((at == text || !is_word(at[-1])) && *open == '(')
				read_call(open + 1, visit, context);
		}
	}
}

void jinja_list_includes(const char *text, struct strings *names, bool *dynamic)
{
	static const char *const words[] = {"include", "import", "extends", "from"};

	*dynamic = false;
	for (const char *at = text; (at = strstr(at, "{%")); at += 2) {
		const char *here = skip_space(at + 2 + (at[2] == '-' || at[2] == '+'));
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			size_t size = strlen(words[i]);
			if (strncmp(here, words[i], size) != 0 || is_word(here[size]))
				continue;
			const char *value = skip_space(here + size), *end = find_near(value, "%}");
			bool list = *value == '[', found = false;
			value += list;
			for (char *name; (name = read_literal(&value));) {
				found = true;
				strings_add_taken(names, name);
				value = skip_space(value);
				if (!list || *value != ',' || (end && value > end))
					break;
				value++;
			}
			*dynamic |= !found;
			break;
		}
	}
}

/* ---- arguments ---- */

/* The end of a word: white space that no quote and no braces hold. */
static const char *skip_word(const char *at)
{
	int braces = 0;
	char quote = '\0';

	for (; *at && (quote || braces > 0 || !isspace((unsigned char)*at)); at++) {
		if (text_starts_with(at, "{{") || text_starts_with(at, "{%"))
			braces++;
		else if (text_starts_with(at, "}}") || text_starts_with(at, "%}"))
			braces--;
		else if (quote && *at == quote)
			quote = '\0';
		else if (!quote && !braces && (*at == '\'' || *at == '"'))
			quote = *at;
	}
	return at;
}

static char *unquoted(const char *at, size_t size)
{
	if (size >= 2 && (*at == '\'' || *at == '"') && at[size - 1] == *at)
		return memory_copy_bytes(at + 1, size - 2);
	return memory_copy_bytes(at, size);
}

struct json *jinja_split_arguments(const char *text)
{
	struct json *arguments = json_new_object();
	CLEANUP(text_clear) struct text raw = {0};

	for (const char *at = skip_space(text), *end; *at; at = skip_space(end)) {
		const char *name = at;
		end = skip_word(at);
		while (is_word(*name))
			name++;
		if (name > at && *name == '=' && name < end) {
			autofree char *key = memory_copy_bytes(at, name - at);
			autofree char *value = unquoted(name + 1, end - name - 1);
			json_set_text(arguments, key, value);
		} else {
			autofree char *word = unquoted(at, end - at);
			text_addf(&raw, "%s%s", raw.size ? " " : "", word);
		}
	}
	if (raw.size)
		json_set_text(arguments, "_raw_params", text_get(&raw));
	return arguments;
}
