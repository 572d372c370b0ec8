/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/settings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/strings.h"
#include "base/text.h"

enum { SETTINGS_MOST = 32 };

int settings_fail(struct settings_reader *reader, const char *format, ...)
{
	struct json_place place = json_place_key(&reader->source, reader->object, reader->key);
	CLEANUP(text_clear) struct text message = {0};
	va_list args;

	va_start(args, format);
	text_addv(&message, format, args);
	va_end(args);
	return fail(reader->err, ERROR_CATALOG, "%s:%u:%u: %s: %s", reader->source.name, place.line,
		place.column, reader->key, text_get(&message));
}

char *settings_file_path(const char *file)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");

	if (file[0] == '/')
		return memory_copy_text(file);
	if (!credentials || !*file || strchr(file, '/'))
		return NULL;
	return memory_printf("%s/%s", credentials, file);
}

static int want(struct settings_reader *reader, const struct json *value, enum json_kind kind)
{
	if (json_kind(value) == kind)
		return 0;
	return settings_fail(reader, "must be %s, not %s", json_kind_name(kind),
		json_kind_name(json_kind(value)));
}

static int take_file(struct settings_reader *reader, char **path, const char *file)
{
	free(*path);
	*path = settings_file_path(file);
	if (*path)
		return 0;
	return settings_fail(reader,
		"'%s' must be an absolute path, or the name of a credential that systemd loads "
		"(LoadCredential=)",
		file);
}

static int take_texts(
	struct settings_reader *reader, struct strings *texts, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *text = json_text(json_item(list, i), NULL);
		if (!text)
			return settings_fail(reader, "must be a list of texts");
		strings_add(texts, text);
	}
	return 0;
}

static int take_value(struct settings_reader *reader, const struct setting *row, void *member,
	const struct json *value)
{
	static const enum json_kind kinds[] = {[SETTING_TEXT] = JSON_TEXT,
		[SETTING_FILE] = JSON_TEXT,
		[SETTING_TEXTS] = JSON_LIST,
		[SETTING_DURATION] = JSON_TEXT,
		[SETTING_NUMBER] = JSON_INTEGER,
		[SETTING_BOOLEAN] = JSON_BOOL,
		[SETTING_OBJECT] = JSON_OBJECT,
		[SETTING_LIST] = JSON_LIST,
		[SETTING_OTHER] = JSON_TEXT};

	if (row->type != SETTING_DURATION && want(reader, value, kinds[row->type]) < 0)
		return -1;
	switch (row->type) {
	case SETTING_TEXT:
		free(*(char **)member);
		*(char **)member = memory_copy_text(json_text(value, ""));
		return 0;
	case SETTING_FILE:
		return take_file(reader, member, json_text(value, ""));
	case SETTING_TEXTS:
		return take_texts(reader, member, value);
	case SETTING_DURATION:
		if (duration_parse(json_text(value, ""), member) == 0)
			return 0;
		return settings_fail(reader, "must be a duration: 90s, 15m, 24h or 30d");
	case SETTING_NUMBER:
		*(int64_t *)member = json_integer(value, 0);
		if (*(int64_t *)member >= row->least)
			return 0;
		return settings_fail(reader, "must be at least %lld", (long long)row->least);
	case SETTING_BOOLEAN:
		*(bool *)member = json_boolean(value, false);
		return 0;
	default:
		return 0;
	}
}

static int fail_unknown(struct settings_reader *reader, const struct setting *table)
{
	const char *names[SETTINGS_MOST];
	size_t count = 0;

	for (; count < SETTINGS_MOST && table[count].name; count++)
		names[count] = table[count].name;
	const char *near = nearest_name(reader->key, names, count);
	return settings_fail(reader, "unknown key%s%s%s", near ? " (did you mean " : "",
		near ? near : "", near ? "?)" : "");
}

int settings_read(struct settings_reader *reader, const struct json *object,
	const struct setting *table, void *into)
{
	const struct json *outer = reader->object;
	const char *outer_key = reader->key;

	json_each_member (member, object) {
		const struct setting *row = table;
		reader->object = object;
		reader->key = member.key;
		while (row->name && strcmp(row->name, member.key) != 0)
			row++;
		if (!row->name)
			return fail_unknown(reader, table);
		if (take_value(reader, row, (char *)into + row->offset, member.value) < 0 ||
			(row->read && row->read(reader, into, member.value) < 0))
			return -1;
	}
	reader->object = outer;
	reader->key = outer_key;
	return 0;
}

int settings_read_map(struct settings_reader *reader, const struct json *object,
	const struct setting *table, void *(*new)(void *into, const char *key), void *into)
{
	json_each_member (member, object) {
		reader->object = object;
		reader->key = member.key;
		if (want(reader, member.value, JSON_OBJECT) < 0 ||
			settings_read(reader, member.value, table, new (into, member.key)) < 0)
			return -1;
	}
	return 0;
}
