/* SPDX-License-Identifier: Apache-2.0 */
/* Source: hclsyntax/spec.md of HCL 2; Packer 1.6.6 hcl2template/functions.go. */
#include "reconciler/template/hcl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { DEPTH_MOST = 200, WORDS_MOST = 3 };

void hcl_scan_clear(struct hcl_scan *scan)
{
	for (size_t i = 0; i < scan->part_count; i++)
		free(scan->parts[i].type);
	for (size_t i = 0; i < scan->file_count; i++)
		free(scan->files[i].path);
	free(scan->parts);
	free(scan->files);
	strings_clear(&scan->environment);
	strings_clear(&scan->powers);
}

bool hcl_is_file(const char *path)
{
	return text_ends_with(path, ".pkr.hcl") || text_ends_with(path, ".pkr.json");
}

/* ---- what is found ---- */

static const struct {
	const char *word;
	enum plugin_kind kind;
} part_words[] = {{"source", PLUGIN_BUILDER}, {"provisioner", PLUGIN_PROVISIONER},
	{"error-cleanup-provisioner", PLUGIN_PROVISIONER},
	{"post-processor", PLUGIN_POST_PROCESSOR}};

static const struct {
	const char *name;
	enum option_path kind;
} functions[] = {{"file", PATH_FILE}, {"filebase64", PATH_FILE}, {"fileexists", PATH_FILE},
	{"templatefile", PATH_FILE}, {"fileset", PATH_FOLDER}};

/* The plugin of a block `KIND "TYPE"`, or of "TYPE.NAME" as builds name sources; NULL where it is none that is known. */
static const struct plugin *add_part(struct hcl_scan *scan, const char *word, const char *label)
{
	for (size_t i = 0; i < sizeof(part_words) / sizeof(*part_words); i++) {
		if (strcmp(word, part_words[i].word) != 0)
			continue;
		char *type = memory_copy_bytes(label, strcspn(label, "."));
		MEMORY_GROW(scan->parts, scan->part_count, scan->part_room);
		scan->parts[scan->part_count++] = (struct hcl_part){
			part_words[i].kind, type, plugin_find(part_words[i].kind, type)};
		return scan->parts[scan->part_count - 1].plugin;
	}
	return NULL;
}

static void add_file(
	struct hcl_scan *scan, const char *path, bool of_template, enum option_path kind)
{
	MEMORY_GROW(scan->files, scan->file_count, scan->file_room);
	scan->files[scan->file_count++] =
		(struct hcl_file){memory_copy_text(path), of_template, kind};
}

static void add_option(struct hcl_scan *scan, const struct plugin *plugin, const char *name)
{
	const struct plugin_option *option = plugin_find_option(plugin, name);

	if (option && option->power != POWER_NONE)
		strings_add_once(&scan->powers, power_name(option->power));
}

/* A literal text as the value of an option. */
static void add_value(struct hcl_scan *scan, const struct plugin *plugin, const char *name,
	const char *text, bool of_template)
{
	const struct plugin_option *option = plugin_find_option(plugin, name);

	if (!option || option->path == PATH_NONE || option->path == PATH_OUTPUT ||
		option->path == PATH_WORDS || option->path == PATH_KEYS || !*text ||
		strstr(text, "{{") || strstr(text, "://"))
		return;
	add_file(scan, text, of_template, option->path == PATH_URL ? PATH_FILE : option->path);
}

/* ---- reading words ---- */

struct frame {
	char kind; /* '{' a block, 'o' an object, '[' a list, '(' a call */
	const struct plugin *plugin;
	char *words
		[WORDS_MOST]; /* of the statement at hand: a block's kind and labels, or an attribute */
	size_t word_count;
	bool value;    /* behind '=' */
	size_t values; /* of a call: arguments that began */
	char *function;
};

struct scanner {
	const char *name, *text, *at, *end;
	struct hcl_scan *scan;
	size_t depth;
	struct error *err;
};

static int broken(struct scanner *scanner, const char *at, const char *what)
{
	size_t line = 1;

	for (const char *byte = scanner->text; byte < at; byte++)
		line += *byte == '\n';
	return fail(scanner->err, ERROR_CATALOG, "%s:%zu: %s", scanner->name, line, what);
}

static void forget_statement(struct frame *frame)
{
	while (frame->word_count)
		free(frame->words[--frame->word_count]);
	frame->value = false;
}

static void clear_frame(struct frame *frame)
{
	forget_statement(frame);
	free(frame->function);
}

static bool begins(const struct scanner *scanner, const char *text)
{
	size_t size = strlen(text);

	return (size_t)(scanner->end - scanner->at) >= size && memcmp(scanner->at, text, size) == 0;
}

static int scan_words(struct scanner *scanner, bool inside);

/* "${" or "%{" is at hand: what stands in it, up to its '}'. */
static int scan_interpolation(struct scanner *scanner)
{
	const char *start = scanner->at;

	if (++scanner->depth > DEPTH_MOST)
		return broken(scanner, start, "interpolations are nested too deeply");
	scanner->at += 2;
	int result = scan_words(scanner, true);
	scanner->depth--;
	return result;
}

/* Interpolations of what is text up to END. */
static int scan_text(struct scanner *scanner, const char *end)
{
	const char *outer = scanner->end;

	scanner->end = end;
	while (scanner->at < end) {
		if (begins(scanner, "$${") || begins(scanner, "%%{"))
			scanner->at += 3;
		else if (!begins(scanner, "${") && !begins(scanner, "%{"))
			scanner->at++;
		else if (scan_interpolation(scanner) < 0)
			return -1;
	}
	scanner->end = outer;
	return 0;
}

/* `${path.root}` at the beginning of a path. */
static bool skip_root(struct scanner *scanner)
{
	const char *saved = scanner->at;

	scanner->at += 2;
	while (scanner->at < scanner->end && *scanner->at == ' ')
		scanner->at++;
	if (begins(scanner, "path.root")) {
		scanner->at += strlen("path.root");
		while (scanner->at < scanner->end && *scanner->at == ' ')
			scanner->at++;
		if (begins(scanner, "}")) {
			scanner->at++;
			return true;
		}
	}
	scanner->at = saved;
	return false;
}

static void unescape(struct scanner *scanner, struct text *text)
{
	char c = scanner->at[1];

	scanner->at += 2;
	if ((c == 'u' || c == 'U') && scanner->end - scanner->at >= (c == 'u' ? 4 : 8)) {
		char digits[9] = {0};
		memcpy(digits, scanner->at, c == 'u' ? 4 : 8);
		text_add_rune(text, (unsigned)strtoul(digits, NULL, 16));
		scanner->at += strlen(digits);
	} else {
		text_add_char(text, c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
	}
}

/* A quoted string is at hand. *LITERAL: its text is known; *ROOTED: it began with ${path.root}/. */
static int scan_string(struct scanner *scanner, struct text *text, bool *literal, bool *rooted)
{
	const char *start = scanner->at++;

	*literal = true;
	*rooted = false;
	while (scanner->at < scanner->end && *scanner->at != '"' && *scanner->at != '\n') {
		if (begins(scanner, "$${") || begins(scanner, "%%{")) {
			text_add_bytes(text, scanner->at + 1, 2);
			scanner->at += 3;
		} else if (scanner->at == start + 1 && begins(scanner, "${") &&
			   skip_root(scanner)) {
			*rooted = true;
		} else if (begins(scanner, "${") || begins(scanner, "%{")) {
			*literal = false;
			if (scan_interpolation(scanner) < 0)
				return -1;
		} else if (*scanner->at == '\\' && scanner->end - scanner->at > 1) {
			unescape(scanner, text);
		} else {
			text_add_char(text, *scanner->at++);
		}
	}
	if (!begins(scanner, "\""))
		return broken(scanner, start, "a string that does not end");
	scanner->at++;
	return 0;
}

/* "<<" is at hand. */
static int scan_heredoc(struct scanner *scanner)
{
	const char *start = scanner->at;

	scanner->at += 2;
	if (begins(scanner, "-"))
		scanner->at++;
	const char *newline = memchr(scanner->at, '\n', scanner->end - scanner->at);
	if (!newline)
		return broken(scanner, start, "a heredoc that does not end");
	autofree char *mark = memory_copy_bytes(scanner->at, newline - scanner->at);
	mark[strcspn(mark, " \t\r")] = '\0';
	for (const char *line = newline + 1; line < scanner->end;) {
		const char *end = memchr(line, '\n', scanner->end - line);
		const char *word = line + strspn(line, " \t");
		end = end ? end : scanner->end;
		size_t size = strlen(mark);
		if ((size_t)(end - word) >= size && memcmp(word, mark, size) == 0 &&
			word + size + strspn(word + size, " \t\r") >= end) {
			scanner->at = newline + 1;
			if (scan_text(scanner, line) < 0)
				return -1;
			scanner->at = end;
			return 0;
		}
		line = end + 1;
	}
	return broken(scanner, start, "a heredoc that does not end");
}

static int skip_comment(struct scanner *scanner)
{
	const char *start = scanner->at;

	if (begins(scanner, "/*")) {
		const char *end = memmem(start + 2, scanner->end - start - 2, "*/", 2);
		if (!end)
			return broken(scanner, start, "a comment that does not end");
		scanner->at = end + 2;
		return 0;
	}
	while (scanner->at < scanner->end && *scanner->at != '\n')
		scanner->at++;
	return 0;
}

/* ---- statements ---- */

struct frames {
	struct frame *items;
	size_t count, room;
};

static struct frame *top(struct frames *frames)
{
	return &frames->items[frames->count - 1];
}

static void push(struct frames *frames, char kind, const struct plugin *plugin)
{
	MEMORY_GROW(frames->items, frames->count, frames->room);
	frames->items[frames->count++] = (struct frame){.kind = kind, .plugin = plugin};
}

static void clear_frames(struct frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		clear_frame(&frames->items[i]);
	free(frames->items);
}

/* A word or a label of a statement, or something in a value. */
static void take_word(struct frame *frame, const char *word)
{
	if (frame->kind == '{' && !frame->value && frame->word_count < WORDS_MOST)
		frame->words[frame->word_count++] = memory_copy_text(word);
}

/* The statement whose value this is: of the innermost block, with nothing but lists between. */
static struct frame *find_attribute(struct frames *frames)
{
	for (size_t i = frames->count; i--;) {
		struct frame *frame = &frames->items[i];
		if (frame->kind == '{')
			return frame->value && frame->plugin ? frame : NULL;
		if (frame->kind != '[')
			return NULL;
	}
	return NULL;
}

static void take_literal(
	struct scanner *scanner, struct frames *frames, const char *text, bool literal, bool rooted)
{
	struct frame *frame = top(frames);

	while (rooted && *text == '/')
		text++;
	if (frame->kind == '(' && frame->values == 0 && literal) {
		for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
			if (strcmp(frame->function, functions[i].name) == 0)
				add_file(scanner->scan, text, true, functions[i].kind);
		if (strcmp(frame->function, "env") == 0)
			strings_add_once(&scanner->scan->environment, text);
	} else if (frame->kind == '{' && !frame->value) {
		take_word(frame, text);
	} else if (literal && (frame = find_attribute(frames))) {
		add_value(scanner->scan, frame->plugin, frame->words[0], text, rooted);
	}
	top(frames)->values++;
}

/* `KIND "TYPE" {`, or a block of options in one of a plugin. */
static void open_brace(struct scanner *scanner, struct frames *frames)
{
	struct frame *frame = top(frames);
	const struct plugin *plugin = NULL;

	if (frame->kind != '{' || frame->value || !frame->word_count) {
		push(frames, 'o', NULL);
		return;
	}
	if (frame->plugin)
		add_option(scanner->scan, frame->plugin, frame->words[0]);
	else if (frame->word_count > 1)
		plugin = add_part(scanner->scan,
			strcmp(frame->words[0], "dynamic") == 0 ? frame->words[1] : frame->words[0],
			frame->words[1]);
	push(frames, '{', plugin);
}

static void begin_value(struct scanner *scanner, struct frame *frame)
{
	if (frame->kind != '{' || frame->value)
		return;
	frame->value = true;
	if (frame->plugin && frame->word_count)
		add_option(scanner->scan, frame->plugin, frame->words[0]);
}

/* 1 when the bracket closes what the caller stands in. */
static int close_bracket(
	struct scanner *scanner, struct frames *frames, const char *at, bool inside)
{
	if (frames->count == 1) {
		if (inside && *at == '}')
			return 1;
		return broken(scanner, at, "a bracket that nothing opened");
	}
	clear_frame(top(frames));
	frames->count--;
	top(frames)->values++;
	if (top(frames)->kind == '{' && !top(frames)->value)
		forget_statement(top(frames));
	return 0;
}

static int take_symbol(struct scanner *scanner, struct frames *frames, char *last, bool inside)
{
	char c = *scanner->at++;

	switch (c) {
	case '{':
		open_brace(scanner, frames);
		break;
	case '[':
		push(frames, '[', NULL);
		break;
	case '(':
		push(frames, '(', NULL);
		top(frames)->function = memory_copy_text(last);
		break;
	case '}':
	case ']':
	case ')':
		return close_bracket(scanner, frames, scanner->at - 1, inside);
	case '=':
		begin_value(scanner, top(frames));
		break;
	case '\n':
		if (top(frames)->kind == '{')
			forget_statement(top(frames));
		break;
	default:
		break;
	}
	return frames->count > DEPTH_MOST
	               ? broken(scanner, scanner->at, "brackets are nested too deeply")
	               : 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || (c & 0x80);
}

static int scan_one(struct scanner *scanner, struct frames *frames, struct text *last, bool inside)
{
	CLEANUP(text_clear) struct text text = {0};
	bool literal, rooted;

	if (*scanner->at == '"') {
		if (scan_string(scanner, &text, &literal, &rooted) < 0)
			return -1;
		take_literal(scanner, frames, text_get(&text), literal, rooted);
		return 0;
	}
	if (*scanner->at == '#' || begins(scanner, "//") || begins(scanner, "/*"))
		return skip_comment(scanner);
	if (begins(scanner, "<<"))
		return scan_heredoc(scanner);
	if (is_word(*scanner->at)) {
		text_reset(last);
		while (scanner->at < scanner->end && is_word(*scanner->at))
			text_add_char(last, *scanner->at++);
		take_word(top(frames), text_get(last));
		return 0;
	}
	autofree char *name = memory_copy_text(text_get(last));
	if (!isspace((unsigned char)*scanner->at))
		text_reset(last);
	return take_symbol(scanner, frames, name, inside);
}

/* INSIDE: an interpolation, whose '}' ends it. Otherwise statements, to the end. */
static int scan_words(struct scanner *scanner, bool inside)
{
	CLEANUP(clear_frames) struct frames frames = {0};
	CLEANUP(text_clear) struct text last = {0};
	const char *start = scanner->at;
	int result = 0;

	push(&frames, '{', NULL);
	top(&frames)->value = inside;
	while (scanner->at < scanner->end && result == 0)
		result = scan_one(scanner, &frames, &last, inside);
	if (result != 0)
		return result < 0 ? -1 : 0;
	if (inside || frames.count > 1)
		return broken(scanner, start,
			inside ? "an interpolation that does not end"
			       : "a bracket that is not closed");
	return 0;
}

/* ---- JSON ---- */

static int scan_json(struct scanner *outer, const struct json *value, const struct plugin *plugin);

static int scan_json_text(struct scanner *outer, const char *text)
{
	struct scanner scanner = *outer;

	scanner.text = scanner.at = text;
	scanner.end = text + strlen(text);
	return scan_text(&scanner, scanner.end);
}

/* The options of a part, DEPTH names above them; a list has several. */
static int scan_json_options(
	struct scanner *outer, const struct json *value, const struct plugin *plugin, int depth)
{
	if (depth == 0)
		return scan_json(outer, value, plugin);
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (scan_json_options(outer, json_item(value, i), plugin, depth) < 0)
			return -1;
	json_each_member (member, value)
		if (scan_json_options(outer, member.value, plugin, depth - 1) < 0)
			return -1;
	return 0;
}

/* {"TYPE": {...}}, or a list of such; a source has its name between. */
static int scan_json_parts(struct scanner *outer, const char *word, const struct json *value)
{
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (scan_json_parts(outer, word, json_item(value, i)) < 0)
			return -1;
	json_each_member (member, value) {
		const struct plugin *plugin = add_part(outer->scan, word, member.key);
		int depth = strcmp(word, "source") == 0 && !strchr(member.key, '.');
		if (scan_json_options(outer, member.value, plugin, depth) < 0)
			return -1;
	}
	return 0;
}

static void add_json_values(struct scanner *outer, const struct plugin *plugin, const char *name,
	const struct json *value)
{
	const char *text = json_text(value, NULL);
	bool rooted = text && text_starts_with(text, "${path.root}/");

	add_option(outer->scan, plugin, name);
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		add_json_values(outer, plugin, name, json_item(value, i));
	if (rooted)
		text += strlen("${path.root}/");
	if (text && !strstr(text, "${"))
		add_value(outer->scan, plugin, name, text, rooted);
}

static bool is_part_word(const char *word)
{
	for (size_t i = 0; i < sizeof(part_words) / sizeof(*part_words); i++)
		if (strcmp(word, part_words[i].word) == 0)
			return true;
	return false;
}

static int scan_json(struct scanner *outer, const struct json *value, const struct plugin *plugin)
{
	if (json_kind(value) == JSON_TEXT)
		return scan_json_text(outer, json_text(value, ""));
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++)
		if (scan_json(outer, json_item(value, i), plugin) < 0)
			return -1;
	json_each_member (member, value) {
		if (plugin)
			add_json_values(outer, plugin, member.key, member.value);
		int result = is_part_word(member.key) && !plugin
		                     ? scan_json_parts(outer, member.key, member.value)
		                     : scan_json(outer, member.value, NULL);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* ---- the file ---- */

int hcl_scan_file(
	const char *name, const char *bytes, size_t size, struct hcl_scan *scan, struct error *err)
{
	struct scanner scanner = {.name = name,
		.text = bytes,
		.at = bytes,
		.end = bytes + size,
		.scan = scan,
		.err = err};

	if (!text_ends_with(name, ".json"))
		return scan_words(&scanner, false);
	struct json_source source = {name, bytes, size};
	autojson struct json *root = NULL;
	if (json_parse(&source, 0, &root, err) < 0)
		return -1;
	return scan_json(&scanner, root, NULL);
}
