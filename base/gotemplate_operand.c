/* SPDX-License-Identifier: Apache-2.0 */
/* What stands inside an action: constants, operands, commands, pipelines. */
#include "base/gotemplate_parser.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/real.h"

bool parser_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters, digits, '_' and every byte of a rune beyond ASCII. */
static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool parser_looks_at(const struct parser *parser, const char *text)
{
	size_t size = strlen(text);

	return (size_t)(parser->end - parser->at) >= size && memcmp(parser->at, text, size) == 0;
}

static bool at_close(const struct parser *parser)
{
	if (parser_looks_at(parser, "}}"))
		return true;
	return parser_is_space(*parser->at) && parser->at + 4 <= parser->end &&
	       memcmp(parser->at + 1, "-}}", 3) == 0;
}

/* True if there was space; stops before " -}}". */
bool parser_skip_space(struct parser *parser)
{
	const char *start = parser->at;

	while (parser->at < parser->end && parser_is_space(*parser->at) && !at_close(parser))
		parser->at++;
	return parser->at > start;
}

static int unclosed(struct parser *parser)
{
	return fail(parser->err, ERROR_CATALOG, "an action ({{) is not closed (}})");
}

int parser_unexpected(struct parser *parser, const char *where)
{
	size_t length = 1;

	if (parser->at >= parser->end)
		return unclosed(parser);
	if (at_close(parser))
		return fail(parser->err, ERROR_CATALOG, "something is missing %s", where);
	text_read_rune(parser->at, parser->end - parser->at, &length);
	return fail(
		parser->err, ERROR_CATALOG, "unexpected '%.*s' %s", (int)length, parser->at, where);
}

int parser_close_action(struct parser *parser)
{
	parser_skip_space(parser);
	if (parser->at >= parser->end)
		return unclosed(parser);
	if (parser_looks_at(parser, "}}")) {
		parser->at += 2;
		parser->trim_next = false;
		return 0;
	}
	if (at_close(parser)) {
		parser->at += 4;
		parser->trim_next = true;
		return 0;
	}
	return parser_unexpected(parser, "in an action");
}

size_t parser_word_size(const struct parser *parser)
{
	const char *at = parser->at;

	while (at < parser->end && is_word(*at))
		at++;
	return at - parser->at;
}

/* What may follow an operand: Go calls it a terminator. */
static bool at_terminator(const struct parser *parser)
{
	if (parser->at >= parser->end || parser_is_space(*parser->at) ||
		parser_looks_at(parser, "}}"))
		return true;
	return *parser->at == '|' || *parser->at == ')';
}

/* ---- constants ---- */

static int read_escape_digits(struct parser *parser, int base, int digits, unsigned *value)
{
	char text[9] = "";
	char *end;

	if (parser->end - parser->at < digits)
		return unclosed(parser);
	memcpy(text, parser->at, digits);
	*value = strtoul(text, &end, base);
	if (end != text + digits || !is_word(text[0]))
		return fail(parser->err, ERROR_CATALOG, "a bad escape in a quoted string");
	parser->at += digits;
	return 0;
}

/* Behind the backslash; Go's strconv.UnquoteChar. */
static int read_escape(struct parser *parser, char quote, struct text *out)
{
	static const char letters[] = "abfnrtv\\";
	static const char bytes[] = "\a\b\f\n\r\t\v\\";
	unsigned value;

	if (parser->at >= parser->end)
		return unclosed(parser);
	char c = *parser->at++;
	const char *letter = c ? strchr(letters, c) : NULL;
	if (letter) {
		text_add_char(out, bytes[letter - letters]);
		return 0;
	}
	if (c == quote) {
		text_add_char(out, c);
		return 0;
	}
	switch (c) {
	case 'x':
		if (read_escape_digits(parser, 16, 2, &value) < 0)
			return -1;
		text_add_char(out, value);
		return 0;
	case 'u':
	case 'U':
		if (read_escape_digits(parser, 16, c == 'u' ? 4 : 8, &value) < 0)
			return -1;
		if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
			break;
		text_add_rune(out, value);
		return 0;
	case '0' ... '7':
		parser->at--;
		if (read_escape_digits(parser, 8, 3, &value) < 0)
			return -1;
		if (value > 255)
			break;
		text_add_char(out, value);
		return 0;
	}
	return fail(parser->err, ERROR_CATALOG, "a bad escape in a quoted string");
}

static int read_quoted(struct parser *parser, char quote, struct text *out)
{
	parser->at++;
	text_add_bytes(out, "", 0);
	for (;;) {
		if (parser->at >= parser->end || *parser->at == '\n')
			return fail(parser->err, ERROR_CATALOG, "a quoted string has no end");
		char c = *parser->at++;
		if (c == quote)
			return 0;
		if (c != '\\')
			text_add_char(out, c);
		else if (read_escape(parser, quote, out) < 0)
			return -1;
	}
}

static int read_raw(struct parser *parser, struct text *out)
{
	const char *end = memchr(parser->at + 1, '`', parser->end - parser->at - 1);

	if (!end)
		return fail(parser->err, ERROR_CATALOG, "a raw string (`) has no end");
	text_add_bytes(out, "", 0);
	for (const char *c = parser->at + 1; c < end; c++)
		if (*c != '\r') /* Go drops them */
			text_add_char(out, *c);
	parser->at = end + 1;
	return 0;
}

int parser_read_string(struct parser *parser, struct node *node)
{
	struct text content = {0};
	int result = *parser->at == '`' ? read_raw(parser, &content)
	                                : read_quoted(parser, *parser->at, &content);

	size_t size = content.size;
	node->text = text_take(&content);
	node->constant.type = VALUE_TEXT;
	node->constant.text.bytes = node->text;
	node->constant.text.size = size;
	return result;
}

static int read_char(struct parser *parser, struct node *node)
{
	struct text content = {0};
	size_t length = 0;
	int result = read_quoted(parser, '\'', &content);

	if (result == 0 && content.size) {
		node->constant.type = VALUE_INTEGER;
		node->constant.integer = text_read_rune(content.data, content.size, &length);
	}
	if (result == 0 && (!content.size || length != content.size))
		result = fail(parser->err, ERROR_CATALOG, "a character constant ('x') holds one");
	text_clear(&content);
	return result;
}

static int read_number(struct parser *parser, struct node *node)
{
	struct text digits = {0};
	const char *start = parser->at;
	char *end;

	while (parser->at < parser->end &&
		(is_word(*parser->at) || *parser->at == '.' ||
			((*parser->at == '+' || *parser->at == '-') &&
				(parser->at == start || strchr("eEpP", parser->at[-1]))))) {
		if (*parser->at != '_')
			text_add_char(&digits, *parser->at);
		parser->at++;
	}
	bool fits = real_underscores_fit(start, parser->at - start);
	const char *text = text_get(&digits);
	const char *unsigned_text = text + (*text == '+' || *text == '-');
	int base = 0;
	if (unsigned_text[0] == '0' && (unsigned_text[1] == 'b' || unsigned_text[1] == 'B'))
		base = 2;
	else if (unsigned_text[0] == '0' && (unsigned_text[1] == 'o' || unsigned_text[1] == 'O'))
		base = 8;
	errno = 0;
	if (base) {
		long long value = strtoll(unsigned_text + 2, &end, base);
		node->constant.integer = *text == '-' ? -value : value;
	} else {
		node->constant.integer = strtoll(text, &end, 0);
	}
	node->constant.type = VALUE_INTEGER;
	bool good = !*end && *unsigned_text && errno == 0;
	if (!good && !base) {
		node->constant.type = VALUE_REAL;
		node->constant.real = strtod(text, &end);
		good = !*end && is_digit(unsigned_text[*unsigned_text == '.']) &&
		       isfinite(node->constant.real);
		/* one that looks like an integer is too large for it */
		good = good && strpbrk(text, ".eEpP");
	}
	int result = good && fits ? 0 : fail(parser->err, ERROR_CATALOG, "bad number '%s'", text);
	text_clear(&digits);
	return result;
}

/* ---- operands and pipelines ---- */

static void free_pipe(void *pointer)
{
	struct pipe *pipe = pointer;

	free(pipe->variables[0]);
	free(pipe->variables[1]);
	free(pipe);
}

static int read_fields(struct parser *parser, struct strings *names)
{
	while (parser->at < parser->end && *parser->at == '.') {
		parser->at++;
		size_t size = parser_word_size(parser);
		if (!size)
			return parser_unexpected(parser, "after '.'");
		strings_add_taken(names, memory_copy_bytes(parser->at, size));
		parser->at += size;
		parser->parts++;
	}
	return parser_check_parts(parser);
}

static int read_variable(struct parser *parser, struct node **result)
{
	const char *start = parser->at++;

	parser->at += parser_word_size(parser);
	*result = parser_new_node(parser, NODE_VARIABLE);
	(*result)->text = memory_copy_bytes(start, parser->at - start);
	if (!strings_has(&parser->variables, (*result)->text))
		return fail(parser->err, ERROR_CATALOG, "the variable %s is not defined",
			(*result)->text);
	if (read_fields(parser, &(*result)->names) < 0)
		return -1;
	(*result)->kept = parser->options->keep_fields && (*result)->names.count;
	return 0;
}

static int read_word(struct parser *parser, struct node **result)
{
	size_t size = parser_word_size(parser);
	struct node *node = parser_new_node(parser, NODE_FUNCTION);

	node->text = memory_copy_bytes(parser->at, size);
	parser->at += size;
	*result = node;
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) {
		node->type = NODE_CONSTANT;
		node->constant =
			(struct gotemplate_value){VALUE_BOOL, .truth = node->text[0] == 't'};
		return 0;
	}
	if (strcmp(node->text, "nil") == 0) {
		node->type = NODE_CONSTANT;
		node->constant = (struct gotemplate_value){.type = VALUE_NIL};
		return 0;
	}
	const struct gotemplate_options *options = parser->options;
	if (options->find)
		node->function = options->find(options->context, node->text);
	if (node->function) {
		node->kept = node->function->kept;
		return 0;
	}
	if (builtin_find(node->text) || strcmp(node->text, "and") == 0 ||
		strcmp(node->text, "or") == 0)
		return 0;
	return fail(parser->err, ERROR_CATALOG, "there is no function \"%s\"", node->text);
}

static int read_parentheses(struct parser *parser, struct node **result)
{
	struct node *node = parser_new_node(parser, NODE_PIPE);

	*result = node;
	parser->at++;
	if (++parser->depth > GOTEMPLATE_DEPTH_MOST)
		return fail(parser->err, ERROR_CATALOG, "nested too deep");
	if (parser_read_pipe(parser, "in parentheses", &node->pipe) < 0)
		return -1;
	parser_skip_space(parser);
	if (parser->at >= parser->end || *parser->at != ')')
		return parser_unexpected(parser, "where ')' belongs");
	parser->at++;
	parser->depth--;
	return read_fields(parser, &node->names);
}

static int read_operand(struct parser *parser, struct node **result)
{
	char c = *parser->at;

	if (parser_check_parts(parser) < 0)
		return -1;
	if (c == '"' || c == '`') {
		*result = parser_new_node(parser, NODE_CONSTANT);
		return parser_read_string(parser, *result);
	}
	if (c == '\'') {
		*result = parser_new_node(parser, NODE_CONSTANT);
		return read_char(parser, *result);
	}
	if (is_digit(c) || c == '+' || c == '-' ||
		(c == '.' && parser->at + 1 < parser->end && is_digit(parser->at[1]))) {
		*result = parser_new_node(parser, NODE_CONSTANT);
		return read_number(parser, *result);
	}
	if (c == '.') {
		bool field = parser->at + 1 < parser->end && is_word(parser->at[1]);
		*result = parser_new_node(parser, field ? NODE_FIELD : NODE_DOT);
		(*result)->kept = parser->options->keep_fields;
		if (!field) {
			parser->at++;
			return 0;
		}
		return read_fields(parser, &(*result)->names);
	}
	if (c == '$')
		return read_variable(parser, result);
	if (c == '(')
		return read_parentheses(parser, result);
	if (is_word(c))
		return read_word(parser, result);
	return parser_unexpected(parser, "in an action");
}

bool parser_ends_command(const struct parser *parser)
{
	return parser->at >= parser->end || at_close(parser) || *parser->at == '|' ||
	       *parser->at == ')';
}

static int parse_command(struct parser *parser, const char *where, struct command **result)
{
	struct command *command = memory_new(sizeof(*command));
	struct node **last = &command->operands;

	parser_own(parser->tree, command, free);
	*result = command;
	for (;;) {
		parser_skip_space(parser);
		if (parser->at >= parser->end)
			return unclosed(parser);
		if (parser_ends_command(parser))
			break;
		if (read_operand(parser, last) < 0)
			return -1;
		if (!at_terminator(parser))
			return parser_unexpected(parser, "behind an operand");
		last = &(*last)->next;
	}
	if (!command->operands)
		return fail(parser->err, ERROR_CATALOG, "a value is missing %s", where);
	return 0;
}

/* "$x :=", "$x =", "$i, $x :=" at the start of a pipeline; leaves the parser where it was if there is none. */
static int parse_declaration(struct parser *parser, struct pipe *pipe)
{
	const char *start = parser->at;
	struct strings names = {0};
	bool found = false;

	while (parser->at < parser->end && *parser->at == '$') {
		const char *name = parser->at++;
		parser->at += parser_word_size(parser);
		strings_add_taken(&names, memory_copy_bytes(name, parser->at - name));
		parser_skip_space(parser);
		if (parser_looks_at(parser, ":=") || parser_looks_at(parser, "=")) {
			pipe->assigns = *parser->at == '=';
			parser->at += pipe->assigns ? 1 : 2;
			found = true;
			break;
		}
		if (parser->at >= parser->end || *parser->at != ',')
			break;
		parser->at++;
		parser_skip_space(parser);
	}
	int result = 0;
	if (!found) {
		parser->at = start;
	} else if (names.count > 2) {
		result = fail(parser->err, ERROR_CATALOG, "too many variables on the left of :=");
	} else {
		for (size_t i = 0; i < names.count; i++) {
			pipe->variables[i] = memory_copy_text(names.items[i]);
			/* also of "=": that there is none to assign to is found when it runs */
			strings_add(&parser->variables, names.items[i]);
		}
	}
	if (result == 0 && parser->variables.count > GOTEMPLATE_NAMES_MOST)
		result = fail(parser->err, ERROR_CATALOG, "it has more than %d variables",
			GOTEMPLATE_NAMES_MOST);
	strings_clear(&names);
	return result;
}

static bool command_is_kept(const struct command *command);

bool parser_pipe_is_kept(const struct pipe *pipe)
{
	for (const struct command *c = pipe ? pipe->commands : NULL; c; c = c->next)
		if (command_is_kept(c))
			return true;
	return false;
}

static bool command_is_kept(const struct command *command)
{
	for (const struct node *operand = command->operands; operand; operand = operand->next)
		if (operand->kept || parser_pipe_is_kept(operand->pipe))
			return true;
	return false;
}

/* Only a function takes what comes from the left; a constant cannot be called. */
static int check_commands(struct parser *parser, const struct pipe *pipe)
{
	for (const struct command *c = pipe->commands; c; c = c->next) {
		enum node_type type = c->operands->type;
		bool callable = type == NODE_FUNCTION || type == NODE_FIELD ||
		                type == NODE_VARIABLE || type == NODE_PIPE;
		if (c != pipe->commands && (type == NODE_CONSTANT || type == NODE_DOT))
			return fail(
				parser->err, ERROR_CATALOG, "only a function can stand behind '|'");
		if (c->operands->next && !callable)
			return fail(parser->err, ERROR_CATALOG, "a constant takes no arguments");
	}
	return 0;
}

int parser_read_pipe(struct parser *parser, const char *where, struct pipe **result)
{
	struct pipe *pipe = memory_new(sizeof(*pipe));
	struct command **last = &pipe->commands;

	parser_own(parser->tree, pipe, free_pipe);
	*result = pipe;
	parser_skip_space(parser);
	if (parse_declaration(parser, pipe) < 0)
		return -1;
	for (;;) {
		if (parse_command(parser, where, last) < 0)
			return -1;
		last = &(*last)->next;
		if (parser->at >= parser->end || *parser->at != '|')
			break;
		parser->at++;
		/* Go takes "x |" for "x" */
		parser_skip_space(parser);
		if (parser->at < parser->end && *parser->at != '|' && parser_ends_command(parser))
			break;
	}
	if (pipe->variables[0] && parser_pipe_is_kept(pipe))
		parser->tree->kept = true;
	return check_commands(parser, pipe);
}
