/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/decode.h"

#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"

/* ---- rendering ---- */

static int render_value(const struct interpolation *context, const struct json *value,
	struct json **result, struct error *err)
{
	CLEANUP(text_clear) struct text rendered = {0};
	struct json *inner;

	switch (json_kind(value)) {
	case JSON_TEXT:
		if (interpolation_render(context, json_text(value, ""), &rendered, err) < 0)
			return -1;
		*result = json_new_text_bytes(text_get(&rendered), rendered.size);
		return 0;
	case JSON_LIST:
		*result = json_new_list();
		for (size_t i = 0; i < json_count(value); i++) {
			if (render_value(context, json_item(value, i), &inner, err) < 0)
				return -1;
			json_add(*result, inner);
		}
		return 0;
	case JSON_OBJECT:
		*result = json_new_object();
		json_each_member (member, value) {
			if (render_value(context, member.value, &inner, err) < 0)
				return -1;
			json_set(*result, member.key, inner);
		}
		return 0;
	default:
		*result = json_copy(value);
		return 0;
	}
}

static int render(const struct interpolation *context, const struct json *value,
	struct json **result, struct error *err)
{
	*result = NULL;
	if (render_value(context, value, result, err) == 0)
		return 0;
	json_free(*result);
	*result = NULL;
	return -1;
}

/* ---- options ---- */

/* The keys that Packer's core takes out before the plugin looks, in exactly this spelling. */
static bool is_core_key(enum plugin_kind kind, const char *key)
{
	static const char *const keys[PLUGIN_KIND_COUNT][8] = {
		[PLUGIN_BUILDER] = {"type", "name"},
		[PLUGIN_PROVISIONER] = {"type", "only", "except", "override", "pause_before",
			"max_retries", "timeout"},
		[PLUGIN_POST_PROCESSOR] = {"type", "name", "only", "except", "keep_input_artifact"},
	};

	for (const char *const *k = keys[kind]; *k; k++)
		if (strcmp(*k, key) == 0)
			return true;
	return false;
}

struct decoder {
	const struct template *template;
	const struct template_part *part;
	const struct plugin *plugin;
	const struct interpolation *context;
	struct json *options;
	struct strings *problems;
};

/* What is wrong with KEY of OBJECT goes to the problems, with its place. */
static void complain(const struct decoder *decoder, const struct json *object, const char *key,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
static void complain(const struct decoder *decoder, const struct json *object, const char *key,
	const char *format, ...)
{
	CLEANUP(text_clear) struct text text = {0};
	char label[128];
	struct error err;
	va_list args;

	va_start(args, format);
	text_addv(&text, format, args);
	va_end(args);
	template_fail(decoder->template, object, key, &err, "%s: %s",
		template_part_label(decoder->part, label), text_get(&text));
	strings_add(decoder->problems, err.text);
}

/* OPTION, which nobody knows, stands in KEY of OBJECT, or is KEY. */
static void complain_unknown(const struct decoder *decoder, const struct json *object,
	const char *key, const char *option, const char *near)
{
	const char *advice = plugin_removed_option(decoder->plugin, option);
	bool nested = key != option;

	if (advice)
		complain(decoder, object, key,
			"the option '%s' is gone from Packer: %s (kiln fix does it)", option,
			advice);
	else
		complain(decoder, object, key, "%s%sunknown option '%s'%s%s%s", nested ? key : "",
			nested ? ": " : "", option, near ? " (did you mean '" : "",
			near ? near : "", near ? "'?)" : "");
}

/* Packer accepts keys of its own ("packer_...") anywhere. */
static bool is_ignored(const char *key)
{
	return text_starts_with(key, "packer_") || strcmp(key, "type") == 0;
}

static const struct plugin_option *find_row(const struct plugin_option *rows, const char *key)
{
	for (const struct plugin_option *row = rows; row->name; row++)
		if (strcmp(row->name, key) == 0)
			return row;
	for (const struct plugin_option *row = rows; row->name; row++)
		if (text_equal_case(row->name, key))
			return row;
	return NULL;
}

static void decode_row(struct decoder *decoder, const struct json *object, const char *key,
	const struct plugin_option *option, const struct json *rendered, struct json **decoded);

/* One block by its rows, in place. OBJECT is where messages point to. */
static void decode_rows(struct decoder *decoder, const struct json *object, const char *key,
	const struct plugin_option *rows, struct json *block)
{
	autojson struct json *given = json_copy(block);

	json_each_member (member, given) {
		const struct plugin_option *row = find_row(rows, member.key);
		struct json *decoded = NULL;
		json_remove(block, member.key);
		if (!row) {
			const char *names[64];
			size_t count = 0;
			for (const struct plugin_option *r = rows; r->name && count < 64; r++)
				names[count++] = r->name;
			complain_unknown(decoder, object, key, member.key,
				nearest_name(member.key, names, count));
			continue;
		}
		decode_row(decoder, object, key, row, member.value, &decoded);
		if (decoded)
			json_set(block, row->name, decoded);
	}
}

/* The members of a list's objects in one; the list itself if it has other items too. */
static struct json *merge(const struct json *list)
{
	autojson struct json *all = json_new_object();

	for (size_t i = 0; i < json_count(list); i++) {
		if (json_kind(json_item(list, i)) != JSON_OBJECT)
			return json_copy(list);
		json_each_member (member, json_item(list, i))
			json_set(all, member.key, json_copy(member.value));
	}
	return TAKE(all);
}

static void decode_row(struct decoder *decoder, const struct json *object, const char *key,
	const struct plugin_option *option, const struct json *rendered, struct json **decoded)
{
	struct error err;

	autojson struct json *merged = NULL;

	*decoded = NULL;
	/* a map of Go's may be given in pieces */
	if (option->type == OPTION_BLOCK && !option->block && json_kind(rendered) == JSON_LIST)
		rendered = merged = merge(rendered);
	if (decode_value(option->type, rendered, decoded, &err) < 0) {
		if (text_equal_case(key, option->name))
			complain(decoder, object, key, "%s: %s", key, err.text);
		else
			complain(decoder, object, key, "%s: %s: %s", key, option->name, err.text);
		return;
	}
	if (option->empty_counts && !*decoded && json_kind(rendered) == JSON_TEXT)
		*decoded = json_new_text("");
	if (!option->block)
		return;
	if (json_kind(*decoded) == JSON_OBJECT)
		decode_rows(decoder, object, key, option->block, *decoded);
	for (size_t i = 0; json_kind(*decoded) == JSON_LIST && i < json_count(*decoded); i++)
		decode_rows(decoder, object, key, option->block, json_item(*decoded, i));
}

static void decode_option(struct decoder *decoder, const struct json *object, const char *key,
	const struct json *value)
{
	const struct plugin_option *option =
		decoder->plugin ? plugin_find_option(decoder->plugin, key) : NULL;
	struct interpolation context = *decoder->context;
	autojson struct json *rendered = NULL;
	struct json *decoded = NULL;
	struct error err;

	if (decoder->plugin && !option) {
		if (!is_ignored(key))
			complain_unknown(decoder, object, key, key,
				plugin_nearest_option(decoder->plugin, key));
		return;
	}
	if (!option || option->late || option->again)
		context.keep_fields = true;
	if (render(&context, value, &rendered, &err) < 0) {
		complain(decoder, object, key, "%s: %s", key, err.text);
		return;
	}
	if (!option) {
		json_set(decoder->options, key, TAKE(rendered));
		return;
	}
	decode_row(decoder, object, key, option, rendered, &decoded);
	struct json *before = json_get(decoder->options, option->name);
	if (decoded && before && option->type == OPTION_TEXT_MAP) {
		json_each_member (member, decoded)
			json_set(before, member.key, json_copy(member.value));
		json_free(decoded);
	} else if (decoded) {
		json_set(decoder->options, option->name, decoded);
	} else if (value) { /* an override with the zero value takes back what the part says */
		json_remove(decoder->options, option->name);
	}
}

static void decode_object(struct decoder *decoder, const struct json *object, bool core_keys)
{
	json_each_member (member, object)
		if (!core_keys || !is_core_key(decoder->part->kind, member.key))
			decode_option(decoder, object, member.key, member.value);
}

static void fill_defaults(struct decoder *decoder)
{
	plugin_each_option(option, decoder->plugin)
	{
		autojson struct json *fallback = NULL;
		struct json *value = NULL;
		struct error err;
		if (!option->fallback || json_has(decoder->options, option->name))
			continue;
		fallback = json_new_text(option->fallback);
		if (decode_value(option->type, fallback, &value, &err) == 0)
			json_set(decoder->options, option->name, value);
	}
}

struct json *decode_part(const struct template *template, const struct template_part *part,
	const struct plugin *plugin, const char *builder, const struct interpolation *context,
	struct strings *problems)
{
	autojson struct json *decoded = json_new_object();
	CLEANUP(strings_clear) struct strings broken = {0};
	struct decoder decoder = {template, part, plugin, context, decoded, problems};
	size_t before = problems->count;

	decode_object(&decoder, part->object, true);
	decode_object(&decoder, json_get(part->override, builder), false);
	if (problems->count > before)
		return NULL;
	if (plugin && plugin->native)
		fill_defaults(&decoder);
	if (plugin && plugin->decide)
		plugin->decide(part->object, decoded);
	if (plugin)
		plugin_check(plugin, decoded, context->get_environment, context->context, &broken);
	strings_each (text, &broken)
		complain(&decoder, part->object ? part->object : template->root, NULL, "%s", text);
	return broken.count ? NULL : TAKE(decoded);
}
