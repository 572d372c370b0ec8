/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/definition.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/path.h"
#include "reconciler/schedule.h"
#include "reconciler/validators.h"

enum { NAME_MOST = 100, NAME_KEPT = 91 };

/* ---- names ---- */

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-';
}

bool definition_is_name(const char *name)
{
	size_t size = strlen(name);

	if (!size || size > NAME_MOST || !isalnum((unsigned char)name[0]))
		return false;
	while (*name)
		if (!is_name_byte(*name++))
			return false;
	return true;
}

bool definition_is_channel(const char *name)
{
	if (!islower((unsigned char)*name) || strlen(name) > NAME_MOST)
		return false;
	for (; *name; name++)
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
			*name != '-')
			return false;
	return true;
}

/* Makes a name of any text. One that is too long is cut and gets a piece of its digest, so that it stays apart. */
static char *make_name(const char *text)
{
	struct text name = {0};

	for (; *text && !isalnum((unsigned char)*text); text++)
		;
	for (const char *c = text; *c; c++)
		text_add_char(&name, is_name_byte(*c) ? *c : '-');
	if (!name.size)
		text_add(&name, "image");
	if (name.size > NAME_MOST) {
		struct digest digest;
		char hex[DIGEST_HEX_SIZE];
		digest_of(text, strlen(text), &digest);
		name.size = NAME_KEPT;
		text_addf(&name, "-%.8s", digest_hex(&digest, hex));
	}
	return text_take(&name);
}

char *definition_name_with_build(const char *name, const char *build)
{
	autofree char *both = memory_printf("%s-%s", name, build);

	return make_name(both);
}

char *definition_image_name(const char *template_path, const char *build)
{
	size_t size = strlen(template_path);
	autofree char *stem = memory_copy_bytes(
		template_path, text_ends_with(template_path, ".json") ? size - 5 : size);

	return build ? definition_name_with_build(stem, build) : make_name(stem);
}

/* ---- one image's keys ---- */

struct entry_reader {
	const struct json_source *source;
	struct definition *definition;
	const struct json *object; /* where the key at hand stands */
	const char *key;
};

/* Something is wrong with the key at hand: the image is blocked, the others go on. */
static void problem(struct entry_reader *reader, enum reason_kind kind, const char *what)
{
	struct json_place place = json_place_key(reader->source, reader->object, reader->key);

	reasons_add(&reader->definition->problems, kind, reader->source->name, NULL, NULL,
		"%s:%u:%u: %s: %s", reader->source->name, place.line, place.column, reader->key,
		what);
}

static bool want(struct entry_reader *reader, const struct json *value, enum json_kind kind)
{
	if (json_kind(value) == kind)
		return true;
	autofree char *what = memory_printf(
		"must be %s, not %s", json_kind_name(kind), json_kind_name(json_kind(value)));
	problem(reader, REASON_INVALID, what);
	return false;
}

static void read_text(struct entry_reader *reader, const struct json *value, char **text)
{
	if (want(reader, value, JSON_TEXT)) {
		free(*text);
		*text = memory_copy_text(json_text(value, ""));
	}
}

/* A path inside the repository, made clean. */
static void read_path(struct entry_reader *reader, const struct json *value, char **path)
{
	if (!want(reader, value, JSON_TEXT))
		return;
	char *clean = path_beneath("", json_text(value, ""));
	if (!clean) {
		problem(reader, REASON_OUTSIDE, "the path leads out of the repository");
		return;
	}
	free(*path);
	*path = clean;
}

static bool read_texts(struct entry_reader *reader, const struct json *value, struct strings *texts)
{
	if (!want(reader, value, JSON_LIST))
		return false;
	strings_clear(texts);
	for (size_t i = 0; i < json_count(value); i++) {
		if (json_kind(json_item(value, i)) != JSON_TEXT) {
			problem(reader, REASON_INVALID, "must be a list of text");
			return false;
		}
		strings_add(texts, json_text(json_item(value, i), ""));
	}
	return true;
}

static void read_template(struct entry_reader *reader, const struct json *value)
{
	read_path(reader, value, &reader->definition->template_path);
}

static void read_build(struct entry_reader *reader, const struct json *value)
{
	read_text(reader, value, &reader->definition->build);
}

static void read_directory(struct entry_reader *reader, const struct json *value)
{
	read_path(reader, value, &reader->definition->directory);
}

static void read_variables(struct entry_reader *reader, const struct json *value)
{
	if (!want(reader, value, JSON_OBJECT))
		return;
	json_each_member (member, value) {
		bool secret = json_kind(member.value) == JSON_OBJECT &&
		              json_count(member.value) == 1 &&
		              json_get_text(member.value, "secret", NULL);
		if (json_kind(member.value) != JSON_TEXT && !secret)
			problem(reader, REASON_INVALID,
				"each variable is text or {\"secret\": NAME}");
	}
	json_free(reader->definition->variables);
	reader->definition->variables = json_copy(value);
}

static void read_var_files(struct entry_reader *reader, const struct json *value)
{
	read_texts(reader, value, &reader->definition->var_files);
}

static void read_inputs(struct entry_reader *reader, const struct json *value)
{
	read_texts(reader, value, &reader->definition->inputs);
}

static void read_engine(struct entry_reader *reader, const struct json *value)
{
	static const char *const names[] = {"auto", "native", "packer"};

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(json_text(value, ""), names[i]) == 0) {
			reader->definition->engine = i;
			return;
		}
	}
	problem(reader, REASON_INVALID, "must be native, packer or auto");
}

/* A duration as kiln writes it; 0 and a problem otherwise. */
static int64_t read_duration(struct entry_reader *reader, const struct json *value)
{
	int64_t sec = 0;

	if (duration_parse(json_text(value, ""), &sec) < 0)
		problem(reader, REASON_INVALID, "must be a duration: 90s, 15m, 24h or 30d");
	return sec;
}

static void unknown_key(struct entry_reader *reader, const char *const *known, size_t count)
{
	const char *near = nearest_name(reader->key, known, count);
	autofree char *what = near ? memory_printf("unknown key (did you mean %s?)", near)
	                           : memory_copy_text("unknown key");

	problem(reader, REASON_INVALID, what);
}

static void read_step(struct entry_reader *reader, const struct json *object)
{
	static const char *const known[] = {"index", "open", "max_age", "checkpoint_secrets"};
	struct definition *definition = reader->definition;
	struct step_policy step = {.index = -1, .open = -1};
	struct entry_reader inner = *reader;

	inner.object = object;
	json_each_member (member, object) {
		inner.key = member.key;
		if (strcmp(member.key, "index") == 0)
			step.index = json_integer(member.value, -1);
		else if (strcmp(member.key, "open") == 0 && want(&inner, member.value, JSON_BOOL))
			step.open = json_boolean(member.value, false);
		else if (strcmp(member.key, "max_age") == 0)
			step.max_age_sec = read_duration(&inner, member.value);
		else if (strcmp(member.key, "checkpoint_secrets") == 0 &&
			 want(&inner, member.value, JSON_BOOL))
			step.checkpoint_secrets = json_boolean(member.value, false);
		else if (!strings_has(&(struct strings){(char **)known, 4}, member.key))
			unknown_key(&inner, known, 4);
	}
	if (step.index < 0) {
		problem(reader, REASON_INVALID,
			"each step needs an index: 0 for the first provisioner");
		return;
	}
	definition->steps = memory_resize(
		definition->steps, definition->step_count + 1, sizeof(*definition->steps));
	definition->steps[definition->step_count++] = step;
}

static void read_steps(struct entry_reader *reader, const struct json *value)
{
	if (!want(reader, value, JSON_LIST))
		return;
	reader->definition->step_count = 0;
	for (size_t i = 0; i < json_count(value); i++) {
		if (json_kind(json_item(value, i)) == JSON_OBJECT)
			read_step(reader, json_item(value, i));
		else
			problem(reader, REASON_INVALID, "must be a list of objects");
	}
}

static void read_checkpoints(struct entry_reader *reader, const struct json *value)
{
	static const char *const names[] = {"", "memory", "disk", "off"};

	for (size_t i = 1; i < 4; i++) {
		if (strcmp(json_text(value, ""), names[i]) == 0) {
			reader->definition->checkpoints = i;
			return;
		}
	}
	problem(reader, REASON_INVALID, "must be memory, disk or off");
}

static void read_epoch(struct entry_reader *reader, const struct json *value)
{
	if (!want(reader, value, JSON_INTEGER))
		return;
	reader->definition->source_date_epoch = json_integer(value, 0);
	if (reader->definition->source_date_epoch < 0)
		problem(reader, REASON_INVALID, "must be seconds since 1970, from 0 up");
}

static const char *const gate_names[GATE_COUNT] = {"report", "refuse", "off"};

const char *gate_name(enum gate gate)
{
	return gate_names[gate];
}

static void read_gate(struct entry_reader *reader, const struct json *value)
{
	for (enum gate gate = 0; gate < GATE_COUNT; gate++) {
		if (strcmp(json_text(value, ""), gate_names[gate]) == 0) {
			reader->definition->gate = gate;
			return;
		}
	}
	problem(reader, REASON_INVALID, "must be report, refuse or off");
}

static void read_validate(struct entry_reader *reader, const struct json *value)
{
	struct error err;

	if (!want(reader, value, JSON_LIST))
		return;
	for (size_t i = 0; i < json_count(value); i++) {
		enum reason_kind kind = validator_check(json_item(value, i), &err);
		if (kind != REASON_NONE) {
			autofree char *what = memory_printf("entry %zu: %s", i + 1, err.text);
			problem(reader, kind, what);
		}
	}
	json_free(reader->definition->validate);
	reader->definition->validate = json_copy(value);
}

static void read_publish(struct entry_reader *reader, const struct json *value)
{
	if (read_texts(reader, value, &reader->definition->publish) &&
		!reader->definition->publish.count)
		problem(reader, REASON_INVALID, "must name at least one catalog");
}

static void read_keep(struct entry_reader *reader, const struct json *value)
{
	static const char *const known[] = {"last", "younger_than"};
	struct definition *definition = reader->definition;
	struct entry_reader inner = *reader;

	if (!want(reader, value, JSON_OBJECT))
		return;
	inner.object = value;
	if (json_count(value))
		definition->keep_last = 0;
	definition->keep_younger_sec = 0;
	json_each_member (member, value) {
		inner.key = member.key;
		if (strcmp(member.key, "last") == 0) {
			definition->keep_last = json_integer(member.value, -1);
			if (definition->keep_last < 0)
				problem(&inner, REASON_INVALID, "must be a number from 0 up");
		} else if (strcmp(member.key, "younger_than") == 0) {
			definition->keep_younger_sec = read_duration(&inner, member.value);
		} else {
			unknown_key(&inner, known, 2);
		}
	}
}

static void read_rebuild(struct entry_reader *reader, const struct json *value)
{
	static const char *const known[] = {"every", "at", "calendar", "spread", "when"};
	CLEANUP(schedule_freep) struct schedule *schedule = NULL;
	struct entry_reader inner = *reader;
	struct error err;

	if (!want(reader, value, JSON_OBJECT))
		return;
	inner.object = value;
	json_each_member (member, value) {
		bool is_known = false;
		inner.key = member.key;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			is_known |= strcmp(member.key, known[i]) == 0;
		if (!is_known)
			unknown_key(&inner, known, sizeof(known) / sizeof(*known));
	}
	if (schedule_read(value, &schedule, &inner.key, &err) < 0)
		problem(&inner, REASON_INVALID, err.text);
	json_free(reader->definition->rebuild);
	reader->definition->rebuild = json_copy(value);
}

static void read_channels(struct entry_reader *reader, const struct json *value)
{
	if (!read_texts(reader, value, &reader->definition->channels))
		return;
	strings_each (channel, &reader->definition->channels)
		if (!definition_is_channel(channel) || strcmp(channel, "current") == 0)
			problem(reader, REASON_INVALID,
				"a channel is called [a-z][a-z0-9-]*, and `current` is always "
				"there");
}

static const struct {
	const char *name;
	void (*read)(struct entry_reader *reader, const struct json *value);
	bool merges; /* of defaults and image, key by key */
} keys[] = {
	{"template", read_template, false},
	{"build", read_build, false},
	{"directory", read_directory, false},
	{"variables", read_variables, true},
	{"var_files", read_var_files, false},
	{"inputs", read_inputs, false},
	{"engine", read_engine, false},
	{"steps", read_steps, false},
	{"checkpoints", read_checkpoints, false},
	{"source_date_epoch", read_epoch, false},
	{"gate", read_gate, false},
	{"validate", read_validate, false},
	{"publish", read_publish, false},
	{"keep", read_keep, true},
	{"rebuild", read_rebuild, true},
	{"channels", read_channels, false},
};
enum { KEY_COUNT = sizeof(keys) / sizeof(*keys) };

const char *const definition_keys[] = {"template", "build", "directory", "variables", "var_files",
	"inputs", "engine", "steps", "checkpoints", "source_date_epoch", "gate", "validate",
	"publish", "keep", "rebuild", "channels", NULL};

static size_t key_index(const char *name)
{
	size_t i = 0;

	while (i < KEY_COUNT && strcmp(keys[i].name, name) != 0)
		i++;
	return i;
}

/* The keys of one object, `defaults` or an image. */
static void read_entry(struct entry_reader *reader, const struct json *object)
{
	reader->object = object;
	json_each_member (member, object) {
		size_t index = key_index(member.key);
		reader->key = member.key;
		if (index < KEY_COUNT)
			keys[index].read(reader, member.value);
		else
			unknown_key(reader, definition_keys, KEY_COUNT);
	}
}

/* ---- definitions ---- */

static struct definition *new_definition(
	const char *key, const char *name, const char *template_path)
{
	struct definition *definition = memory_new(sizeof(*definition));

	definition->key = memory_copy_text(key);
	definition->name = memory_copy_text(name);
	definition->template_path = template_path ? memory_copy_text(template_path) : NULL;
	definition->validate = json_new_list();
	definition->keep_last = 3;
	strings_add(&definition->publish, "local");
	return definition;
}

void definition_free(struct definition *definition)
{
	if (!definition)
		return;
	free(definition->key);
	free(definition->name);
	free(definition->template_path);
	free(definition->build);
	free(definition->directory);
	json_free(definition->variables);
	strings_clear(&definition->var_files);
	strings_clear(&definition->inputs);
	free(definition->steps);
	json_free(definition->validate);
	strings_clear(&definition->publish);
	strings_clear(&definition->channels);
	json_free(definition->rebuild);
	reasons_clear(&definition->problems);
	free(definition);
}

void definitions_clear(struct definitions *definitions)
{
	for (size_t i = 0; i < definitions->count; i++)
		definition_free(definitions->items[i]);
	free(definitions->items);
	map_clear(&definitions->by_key);
	*definitions = (struct definitions){0};
}

const struct step_policy *definition_find_step(const struct definition *definition, size_t index)
{
	const struct step_policy *found = NULL;

	for (size_t i = 0; i < definition->step_count; i++)
		if ((size_t)definition->steps[i].index == index)
			found = &definition->steps[i];
	return found;
}

/* DEFAULTS under OBJECT, one level deep; the caller frees. */
static struct json *merge(const struct json *defaults, const struct json *object)
{
	struct json *merged = defaults ? json_copy(defaults) : json_new_object();

	json_each_member (member, object) {
		size_t index = key_index(member.key);
		struct json *before = json_get(merged, member.key);
		if (index < KEY_COUNT && keys[index].merges && json_kind(before) == JSON_OBJECT &&
			json_kind(member.value) == JSON_OBJECT) {
			json_each_member (inner, member.value)
				json_set(before, inner.key, json_copy(inner.value));
		} else {
			json_set(merged, member.key, json_copy(member.value));
		}
	}
	return merged;
}

/* What decides whether a definition changed: its merged keys, in one order whatever the file's. */
static void digest_entry(const struct json *merged, const char *key, struct digest *digest)
{
	CLEANUP(text_clear) struct text text = {0};

	text_addf(&text, "%s\n", key);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!json_has(merged, keys[i].name))
			continue;
		text_addf(&text, "%s ", keys[i].name);
		json_write(json_get(merged, keys[i].name), JSON_LINE, &text);
		text_add_char(&text, '\n');
	}
	digest_of(text_get(&text), text.size, digest);
}

/*
 * Values come from the merged tree, places from the two objects that were written: each is read by itself for its
 * mistakes, then the merged one for what holds.
 */
static struct definition *read_definition(const struct json_source *source, const char *key,
	const char *name, const char *template_path, const struct json *defaults,
	const struct json *object)
{
	struct definition *checked = new_definition(key, name, template_path);
	struct definition *definition = new_definition(key, name, template_path);
	struct entry_reader reader = {.source = source, .definition = checked};
	autojson struct json *merged = merge(defaults, object);

	if (defaults)
		read_entry(&reader, defaults);
	if (object)
		read_entry(&reader, object);
	reader.definition = definition;
	read_entry(&reader, merged);
	reasons_clear(&definition->problems);
	definition->problems = checked->problems;
	checked->problems = (struct reasons){0};
	definition_free(checked);
	digest_entry(merged, key, &definition->digest);
	return definition;
}

static int fail_root(const struct json_source *source, const struct json *root, const char *key,
	const char *what, struct error *err)
{
	struct json_place place = json_place_key(source, root, key);

	return fail(err, ERROR_CATALOG, "%s:%u:%u: %s: %s", source->name, place.line, place.column,
		key, what);
}

/* The parts of kiln.json that no image can do without. */
static int check_root(const struct json_source *source, const struct json *root, struct error *err)
{
	static const char *const known[] = {"images", "defaults"};

	if (json_kind(root) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "%s:1:1: must be an object, not %s", source->name,
			json_kind_name(json_kind(root)));
	json_each_member (member, root) {
		const char *near = nearest_name(member.key, known, 2);
		autofree char *what =
			near ? memory_printf("unknown key (did you mean %s?)", near)
			     : memory_copy_text("unknown key: there are images and defaults");
		if (strcmp(member.key, "images") != 0 && strcmp(member.key, "defaults") != 0)
			return fail_root(source, root, member.key, what, err);
		if (json_kind(member.value) != JSON_OBJECT)
			return fail_root(source, root, member.key, "must be an object", err);
	}
	const struct json *defaults = json_get(root, "defaults");
	if (json_has(defaults, "template") || json_has(defaults, "build"))
		return fail_root(
			source, root, "defaults", "template and build belong to an image", err);
	return 0;
}

static void add_image(const struct json_source *source, const struct json *images, const char *name,
	const struct json *defaults, const struct json *object, struct definitions *definitions)
{
	struct json_place place = json_place_key(source, images, name);
	struct definition *definition = read_definition(source, name, name, NULL, defaults,
		json_kind(object) == JSON_OBJECT ? object : NULL);

	if (!definition_is_name(name)) {
		autofree char *usable = make_name(name);
		reasons_add(&definition->problems, REASON_INVALID, source->name, NULL, NULL,
			"%s:%u:%u: '%s' is no name: letters, digits, '.', '_' and '-', a letter or "
			"digit first, at most %d",
			source->name, place.line, place.column, name, NAME_MOST);
		free(definition->name);
		definition->name = TAKE(usable);
	}
	if (json_kind(object) != JSON_OBJECT)
		reasons_add(&definition->problems, REASON_INVALID, source->name, NULL, NULL,
			"%s:%u:%u: image %s must be an object, not %s", source->name, place.line,
			place.column, name, json_kind_name(json_kind(object)));
	else if (!definition->template_path && !definition->problems.count)
		reasons_add(&definition->problems, REASON_INVALID, source->name, NULL, NULL,
			"%s:%u:%u: image %s names no template", source->name, place.line,
			place.column, name);
	MEMORY_GROW(definitions->items, definitions->count, definitions->room);
	definitions->items[definitions->count++] = definition;
	map_set(&definitions->by_key, definition->key, definition);
}

struct definitions_file {
	struct json_source source; /* its text is owned here */
	struct json *root;
};

int definitions_file_parse(
	const char *bytes, size_t size, struct definitions_file **result, struct error *err)
{
	struct definitions_file *file = memory_new(sizeof(*file));

	file->source = (struct json_source){DEFINITIONS_PATH, memory_copy_bytes(bytes, size), size};
	if (json_parse(&file->source, JSON_COMMENTS, &file->root, err) < 0 ||
		check_root(&file->source, file->root, err) < 0) {
		definitions_file_free(file);
		return -1;
	}
	*result = file;
	return 0;
}

void definitions_file_free(struct definitions_file *file)
{
	if (!file)
		return;
	json_free(file->root);
	free((char *)(uintptr_t)file->source.text);
	free(file);
}

bool definitions_file_lists(const struct definitions_file *file)
{
	return json_has(file->root, "images");
}

void definitions_file_read(const struct definitions_file *file, struct definitions *definitions)
{
	const struct json *images = json_get(file->root, "images");

	json_each_member (member, images)
		add_image(&file->source, images, member.key, json_get(file->root, "defaults"),
			member.value, definitions);
}

struct definition *definition_discover(
	const char *template_path, const struct definitions_file *file)
{
	static const struct json_source none = {DEFINITIONS_PATH, "", 0};
	autofree char *name = definition_image_name(template_path, NULL);

	return read_definition(file ? &file->source : &none, template_path, name, template_path,
		file ? json_get(file->root, "defaults") : NULL, NULL);
}
