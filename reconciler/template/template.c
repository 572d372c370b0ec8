/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/real.h"
#include "reconciler/template/interpolation.h"

int template_fail(const struct template *template, const struct json *object, const char *key,
	struct error *err, const char *format, ...)
{
	struct json_place place = key && json_has(object, key)
	                                  ? json_place_key(&template->source, object, key)
	                                  : json_place(&template->source, object);
	struct text message = {0};
	va_list args;

	va_start(args, format);
	text_addv(&message, format, args);
	va_end(args);
	error_set(err, ERROR_CATALOG, "%s:%u:%u: %s", template->source.name, place.line,
		place.column, text_get(&message));
	text_clear(&message);
	return -1;
}

const char *template_part_label(const struct template_part *part, char label[static 128])
{
	if (part->kind == PLUGIN_POST_PROCESSOR)
		snprintf(label, 128, "post-processor %zu.%zu (%s)", part->index + 1,
			part->place + 1, part->type);
	else
		snprintf(label, 128, "%s %zu (%s)", plugin_kind_name(part->kind), part->index + 1,
			part->type);
	return label;
}

/* ---- root keys ---- */

static const char *const root_keys[] = {"builders", "provisioners", "post-processors",
	"error-cleanup-provisioner", "variables", "sensitive-variables", "min_packer_version",
	"description", "push", "comments"};
enum { ROOT_KEY_COUNT = sizeof(root_keys) / sizeof(*root_keys) };

/* The known key that KEY spells, upper and lower case being equal; NULL if none. */
static const char *root_key(const char *key)
{
	for (size_t i = 0; i < ROOT_KEY_COUNT; i++)
		if (text_equal_case(root_keys[i], key))
			return root_keys[i];
	return NULL;
}

/* Packer takes one spelling of a key, the exact one if it is there; any other is an unknown key to it. */
static int check_spelling(const struct template *template, const char *key, struct error *err)
{
	json_each_member (member, template->root)
		if (text_equal_case(member.key, key) && strcmp(member.key, key) != 0)
			return template_fail(template, template->root, key, err,
				"\"%s\" and \"%s\" are the same key: keep one", key, member.key);
	return 0;
}

static int check_root_keys(const struct template *template, struct error *err)
{
	json_each_member (member, template->root) {
		if (root_key(member.key)) {
			if (check_spelling(template, member.key, err) < 0)
				return -1;
			continue;
		}
		if (member.key[0] != '_') {
			const char *near = nearest_name(member.key, root_keys, ROOT_KEY_COUNT);
			return template_fail(template, template->root, member.key, err,
				"unknown key \"%s\"%s%s%s", member.key,
				near ? " (did you mean \"" : "", near ? near : "",
				near ? "\"?)" : "");
		}
		if (json_kind(member.value) != JSON_TEXT)
			return template_fail(template, template->root, member.key, err,
				"the comment \"%s\" is %s; it must be text", member.key,
				json_kind_name(json_kind(member.value)));
	}
	return 0;
}

/* The value under a root key in any spelling, the exact one first; *KEY is how it is spelt. */
static struct json *root_value(const struct template *template, const char *name, const char **key)
{
	*key = name;
	if (json_has(template->root, name))
		return json_get(template->root, name);
	json_each_member (member, template->root) {
		if (text_equal_case(member.key, name)) {
			*key = member.key;
			return member.value;
		}
	}
	return NULL;
}

static int get_root(const struct template *template, const char *name, enum json_kind kind,
	struct json **value, struct error *err)
{
	const char *key;

	*value = root_value(template, name, &key);
	if (!*value || json_kind(*value) == kind)
		return 0;
	return template_fail(template, template->root, key, err, "%s must be %s, not %s", key,
		json_kind_name(kind), json_kind_name(json_kind(*value)));
}

/* ---- parts ---- */

static struct template_part *add_part(struct template_parts *parts, struct template_part part)
{
	MEMORY_GROW(parts->items, parts->count, parts->room);
	parts->items[parts->count] = part;
	return &parts->items[parts->count++];
}

/* Core keys are weakly typed in builders and provisioners: a number serves as text. The text is kept in the tree. */
static const char *weak_text(struct json *object, const char *key)
{
	struct json *value = json_get(object, key);
	struct text text = {0};

	if (!value || json_kind(value) == JSON_TEXT)
		return json_text(value, NULL);
	if (json_kind(value) == JSON_LIST || json_kind(value) == JSON_OBJECT)
		return NULL;
	if (json_kind(value) == JSON_BOOL)
		text_add(&text, json_boolean(value, false) ? "1" : "0");
	else
		json_write(value, JSON_LINE, &text);
	json_set_text(object, key, text_get(&text));
	text_clear(&text);
	return json_get_text(object, key, NULL);
}

static int parse_builders(struct template *template, struct error *err)
{
	struct json *list;

	if (get_root(template, "builders", JSON_LIST, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		struct json *object = json_item(list, i);
		struct template_part part = {
			.kind = PLUGIN_BUILDER, .object = object, .index = i, .keep_input = -1};
		if (json_kind(object) != JSON_OBJECT)
			return template_fail(template, list, NULL, err,
				"builder %zu is %s, not an object", i + 1,
				json_kind_name(json_kind(object)));
		part.type = weak_text(object, "type");
		if (!part.type || !*part.type)
			return template_fail(
				template, object, "type", err, "builder %zu has no type", i + 1);
		part.name = weak_text(object, "name");
		if (!part.name || !*part.name)
			part.name = part.type;
		for (size_t other = 0; other < template->builders.count; other++)
			if (strcmp(template->builders.items[other].name, part.name) == 0)
				return template_fail(template, object, "name", err,
					"builder %zu has the name of builder %zu, '%s': give it "
					"another",
					i + 1, other + 1, part.name);
		add_part(&template->builders, part);
	}
	return 0;
}

static int parse_duration(const struct template *template, struct json *object, const char *key,
	int64_t *nsec, struct error *err)
{
	struct json *value = json_get(object, key);

	if (!value)
		return 0;
	if (json_kind(value) == JSON_INTEGER || json_kind(value) == JSON_REAL) {
		*nsec = real_to_integer(json_real(value, 0));
		return 0;
	}
	if (duration_parse_go(json_text(value, "-"), nsec) == 0)
		return 0;
	return template_fail(
		template, object, key, err, "%s must be a duration such as 90s or 1h30m", key);
}

/* In a provisioner one text serves as a list of one; a post-processor is strict. */
static int parse_names(const struct template *template, struct json *object, const char *key,
	bool weak, struct json **names, struct error *err)
{
	struct json *value = json_get(object, key);

	*names = NULL;
	if (!value)
		return 0;
	if (weak && json_kind(value) == JSON_TEXT) {
		struct json *list = json_new_list();
		json_add_text(list, json_text(value, ""));
		json_set(object, key, list);
		value = list;
	}
	if (json_kind(value) != JSON_LIST)
		return template_fail(
			template, object, key, err, "%s must be a list of builder names", key);
	for (size_t i = 0; i < json_count(value); i++)
		if (json_kind(json_item(value, i)) != JSON_TEXT)
			return template_fail(template, object, key, err,
				"%s must be a list of builder names", key);
	*names = value;
	return 0;
}

static int parse_provisioner(struct template *template, struct json *object, struct json *list,
	size_t index, struct template_part *part, struct error *err)
{
	*part = (struct template_part){
		.kind = PLUGIN_PROVISIONER, .object = object, .index = index, .keep_input = -1};
	if (json_kind(object) != JSON_OBJECT)
		return template_fail(template, list, NULL, err,
			"provisioner %zu is %s, not an object", index + 1,
			json_kind_name(json_kind(object)));
	part->type = weak_text(object, "type");
	if (!part->type || !*part->type)
		return template_fail(
			template, object, "type", err, "provisioner %zu has no type", index + 1);
	part->name = part->type;
	if (parse_names(template, object, "only", true, &part->only, err) < 0 ||
		parse_names(template, object, "except", true, &part->except, err) < 0 ||
		parse_duration(template, object, "pause_before", &part->pause_before_nsec, err) <
			0 ||
		parse_duration(template, object, "timeout", &part->timeout_nsec, err) < 0)
		return -1;
	part->max_retries = weak_text(object, "max_retries");
	part->override = json_get(object, "override");
	if (part->override && json_kind(part->override) != JSON_OBJECT)
		return template_fail(template, object, "override", err,
			"override must be an object: builder name to options");
	json_each_member (member, part->override)
		if (json_kind(member.value) != JSON_OBJECT)
			return template_fail(template, part->override, member.key, err,
				"override of '%s' must be an object of options", member.key);
	return 0;
}

static int parse_provisioners(struct template *template, struct error *err)
{
	struct json *list, *cleanup;
	struct template_part part;

	if (get_root(template, "provisioners", JSON_LIST, &list, err) < 0 ||
		get_root(template, "error-cleanup-provisioner", JSON_OBJECT, &cleanup, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		if (parse_provisioner(template, json_item(list, i), list, i, &part, err) < 0)
			return -1;
		add_part(&template->provisioners, part);
	}
	if (cleanup) {
		if (parse_provisioner(template, cleanup, template->root, 0, &part, err) < 0)
			return -1;
		template->cleanup = memory_new(sizeof(part));
		*template->cleanup = part;
	}
	return 0;
}

static int parse_post_processor(struct template *template, struct json *item, struct json *list,
	size_t sequence, size_t place, struct error *err)
{
	struct template_part part = {
		.kind = PLUGIN_POST_PROCESSOR, .index = sequence, .place = place, .keep_input = -1};

	if (json_kind(item) == JSON_TEXT) {
		part.type = part.name = json_text(item, "");
		add_part(&template->post_processors, part);
		return 0;
	}
	if (json_kind(item) != JSON_OBJECT)
		return template_fail(template, list, NULL, err,
			"post-processor %zu.%zu is %s: a name or an object belongs there%s",
			sequence + 1, place + 1, json_kind_name(json_kind(item)),
			json_kind(item) == JSON_LIST ? " (sequences do not nest)" : "");
	part.object = item;
	part.type = json_get_text(item, "type", NULL);
	if (!part.type || !*part.type)
		return template_fail(template, item, "type", err,
			"post-processor %zu.%zu has no type", sequence + 1, place + 1);
	if (json_get(item, "name") && json_kind(json_get(item, "name")) != JSON_TEXT)
		return template_fail(template, item, "name", err, "name must be text");
	part.name = json_get_text(item, "name", part.type);
	if (parse_names(template, item, "only", false, &part.only, err) < 0 ||
		parse_names(template, item, "except", false, &part.except, err) < 0)
		return -1;
	struct json *keep = json_get(item, "keep_input_artifact");
	if (keep && json_kind(keep) != JSON_BOOL)
		return template_fail(template, item, "keep_input_artifact", err,
			"keep_input_artifact must be true or false");
	if (keep)
		part.keep_input = json_boolean(keep, false);
	add_part(&template->post_processors, part);
	return 0;
}

static int parse_post_processors(struct template *template, struct error *err)
{
	struct json *list;

	if (get_root(template, "post-processors", JSON_LIST, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		struct json *item = json_item(list, i);
		if (json_kind(item) != JSON_LIST) {
			if (parse_post_processor(template, item, list, i, 0, err) < 0)
				return -1;
			continue;
		}
		for (size_t j = 0; j < json_count(item); j++)
			if (parse_post_processor(template, json_item(item, j), item, i, j, err) < 0)
				return -1;
	}
	return 0;
}

static int parse_variables(struct template *template, struct error *err)
{
	if (get_root(template, "variables", JSON_OBJECT, &template->variables, err) < 0 ||
		get_root(template, "sensitive-variables", JSON_LIST, &template->sensitive, err) < 0)
		return -1;
	json_each_member (member, template->variables)
		if (member.value && json_kind(member.value) != JSON_TEXT)
			return template_fail(template, template->variables, member.key, err,
				"the variable %s is %s; it must be text, or null where it must be "
				"given",
				member.key, json_kind_name(json_kind(member.value)));
	for (size_t i = 0; i < json_count(template->sensitive); i++)
		if (json_kind(json_item(template->sensitive, i)) != JSON_TEXT)
			return template_fail(template, template->sensitive, NULL, err,
				"sensitive-variables must be a list of names");
	return 0;
}

/* ---- what holds between the parts ---- */

static int check_names(const struct template *template, const struct template_part *part,
	const char *key, const struct json *names, struct error *err)
{
	char label[128];

	for (size_t i = 0; i < json_count(names); i++) {
		const char *name = json_text(json_item(names, i), "");
		size_t b = 0;
		while (b < template->builders.count &&
			strcmp(template->builders.items[b].name, name) != 0)
			b++;
		/* in a post-processor, `except` may also name post-processors */
		if (b == template->builders.count && part->kind == PLUGIN_PROVISIONER)
			return template_fail(template, part->object, key, err,
				"%s: %s names a builder '%s' that does not exist",
				template_part_label(part, label), key, name);
		if (b == template->builders.count && strcmp(key, "only") == 0)
			return template_fail(template, part->object, key, err,
				"%s: only names a builder '%s' that does not exist",
				template_part_label(part, label), name);
	}
	return 0;
}

static int check_selection(
	const struct template *template, const struct template_part *part, struct error *err)
{
	char label[128];

	if (json_count(part->only) && json_count(part->except))
		return template_fail(template, part->object, "except", err,
			"%s: only and except are both given: one decides",
			template_part_label(part, label));
	if (check_names(template, part, "only", part->only, err) < 0 ||
		check_names(template, part, "except", part->except, err) < 0)
		return -1;
	json_each_member (member, part->override) {
		size_t b = 0;
		while (b < template->builders.count &&
			strcmp(template->builders.items[b].name, member.key) != 0)
			b++;
		if (b == template->builders.count)
			return template_fail(template, part->override, member.key, err,
				"%s: override names a builder '%s' that does not exist",
				template_part_label(part, label), member.key);
	}
	return 0;
}

/* ---- min_packer_version: go-version's order, as far as versions are written ---- */

/* Reads "v1.6.6-beta+meta" into three numbers; *EARLIER if there is a pre-release. */
static int parse_version(const char *text, long parts[3], bool *earlier)
{
	memset(parts, 0, 3 * sizeof(*parts));
	*earlier = false;
	text += *text == 'v';
	for (size_t i = 0;; i++) {
		char *end;
		if (!isdigit((unsigned char)*text))
			return -1;
		long number = strtol(text, &end, 10);
		if (i < 3)
			parts[i] = number;
		text = end;
		if (*text != '.')
			break;
		text++;
	}
	*earlier = *text == '-';
	return *text == '\0' || *text == '-' || *text == '+' ? 0 : -1;
}

static int check_version(const struct template *template, struct error *err)
{
	long wanted[3], ours[3];
	bool wanted_earlier, ours_earlier;
	const char *key;

	if (!template->min_version || !*template->min_version)
		return 0;
	root_value(template, "min_packer_version", &key);
	if (parse_version(template->min_version, wanted, &wanted_earlier) < 0)
		return template_fail(template, template->root, key, err,
			"min_packer_version: '%s' is no version", template->min_version);
	parse_version(PACKER_VERSION, ours, &ours_earlier);
	for (size_t i = 0; i < 3; i++) {
		if (wanted[i] < ours[i])
			return 0;
		if (wanted[i] > ours[i])
			return template_fail(template, template->root, key, err,
				"the template wants Packer %s or later; kiln reads templates as "
				"Packer " PACKER_VERSION " does",
				template->min_version);
	}
	return 0;
}

/* ---- the whole ---- */

static int check_root(struct template *template, struct error *err)
{
	struct json *value;

	if (json_kind(template->root) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "%s:1:1: a template is an object, not %s",
			template->source.name, json_kind_name(json_kind(template->root)));
	if (check_root_keys(template, err) < 0 ||
		get_root(template, "description", JSON_TEXT, &value, err) < 0)
		return -1;
	template->description = json_text(value, NULL);
	if (get_root(template, "min_packer_version", JSON_TEXT, &value, err) < 0)
		return -1;
	template->min_version = json_text(value, NULL);
	return 0;
}

static int parse(struct template *template, struct error *err)
{
	if (json_parse(&template->source, JSON_REPAIR_UTF8, &template->root, err) < 0 ||
		check_root(template, err) < 0 || parse_variables(template, err) < 0 ||
		parse_builders(template, err) < 0 || parse_provisioners(template, err) < 0 ||
		parse_post_processors(template, err) < 0)
		return -1;
	return 0;
}

int template_check(const struct template *template, struct error *err)
{
	if (!template->builders.count)
		return template_fail(template, template->root, "builders", err,
			"there is no builder: at least one is needed");
	for (size_t i = 0; i < template->provisioners.count; i++)
		if (check_selection(template, &template->provisioners.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < template->post_processors.count; i++)
		if (check_selection(template, &template->post_processors.items[i], err) < 0)
			return -1;
	return check_version(template, err);
}

int template_parse(const char *path, const char *bytes, size_t size, struct template **result,
	struct error *err)
{
	struct template *template = memory_new(sizeof(*template));

	template->source =
		(struct json_source){memory_copy_text(path), memory_copy_bytes(bytes, size), size};
	if (parse(template, err) < 0) {
		template_free(template);
		return -1;
	}
	*result = template;
	return 0;
}

void template_free(struct template *template)
{
	if (!template)
		return;
	json_free(template->root);
	free(template->builders.items);
	free(template->provisioners.items);
	free(template->post_processors.items);
	free(template->cleanup);
	free((char *)(uintptr_t) template->source.name);
	free((char *)(uintptr_t) template->source.text);
	free(template);
}

/* "builders" in quotes, in any case: a quick no for the JSON files that are no templates. */
static bool mentions_builders(const char *bytes, size_t size)
{
	static const char word[] = "\"builders\"";
	const char *end = bytes + size;

	for (const char *at = bytes; (at = memchr(at, '"', end - at)); at++)
		if ((size_t)(end - at) >= sizeof(word) - 1 &&
			strncasecmp(at, word, sizeof(word) - 1) == 0)
			return true;
	return false;
}

int template_recognise(const char *bytes, size_t size)
{
	struct json_source source = {"", bytes, size};
	struct json *root = NULL;
	struct error ignored;
	bool found = false;

	if (!mentions_builders(bytes, size))
		return 0;
	if (json_parse(&source, JSON_REPAIR_UTF8, &root, &ignored) < 0)
		return -1;
	json_each_member (member, root)
		found |= text_equal_case(member.key, "builders") &&
		         json_kind(member.value) == JSON_LIST;
	json_free(root);
	return found;
}

static bool names(const struct json *list, const char *builder)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text(json_item(list, i), ""), builder) == 0)
			return true;
	return false;
}

bool template_part_runs_in(const struct template_part *part, const char *builder)
{
	if (json_count(part->only))
		return names(part->only, builder);
	return !names(part->except, builder);
}
