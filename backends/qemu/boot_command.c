/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/boot_command.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/gotemplate.h"
#include "base/memory.h"

static const int64_t sec_nsec = 1000000000;

/* ---- the keyboard ---- */

static const struct {
	const char *name, *key;
} specials[] = {
	{"bs", "backspace"},
	{"del", "delete"},
	{"enter", "ret"},
	{"return", "ret"},
	{"esc", "esc"},
	{"tab", "tab"},
	{"f1", "f1"},
	{"f2", "f2"},
	{"f3", "f3"},
	{"f4", "f4"},
	{"f5", "f5"},
	{"f6", "f6"},
	{"f7", "f7"},
	{"f8", "f8"},
	{"f9", "f9"},
	{"f10", "f10"},
	{"f11", "f11"},
	{"f12", "f12"},
	{"up", "up"},
	{"down", "down"},
	{"left", "left"},
	{"right", "right"},
	{"spacebar", "spc"},
	{"insert", "insert"},
	{"home", "home"},
	{"end", "end"},
	{"pageUp", "pgup"},
	{"pageDown", "pgdn"},
	{"leftAlt", "alt"},
	{"rightAlt", "alt_r"},
	{"leftCtrl", "ctrl"},
	{"rightCtrl", "ctrl_r"},
	{"leftShift", "shift"},
	{"rightShift", "shift_r"},
	{"leftSuper", "meta_l"},
	{"rightSuper", "meta_r"},
};

/* Each key with what it types without and with shift. */
static const struct {
	char plain, shifted;
	const char *key;
} letters[] = {
	{'a', 'A', "a"},
	{'b', 'B', "b"},
	{'c', 'C', "c"},
	{'d', 'D', "d"},
	{'e', 'E', "e"},
	{'f', 'F', "f"},
	{'g', 'G', "g"},
	{'h', 'H', "h"},
	{'i', 'I', "i"},
	{'j', 'J', "j"},
	{'k', 'K', "k"},
	{'l', 'L', "l"},
	{'m', 'M', "m"},
	{'n', 'N', "n"},
	{'o', 'O', "o"},
	{'p', 'P', "p"},
	{'q', 'Q', "q"},
	{'r', 'R', "r"},
	{'s', 'S', "s"},
	{'t', 'T', "t"},
	{'u', 'U', "u"},
	{'v', 'V', "v"},
	{'w', 'W', "w"},
	{'x', 'X', "x"},
	{'y', 'Y', "y"},
	{'z', 'Z', "z"},
	{'1', '!', "1"},
	{'2', '@', "2"},
	{'3', '#', "3"},
	{'4', '$', "4"},
	{'5', '%', "5"},
	{'6', '^', "6"},
	{'7', '&', "7"},
	{'8', '*', "8"},
	{'9', '(', "9"},
	{'0', ')', "0"},
	{'-', '_', "minus"},
	{'=', '+', "equal"},
	{'[', '{', "bracket_left"},
	{']', '}', "bracket_right"},
	{';', ':', "semicolon"},
	{'\'', '"', "apostrophe"},
	{'`', '~', "grave_accent"},
	{'\\', '|', "backslash"},
	{',', '<', "comma"},
	{'.', '>', "dot"},
	{'/', '?', "slash"},
	{' ', '\0', "spc"},
	{'\t', '\0', "tab"},
};

struct letter {
	const char *key;
	bool shift;
};

static bool find_letter(unsigned rune, struct letter *letter)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		bool shift = rune && rune == (unsigned char)letters[i].shifted;
		if (!shift && rune != (unsigned char)letters[i].plain)
			continue;
		*letter = (struct letter){letters[i].key, shift};
		return true;
	}
	return false;
}

/* ---- the events ---- */

enum action { PRESS, ON, OFF };

static void add(struct boot_keys *keys, struct boot_key event)
{
	MEMORY_GROW(keys->items, keys->count, keys->room);
	keys->items[keys->count++] = event;
}

static void add_key(struct boot_keys *keys, const char *key, enum action action)
{
	if (action != OFF)
		add(keys, (struct boot_key){.key = key, .down = true});
	if (action != ON)
		add(keys, (struct boot_key){.key = key, .down = false});
}

static void add_letter(struct boot_keys *keys, struct letter letter, enum action action)
{
	if (letter.shift && action != OFF)
		add(keys, (struct boot_key){.key = "shift", .down = true});
	add_key(keys, letter.key, action);
	if (letter.shift && action != ON)
		add(keys, (struct boot_key){.key = "shift", .down = false});
}

void boot_keys_clear(struct boot_keys *keys)
{
	free(keys->items);
	*keys = (struct boot_keys){0};
}

/* ---- the grammar: each part gives the bytes that it took, 0 if it is not there ---- */

struct parser {
	const char *text; /* all of it */
	const char *at;
	struct boot_keys *keys;
	struct error *err;
	bool failed;
};

static size_t place_of(const struct parser *parser)
{
	size_t place = 1;

	for (const char *p = parser->text; p < parser->at; p++)
		place += ((unsigned char)*p & 0xC0) != 0x80;
	return place;
}

/* A whole number without a leading zero. */
static size_t match_integer(const char *text)
{
	return *text == '0' ? 1 : strspn(text, "0123456789");
}

static size_t match_unit(const char *text)
{
	static const char *const units[] = {"ns", "us", "\302\265s", "ms", "s", "m", "h"};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strncmp(text, units[i], strlen(units[i])) == 0)
			return strlen(units[i]);
	return 0;
}

/* "1h", "-1.5s", "1m30s" */
static size_t match_duration(const char *text)
{
	size_t whole = 0;

	for (;;) {
		const char *p = text + whole + (text[whole] == '-');
		size_t digits = match_integer(p), unit;
		if (!digits)
			return whole;
		p += digits;
		if (*p == '.' && (digits = strspn(p + 1, "0123456789")))
			p += 1 + digits;
		unit = match_unit(p);
		if (!unit)
			return whole;
		whole = p + unit - text;
	}
}

/* Go reads one sign only, at the front: the grammar takes more, and then the reading fails. */
static int add_duration(struct parser *parser, const char *text, size_t size)
{
	autofree char *duration = memory_copy_bytes(text, size);
	int64_t nsec;

	parser->failed = true;
	if (duration_parse_go(duration, &nsec) < 0)
		return fail(parser->err, ERROR_CATALOG,
			"at character %zu: '%s' is no length of time", place_of(parser), duration);
	if (nsec <= 0)
		return fail(parser->err, ERROR_CATALOG,
			"at character %zu: a wait takes longer than nothing, and this one takes %s",
			place_of(parser), duration);
	parser->failed = false;
	add(parser->keys, (struct boot_key){.wait_nsec = nsec});
	return 0;
}

static size_t take_wait(struct parser *parser)
{
	const char *inside = parser->at + strlen("<wait");

	if (strncmp(parser->at, "<wait", strlen("<wait")) != 0)
		return 0;
	size_t duration = match_duration(inside);
	if (duration && inside[duration] == '>') {
		if (add_duration(parser, inside, duration) < 0)
			return 0;
		return inside + duration + 1 - parser->at;
	}
	size_t digits = match_integer(inside);
	if (inside[digits] != '>')
		return 0;
	/* <wait0> is <wait>: so the grammar has it */
	int64_t sec = digits ? strtoll(inside, NULL, 10) : 1;
	if (sec > INT64_MAX / sec_nsec) {
		parser->failed = true;
		error_set(parser->err, ERROR_CATALOG,
			"at character %zu: %.*s s are too long a wait", place_of(parser),
			(int)digits, inside);
		return 0;
	}
	add(parser->keys, (struct boot_key){.wait_nsec = (sec ? sec : 1) * sec_nsec});
	return inside + digits + 1 - parser->at;
}

/* The bytes of "on>", "off>" or ">" at TEXT. */
static size_t match_action(const char *text, bool press, enum action *action)
{
	if (strncasecmp(text, "on>", 3) == 0) {
		*action = ON;
		return 3;
	}
	if (strncasecmp(text, "off>", 4) == 0) {
		*action = OFF;
		return 4;
	}
	*action = PRESS;
	return press && *text == '>';
}

static int no_key(struct parser *parser, unsigned rune)
{
	parser->failed = true;
	return fail(parser->err, ERROR_CATALOG,
		"at character %zu: U+%04X is on no key of a US keyboard%s", place_of(parser), rune,
		rune == '\n' || rune == '\r' ? " (write <enter>)" : "");
}

/* <aOn>, <AOff>: one character that is held */
static size_t take_toggle(struct parser *parser)
{
	size_t size;
	enum action action;
	struct letter letter;

	if (parser->at[0] != '<' || !parser->at[1])
		return 0;
	unsigned rune = text_read_rune(parser->at + 1, strlen(parser->at + 1), &size);
	size_t rest = match_action(parser->at + 1 + size, false, &action);
	if (!rest)
		return 0;
	if (!find_letter(rune, &letter)) {
		no_key(parser, rune);
		return 0;
	}
	add_letter(parser->keys, letter, action);
	return 1 + size + rest;
}

static size_t take_special(struct parser *parser)
{
	if (parser->at[0] != '<')
		return 0;
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++) {
		size_t size = strlen(specials[i].name);
		enum action action;
		if (strncasecmp(parser->at + 1, specials[i].name, size) != 0)
			continue;
		size_t rest = match_action(parser->at + 1 + size, true, &action);
		if (!rest)
			continue;
		add_key(parser->keys, specials[i].key, action);
		return 1 + size + rest;
	}
	return 0;
}

static size_t take_literal(struct parser *parser)
{
	struct letter letter;
	size_t size;
	unsigned rune = text_read_rune(parser->at, strlen(parser->at), &size);

	if (!find_letter(rune, &letter)) {
		no_key(parser, rune);
		return 0;
	}
	add_letter(parser->keys, letter, PRESS);
	return size;
}

int boot_keys_parse(const char *text, struct boot_keys *keys, struct error *err)
{
	static size_t (*const parts[])(struct parser *) = {
		take_wait, take_toggle, take_special, take_literal};
	struct parser parser = {.text = text, .at = text, .keys = keys, .err = err};

	while (*parser.at) {
		size_t taken = 0;
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && !taken; i++) {
			taken = parts[i](&parser);
			if (parser.failed)
				return -1;
		}
		parser.at += taken;
	}
	return 0;
}

int boot_command_read(const struct json *list, const struct boot_command_data *data,
	struct boot_keys *keys, struct error *err)
{
	CLEANUP(text_clear) struct text joined = {0}, rendered = {0};
	autojson struct json *values = json_new_object();

	for (size_t i = 0; i < json_count(list); i++)
		text_add(&joined, json_text(json_item(list, i), ""));
	json_set_text(values, "HTTPIP", data->http_ip);
	json_set_integer(values, "HTTPPort", data->http_port);
	json_set_text(values, "Name", data->name);
	if (data->public_key)
		json_set_text(values, "SSHPublicKey", data->public_key);
	if (gotemplate_render_late(text_get(&joined), values, true, &rendered, err) < 0 ||
		boot_keys_parse(text_get(&rendered), keys, err) < 0)
		return fail_while(err, "boot_command");
	return 0;
}
