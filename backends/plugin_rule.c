/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: what Packer demands of a plugin's options together. */
#include "backends/plugin.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/text.h"

/* What a rule is asked about: the options, or one block of theirs. */
struct scope {
	const struct plugin *plugin;
	const struct plugin_option *rows; /* of a block; NULL: the plugin's own */
	const struct json *options;
	const char *prefix; /* "disks item 2: ", or "" */
	plugin_environment *environment;
	void *context;
	struct strings *problems;
};

static const struct plugin_option *find_row(const struct scope *scope, const char *name)
{
	if (!scope->rows)
		return plugin_find_option(scope->plugin, name);
	for (const struct plugin_option *row = scope->rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/* What the option says, its fallback where it is unset; "" if neither says anything. A list or block that is there: "[]". */
static const char *get_value(const struct scope *scope, const char *name, struct text *room)
{
	const struct json *value = json_get(scope->options, name);
	const struct plugin_option *row = find_row(scope, name);

	text_reset(room);
	switch (json_kind(value)) {
	case JSON_TEXT:
		text_add(room, json_text(value, ""));
		break;
	case JSON_INTEGER:
		if (json_integer(value, 0))
			text_addf(room, "%lld", (long long)json_integer(value, 0));
		break;
	case JSON_BOOL:
		if (json_boolean(value, false) || (row && row->type == OPTION_TRILEAN))
			text_add(room, json_boolean(value, false) ? "true" : "false");
		break;
	case JSON_LIST:
	case JSON_OBJECT:
		if (json_count(value))
			text_add(room, "[]");
		break;
	default:
		break;
	}
	if (!room->size && row && row->fallback && strcmp(row->fallback, "false") != 0)
		text_add(room, row->fallback);
	return text_get(room);
}

/* TEXT is one of VALUES, which '|' separates. */
static bool is_one_of(const char *text, const char *values)
{
	size_t size = strlen(text);

	for (const char *at = values;; at++) {
		const char *end = strchrnul(at, '|');
		if ((size_t)(end - at) == size && memcmp(at, text, size) == 0)
			return true;
		if (!*end)
			return false;
		at = end;
	}
}

/* One word of a condition: "x", "!x", "x=a|b", "x!=a". */
static bool holds(const struct scope *scope, const char *word)
{
	CLEANUP(text_clear) struct text room = {0}, name = {0};
	bool negated = *word == '!';
	const char *equals;

	word += negated;
	equals = strchr(word, '=');
	if (!equals) {
		return (*get_value(scope, word, &room) != '\0') != negated;
	}
	bool differs = equals > word && equals[-1] == '!';
	text_add_bytes(&name, word, (size_t)(equals - word) - differs);
	return is_one_of(get_value(scope, text_get(&name), &room), equals + 1) != differs;
}

static bool applies(const struct scope *scope, const struct plugin_rule *rule)
{
	CLEANUP(strings_clear) struct strings words = {0};

	if (rule->environment && !scope->environment)
		return false;
	if (!rule->when)
		return true;
	strings_split(&words, rule->when, ' ');
	strings_each (word, &words)
		if (!holds(scope, word))
			return false;
	return true;
}

static bool environment_has(const struct scope *scope, const char *names)
{
	CLEANUP(strings_clear) struct strings words = {0};

	if (!names)
		return false;
	strings_split(&words, names, ' ');
	strings_each (word, &words)
		if (*scope->environment(scope->context, word))
			return true;
	return false;
}

static void complain(const struct scope *scope, const struct plugin_rule *rule, const char *format,
	...) __attribute__((format(printf, 3, 4)));
static void complain(
	const struct scope *scope, const struct plugin_rule *rule, const char *format, ...)
{
	CLEANUP(text_clear) struct text text = {0};
	va_list args;

	text_add(&text, scope->prefix);
	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	if (rule->environment)
		text_addf(&text, " (the environment may give it: %s)", rule->environment);
	if (rule->why)
		text_addf(&text, ": %s", rule->why);
	strings_add(scope->problems, text_get(&text));
}

/* ---- how many of them are set ---- */

static void check_count(const struct scope *scope, const struct plugin_rule *rule,
	const struct strings *names, const struct strings *set)
{
	autofree char *all = strings_join(names, ", "), *given = strings_join(set, " and ");

	switch (rule->kind) {
	case RULE_NEEDS:
		strings_each (name, names)
			if (!strings_has(set, name) && !environment_has(scope, rule->environment))
				complain(scope, rule, "%s is needed", name);
		break;
	case RULE_ANY:
	case RULE_ONE:
		if (!set->count && !environment_has(scope, rule->environment))
			complain(scope, rule, "one of %s is needed", all);
		/* fall through */
	case RULE_AT_MOST_ONE:
		if (set->count > 1 && rule->kind != RULE_ANY)
			complain(scope, rule, "%s are given: only one may be", given);
		break;
	case RULE_TOGETHER:
		if (set->count && set->count < names->count)
			complain(scope, rule, "%s: of %s all or none must be given", given, all);
		break;
	default:
		if (set->count)
			complain(scope, rule, "%s cannot be used here", given);
	}
}

/* ---- what they say ---- */

static void check_choice(const struct scope *scope, const struct plugin_rule *rule,
	const char *name, const char *value)
{
	CLEANUP(strings_clear) struct strings choices = {0};

	if (is_one_of(value, rule->values))
		return;
	strings_split(&choices, rule->values, '|');
	autofree char *all = strings_join(&choices, ", ");
	const char *near = nearest_name(value, (const char *const *)choices.items, choices.count);
	complain(scope, rule, "%s is one of %s, not \"%.60s\"%s%s%s", name, all, value,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static void check_pattern(const struct scope *scope, const struct plugin_rule *rule,
	const char *name, const char *value)
{
	regex_t pattern;

	if (regcomp(&pattern, rule->values, REG_EXTENDED | REG_NOSUB) != 0)
		return;
	if (regexec(&pattern, value, 0, NULL, 0) != 0)
		complain(scope, rule, "%s must match %s, and \"%.100s\" does not", name,
			rule->values, value);
	regfree(&pattern);
}

static void check_range(const struct scope *scope, const struct plugin_rule *rule, const char *name,
	const char *value)
{
	const struct plugin_option *row = find_row(scope, name);
	bool text = row && row->type == OPTION_TEXT;
	char *end;
	long long least = strtoll(rule->values, &end, 10), most = strtoll(end, NULL, 10);
	long long number = text ? (long long)strlen(value) : strtoll(value, NULL, 10);

	if (number >= least && number <= most)
		return;
	if (text)
		complain(scope, rule, "%s has %lld to %lld characters, not %lld", name, least, most,
			number);
	else
		complain(scope, rule, "%s is %lld to %lld, not %lld", name, least, most, number);
}

/* Every text that the option says: itself, or the items of its list. */
static void check_each(const struct scope *scope, const struct plugin_rule *rule, const char *name)
{
	void (*check)(const struct scope *, const struct plugin_rule *, const char *,
		const char *) = rule->kind == RULE_CHOICE    ? check_choice
	                        : rule->kind == RULE_MATCHES ? check_pattern
	                                                     : check_range;
	const struct json *value = json_get(scope->options, name);
	CLEANUP(text_clear) struct text room = {0};

	if (json_kind(value) == JSON_LIST) {
		for (size_t i = 0; i < json_count(value); i++)
			check(scope, rule, name, json_text(json_item(value, i), ""));
		return;
	}
	const char *text = get_value(scope, name, &room);
	if (*text)
		check(scope, rule, name, text);
}

static void check_order(
	const struct scope *scope, const struct plugin_rule *rule, const struct strings *names)
{
	CLEANUP(text_clear) struct text low = {0}, high = {0};
	long long first, second;

	if (names->count != 2)
		return;
	first = strtoll(get_value(scope, names->items[0], &low), NULL, 10);
	second = strtoll(get_value(scope, names->items[1], &high), NULL, 10);
	if (first > second || (rule->kind == RULE_BELOW && first == second))
		complain(scope, rule, "%s (%lld) must be %s %s (%lld)", names->items[0], first,
			rule->kind == RULE_BELOW ? "less than" : "at most", names->items[1],
			second);
}

static void check_rule(const struct scope *scope, const struct plugin_rule *rule)
{
	CLEANUP(strings_clear) struct strings names = {0}, set = {0};
	CLEANUP(text_clear) struct text room = {0};

	if (!applies(scope, rule))
		return;
	strings_split(&names, rule->options, ' ');
	if (rule->kind == RULE_ORDER || rule->kind == RULE_BELOW) {
		check_order(scope, rule, &names);
		return;
	}
	strings_each (name, &names) {
		if (rule->kind >= RULE_CHOICE)
			check_each(scope, rule, name);
		else if (*get_value(scope, name, &room))
			strings_add(&set, name);
	}
	if (rule->kind < RULE_CHOICE)
		check_count(scope, rule, &names, &set);
}

/* ---- blocks ---- */

/* "disks.size disks.type" is a rule "size type" of every block in disks. */
static void check_blocks(const struct scope *scope, const struct plugin_rule *rule, size_t length)
{
	autofree char *name = memory_copy_bytes(rule->options, length);
	const struct plugin_option *row = find_row(scope, name);
	const struct json *value = json_get(scope->options, name);
	size_t count = json_kind(value) == JSON_LIST ? json_count(value) : value != NULL;
	CLEANUP(strings_clear) struct strings names = {0}, inner = {0};

	strings_split(&names, rule->options, ' ');
	strings_each (full, &names)
		strings_add(&inner, full + length + 1);
	autofree char *options = strings_join(&inner, " ");
	for (size_t i = 0; i < count; i++) {
		autofree char *prefix = json_kind(value) == JSON_LIST
		                                ? memory_printf("%s item %zu: ", name, i + 1)
		                                : memory_printf("%s: ", name);
		struct scope block = *scope;
		struct plugin_rule of_block = *rule;
		block.rows = row ? row->block : NULL;
		block.options = json_kind(value) == JSON_LIST ? json_item(value, i) : value;
		block.prefix = prefix;
		of_block.options = options;
		check_rule(&block, &of_block);
	}
}

void plugin_check(const struct plugin *plugin, struct json *options,
	plugin_environment *environment, void *context, struct strings *problems)
{
	struct scope scope = {plugin, NULL, options, "", environment, context, problems};
	struct error err;

	if (plugin->check && plugin->check(options, &err) < 0)
		strings_add(problems, err.text);
	for (const struct plugin_rule *const *group = plugin->rules; group && *group; group++)
		for (const struct plugin_rule *rule = *group; rule->kind; rule++) {
			size_t length = strcspn(rule->options, ". ");
			if (rule->options[length] == '.')
				check_blocks(&scope, rule, length);
			else
				check_rule(&scope, rule);
		}
}
