/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: what Packer demands of a plugin's options together. */
#include "backends/plugin.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/plugin_format.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/text.h"

/* What a rule is asked about: the options, or one block of theirs. */
struct scope {
	const struct plugin *plugin;
	const struct plugin_option *rows; /* of a block; NULL: the plugin's own */
	const struct json *options;
	const char *prefix;        /* "disks item 2: ", or "" */
	const struct scope *outer; /* of a block: where it stands */
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

/* The block that NAME ("x.y") begins with, as a scope; *NAME becomes what follows. A list has no such scope. */
static struct scope enter_block(const struct scope *scope, const char **name)
{
	size_t length = strcspn(*name, ".");
	autofree char *block = memory_copy_bytes(*name, length);
	const struct plugin_option *row = find_row(scope, block);
	static const struct plugin_option nothing[] = {{0}};

	*name += length + 1;
	return (struct scope){.plugin = scope->plugin,
		.rows = row && row->block ? row->block : nothing,
		.options = json_get(scope->options, block)};
}

static void add_value(const struct json *value, const struct plugin_option *row, struct text *room)
{
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
}

/* What the option says, its fallback where it is unset; "" if neither says anything. A list or block that is there: "[]". */
static const char *get_value(const struct scope *scope, const char *name, struct text *room)
{
	const struct plugin_option *row;
	struct scope block;

	text_reset(room);
	if (*name == '^' && scope->outer)
		return get_value(scope->outer, name + 1, room);
	if (strchr(name, '.')) {
		block = enter_block(scope, &name);
		return get_value(&block, name, room);
	}
	row = find_row(scope, name);
	add_value(json_get(scope->options, name), row, room);
	if (!room->size && !json_has(scope->options, name) && row && row->fallback &&
		strcmp(row->fallback, "false") != 0)
		text_add(room, row->fallback);
	return text_get(room);
}

/* TEXT is one of VALUES, which '|' separates. */
static bool is_one_of(const char *text, const char *values, bool fold_case)
{
	size_t size = strlen(text);

	for (const char *at = values;; at++) {
		const char *end = strchrnul(at, '|');
		if ((size_t)(end - at) == size && (fold_case ? strncasecmp(at, text, size) == 0
							     : memcmp(at, text, size) == 0))
			return true;
		if (!*end)
			return false;
		at = end;
	}
}

enum { WORD_SIZE_MOST = 128 };

/* One word of a condition: "x", "!x", "x=a|b", "x!=a". */
static bool holds(const struct scope *scope, const char *word)
{
	CLEANUP(text_clear) struct text room = {0}, name = {0};
	bool negated = *word == '!';
	const char *above, *equals;

	word += negated;
	above = strchr(word, '>');
	if (above) {
		text_add_bytes(&name, word, (size_t)(above - word));
		const char *value = get_value(scope, text_get(&name), &room);
		return (strtoll(value, NULL, 10) > strtoll(above + 1, NULL, 10)) != negated;
	}
	equals = strchr(word, '=');
	if (!equals) {
		return (*get_value(scope, word, &room) != '\0') != negated;
	}
	bool differs = equals > word && equals[-1] == '!';
	text_add_bytes(&name, word, (size_t)(equals - word) - differs);
	return is_one_of(get_value(scope, text_get(&name), &room), equals + 1, false) != differs;
}

static bool all_hold(const struct scope *scope, const char *when)
{
	while (when && *when) {
		char word[WORD_SIZE_MOST];
		size_t size = strcspn(when, " ");
		snprintf(word, sizeof(word), "%.*s", (int)size, when);
		if (!holds(scope, word))
			return false;
		when += size + (when[size] == ' ');
	}
	return true;
}

bool plugin_holds(const struct plugin *plugin, const struct json *options, const char *when)
{
	struct scope scope = {.plugin = plugin, .options = options};

	return all_hold(&scope, when);
}

static bool applies(const struct scope *scope, const struct plugin_rule *rule)
{
	return (!rule->environment || scope->environment) && all_hold(scope, rule->when);
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

	if (is_one_of(value, rule->values, rule->kind == RULE_WORD))
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

static void check_format(const struct scope *scope, const struct plugin_rule *rule,
	const char *name, const char *value)
{
	struct error err;

	if (plugin_format_check(rule->values, value, &err) < 0)
		complain(scope, rule, "%s must %s", name, err.text);
}

static void check_value(const struct scope *scope, const struct plugin_rule *rule, const char *name,
	const char *value)
{
	switch (rule->kind) {
	case RULE_CHOICE:
	case RULE_WORD:
		check_choice(scope, rule, name, value);
		break;
	case RULE_MATCHES:
		check_pattern(scope, rule, name, value);
		break;
	case RULE_IS:
		check_format(scope, rule, name, value);
		break;
	default:
		check_range(scope, rule, name, value);
	}
}

/* What the build itself fills in is not known before. */
static bool is_late(const struct plugin_rule *rule, const char *value)
{
	return rule->kind != RULE_IS && strstr(value, "{{");
}

/* Every text that the option says: itself, or the items of its list, or the values of its object. */
static void check_each(const struct scope *scope, const struct plugin_rule *rule, const char *name)
{
	const struct json *value = json_get(scope->options, name);
	bool join = rule->kind == RULE_IS && plugin_format_joins(rule->values);
	CLEANUP(strings_clear) struct strings texts = {0};
	CLEANUP(text_clear) struct text room = {0};

	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++) {
		add_value(json_item(value, i), NULL, &room);
		if (!join) {
			strings_add(&texts, text_get(&room));
			text_reset(&room);
		}
	}
	if (join)
		strings_add(&texts, text_get(&room));
	json_each_member (member, value)
		strings_add(&texts, json_text(member.value, ""));
	if (json_kind(value) != JSON_LIST && json_kind(value) != JSON_OBJECT &&
		*get_value(scope, name, &room))
		strings_add(&texts, text_get(&room));
	strings_each (text, &texts)
		if (!is_late(rule, text))
			check_value(scope, rule, name, text);
}

static void check_items(const struct scope *scope, const struct plugin_rule *rule, const char *name)
{
	char *end;
	size_t count = json_count(json_get(scope->options, name));
	size_t least = strtoull(rule->values, &end, 10), most = strtoull(end, NULL, 10);

	if (count < least || count > most)
		complain(scope, rule, "%s has %zu to %zu items, not %zu", name, least, most, count);
}

static void check_pair(
	const struct scope *scope, const struct plugin_rule *rule, const struct strings *names)
{
	CLEANUP(text_clear) struct text low = {0}, high = {0};
	long long first, second, most;

	if (names->count != 2)
		return;
	first = strtoll(get_value(scope, names->items[0], &low), NULL, 10);
	second = strtoll(get_value(scope, names->items[1], &high), NULL, 10);
	most = rule->kind == RULE_RATIO ? strtoll(rule->values, NULL, 10) : 1;
	if (rule->kind == RULE_RATIO && second && first / second > most)
		complain(scope, rule, "%s (%lld) is at most %lld times %s (%lld)", names->items[0],
			first, most, names->items[1], second);
	if (rule->kind == RULE_ORDER && first > second)
		complain(scope, rule, "%s (%lld) must be at most %s (%lld)", names->items[0], first,
			names->items[1], second);
}

static void check_rule(const struct scope *scope, const struct plugin_rule *rule)
{
	CLEANUP(strings_clear) struct strings names = {0}, set = {0};
	CLEANUP(text_clear) struct text room = {0};

	if (!applies(scope, rule))
		return;
	strings_split(&names, rule->options, ' ');
	if (rule->kind == RULE_ORDER || rule->kind == RULE_RATIO) {
		check_pair(scope, rule, &names);
		return;
	}
	strings_each (name, &names) {
		if (rule->kind == RULE_ITEMS)
			check_items(scope, rule, name);
		else if (rule->kind >= RULE_CHOICE)
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
		block.outer = scope;
		of_block.options = options;
		check_rule(&block, &of_block);
	}
}

void plugin_check(const struct plugin *plugin, struct json *options,
	plugin_environment *environment, void *context, struct strings *problems)
{
	struct scope scope = {.plugin = plugin,
		.options = options,
		.prefix = "",
		.environment = environment,
		.context = context,
		.problems = problems};
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
