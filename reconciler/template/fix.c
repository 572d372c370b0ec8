/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/fix.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/real.h"
#include "reconciler/template/fix_rule.h"
#include "reconciler/template/template.h"

int fix_fail(const struct fixing *fixing, const struct json *part, const char *key,
	const char *format, ...)
{
	struct json_place place =
		key ? json_place_key(fixing->source, part, key) : json_place(fixing->source, part);
	CLEANUP(text_clear) struct text message = {0};
	va_list args;

	va_start(args, format);
	text_addv(&message, format, args);
	va_end(args);
	return fail(fixing->err, ERROR_CATALOG, "%s:%u:%u: %s", fixing->source->name, place.line,
		place.column, text_get(&message));
}

/* ---- the rules ---- */

static bool is_of_type(const struct fix_rule *rule, const struct json *part)
{
	const char *type = json_get_text(part, "type", NULL);

	if (!rule->types[0])
		return true;
	for (size_t i = 0; type && rule->types[i]; i++) {
		size_t size = strlen(rule->types[i]) - 1;
		if (rule->types[i][size] == '*' ? strncmp(type, rule->types[i], size) == 0
						: strcmp(type, rule->types[i]) == 0)
			return true;
	}
	return false;
}

static void rename_option(const struct fix_rename *rename, struct json *part)
{
	struct json *value = json_get(part, rename->from);
	bool fits = !rename->kinds || rename->kinds & 1u << json_kind(value);
	bool clash = rename->to && rename->clash != FIX_REPLACES && json_has(part, rename->to);

	if (!json_has(part, rename->from) || (!fits && !(clash && rename->clash == FIX_YIELDS)))
		return;
	if (rename->to && !clash)
		json_set(part, rename->to, json_copy(value));
	json_remove(part, rename->from);
}

static int apply_to_part(const struct fix_rule *rule, struct fixing *fixing, struct json *part)
{
	if (!is_of_type(rule, part))
		return 0;
	if (rule->new_type)
		json_set_text(part, "type", rule->new_type);
	for (const struct fix_rename *rename = rule->renames; rename->from; rename++)
		rename_option(rename, part);
	return rule->fix ? rule->fix(fixing, part) : 0;
}

/* What PART, an entry of a list, has of objects: itself, or with INSIDE those of the list that it is. */
static int apply_to_entry(
	const struct fix_rule *rule, struct fixing *fixing, struct json *part, bool inside)
{
	if (json_kind(part) == JSON_OBJECT)
		return apply_to_part(rule, fixing, part);
	if (inside && json_kind(part) == JSON_LIST)
		for (size_t i = 0; i < json_count(part); i++)
			if (apply_to_entry(rule, fixing, json_item(part, i), false) < 0)
				return -1;
	return 0;
}

static int apply(const struct fix_rule *rule, struct fixing *fixing)
{
	static const char *const lists[] = {[FIX_NOWHERE] = "",
		[FIX_BUILDERS] = "builders",
		[FIX_PROVISIONERS] = "provisioners",
		[FIX_POST_PROCESSORS] = "post-processors"};
	struct json *list = json_get(fixing->root, lists[rule->where]);

	for (size_t i = 0; i < json_count(list); i++)
		if (apply_to_entry(rule, fixing, json_item(list, i),
			    rule->where == FIX_POST_PROCESSORS) < 0)
			return -1;
	return rule->whole ? rule->whole(fixing) : 0;
}

int fix_each_post_processor(
	struct fixing *fixing, int (*fix)(struct fixing *fixing, struct json *part))
{
	return apply(&(struct fix_rule){.where = FIX_POST_PROCESSORS, .fix = fix}, fixing);
}

/* ---- the root ---- */

/* Gives the root key NAME its usual spelling: Packer takes any case, but its fixers write the usual one beside it. */
static int spell_root_key(struct fixing *fixing, const char *name)
{
	CLEANUP(strings_clear) struct strings spellings = {0};

	json_each_member (member, fixing->root)
		if (text_equal_case(member.key, name))
			strings_add(&spellings, member.key);
	if (spellings.count > 1)
		return fix_fail(fixing, fixing->root, spellings.items[1],
			"\"%s\" and \"%s\" are the same key: keep one", spellings.items[0],
			spellings.items[1]);
	if (spellings.count && strcmp(spellings.items[0], name) != 0) {
		json_set(fixing->root, name, json_copy(json_get(fixing->root, spellings.items[0])));
		json_remove(fixing->root, spellings.items[0]);
	}
	return 0;
}

static int check_builders(struct fixing *fixing)
{
	struct json *list = json_get(fixing->root, "builders");

	if (!list)
		json_set(fixing->root, "builders", NULL);
	else if (json_kind(list) != JSON_LIST)
		return fix_fail(fixing, fixing->root, "builders", "builders must be a list, not %s",
			json_kind_name(json_kind(list)));
	for (size_t i = 0; i < json_count(list); i++) {
		struct json *builder = json_item(list, i);
		if (json_kind(builder) != JSON_OBJECT)
			return fix_fail(fixing, list, NULL, "builder %zu is %s, not an object",
				i + 1, json_kind_name(json_kind(builder)));
		if (!json_get_text(builder, "type", NULL))
			return fix_fail(fixing, builder, json_has(builder, "type") ? "type" : NULL,
				"builder %zu has no type that is text", i + 1);
	}
	return 0;
}

static int prepare(struct fixing *fixing)
{
	static const char *const names[] = {"builders", "provisioners", "post-processors"};

	if (json_kind(fixing->root) != JSON_OBJECT)
		return fail(fixing->err, ERROR_CATALOG, "%s:1:1: a template is an object, not %s",
			fixing->source->name, json_kind_name(json_kind(fixing->root)));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (spell_root_key(fixing, names[i]) < 0)
			return -1;
	struct json *provisioners = json_get(fixing->root, "provisioners");
	struct json *post_processors = json_get(fixing->root, "post-processors");
	/* one provisioner that is no list becomes a list of one */
	if (provisioners && json_kind(provisioners) != JSON_LIST &&
		(json_kind(provisioners) != JSON_OBJECT || json_count(provisioners))) {
		struct json *list = json_new_list();
		json_add(list, json_copy(provisioners));
		json_set(fixing->root, "provisioners", list);
	}
	if (post_processors && json_kind(post_processors) != JSON_LIST)
		return fix_fail(fixing, fixing->root, "post-processors",
			"post-processors must be a list, not %s",
			json_kind_name(json_kind(post_processors)));
	return check_builders(fixing);
}

/* ---- writing, as Go's encoding/json does, but for < and > which Packer lets stand ---- */

static void write_text(const char *bytes, size_t size, struct text *out)
{
	static const char letters[] = "\"\\\n\r\t";
	static const char escapes[] = "\"\\nrt";
	size_t length;

	text_add_char(out, '"');
	for (const char *at = bytes, *end = bytes + size; at < end; at += length) {
		unsigned rune = text_read_rune(at, end - at, &length);
		const char *letter = rune && rune < 0x80 ? strchr(letters, (int)rune) : NULL;
		if (letter)
			text_addf(out, "\\%c", escapes[letter - letters]);
		else if (rune < 0x20 || rune == '&' || rune == 0x2028 || rune == 0x2029)
			text_addf(out, "\\u%04x", rune);
		else
			text_add_rune(out, rune);
	}
	text_add_char(out, '"');
}

static void write_number(double number, struct text *out)
{
	CLEANUP(text_clear) struct text text = {0};

	real_add(number, -6, 21, &text);
	/* e-07 is e-7 here */
	const char *zero = strstr(text_get(&text), "e-0");
	if (zero)
		text_addf(out, "%.*s%s", (int)(zero + 2 - text.data), text.data, zero + 3);
	else
		text_add(out, text_get(&text));
}

static void new_line(size_t level, struct text *out)
{
	text_addf(out, "\n%*s", (int)level * 2, "");
}

static void write_value(const struct json *value, size_t level, struct text *out);

static void write_object(const struct json *object, size_t level, struct text *out)
{
	CLEANUP(strings_clear) struct strings keys = {0};

	json_each_member (member, object)
		strings_add(&keys, member.key);
	strings_sort(&keys);
	text_add_char(out, '{');
	for (size_t i = 0; i < keys.count; i++) {
		if (i)
			text_add_char(out, ',');
		new_line(level + 1, out);
		write_text(keys.items[i], strlen(keys.items[i]), out);
		text_add(out, ": ");
		write_value(json_get(object, keys.items[i]), level + 1, out);
	}
	if (keys.count)
		new_line(level, out);
	text_add_char(out, '}');
}

static void write_list(const struct json *list, size_t level, struct text *out)
{
	text_add_char(out, '[');
	for (size_t i = 0; i < json_count(list); i++) {
		if (i)
			text_add_char(out, ',');
		new_line(level + 1, out);
		write_value(json_item(list, i), level + 1, out);
	}
	if (json_count(list))
		new_line(level, out);
	text_add_char(out, ']');
}

static void write_value(const struct json *value, size_t level, struct text *out)
{
	switch (json_kind(value)) {
	case JSON_OBJECT:
		write_object(value, level, out);
		break;
	case JSON_LIST:
		write_list(value, level, out);
		break;
	case JSON_TEXT:
		write_text(json_text(value, ""), json_text_size(value), out);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		write_number(json_real(value, 0), out);
		break;
	case JSON_BOOL:
		text_add(out, json_boolean(value, false) ? "true" : "false");
		break;
	default:
		text_add(out, "null");
	}
}

/* ---- the whole ---- */

int fix_template(
	const char *path, const char *bytes, size_t size, struct text *fixed, struct error *err)
{
	struct json_source source = {path, bytes, size};
	autojson struct json *root = NULL;

	if (json_parse(&source, JSON_REPAIR_UTF8 | JSON_LAST_KEY_WINS | JSON_FIRST_VALUE, &root,
		    err) < 0)
		return -1;
	struct fixing fixing = {.source = &source, .root = root, .err = err};
	if (prepare(&fixing) < 0)
		return -1;
	for (const struct fix_rule *rule = fix_rules; rule->name; rule++)
		if (apply(rule, &fixing) < 0)
			return -1;
	write_value(root, 0, fixed);
	text_add_char(fixed, '\n');
	return 0;
}

/* The version that a template asks for is a matter of running it: Packer's fix does not look. */
static char *without_version(const struct text *fixed)
{
	struct json_source source = {"", fixed->data, fixed->size};
	autojson struct json *root = NULL;
	struct error ignored;
	char *copy = memory_copy_bytes(fixed->data, fixed->size);

	if (json_parse(&source, JSON_STRICT, &root, &ignored) < 0)
		return copy;
	json_each_member (member, root) {
		if (!text_equal_case(member.key, "min_packer_version") ||
			json_kind(member.value) != JSON_TEXT)
			continue;
		/* blanks in place of its end, so that all places stay */
		char *value = copy + json_place_value(&source, root, member.key).offset;
		size_t length = strcspn(value, "\n");
		size_t last = length && value[length - 1] == ',' ? length - 1 : length;
		value[1] = '"';
		memset(value + 2, ' ', last - 2);
	}
	return copy;
}

int fix_check(const char *path, const struct text *fixed, struct error *err)
{
	CLEANUP(template_freep) struct template *template = NULL;
	autofree char *name = memory_printf("%s (fixed)", path);
	autofree char *text = without_version(fixed);

	if (template_parse(name, text, fixed->size, &template, err) < 0)
		return -1;
	return template_check(template, err);
}
