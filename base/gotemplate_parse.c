/* SPDX-License-Identifier: Apache-2.0 */
/* From text to tree: Go's lexer and parser in one, since an action is read once from left to right. */
#include "base/gotemplate_parser.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* What a tree owns, freed as a whole. */
struct allocation {
	struct allocation *next;
	void (*clear)(void *pointer);
	void *pointer;
};

void parser_own(struct tree *tree, void *pointer, void (*clear)(void *))
{
	struct allocation *allocation = memory_new(sizeof(*allocation));

	*allocation = (struct allocation){tree->allocations, clear, pointer};
	tree->allocations = allocation;
}

static void free_node(void *pointer)
{
	struct node *node = pointer;

	strings_clear(&node->names);
	free(node->text);
	free(node);
}

struct node *parser_new_node(struct parser *parser, enum node_type type)
{
	struct node *node = memory_new(sizeof(*node));

	node->type = type;
	parser->parts++;
	parser_own(parser->tree, node, free_node);
	return node;
}

int parser_check_parts(struct parser *parser)
{
	if (parser->parts <= GOTEMPLATE_PARTS_MOST)
		return 0;
	return fail(parser->err, ERROR_CATALOG, "it has more than %d parts", GOTEMPLATE_PARTS_MOST);
}

void tree_clear(struct tree *tree)
{
	while (tree->allocations) {
		struct allocation *allocation = tree->allocations;
		tree->allocations = allocation->next;
		allocation->clear(allocation->pointer);
		free(allocation);
	}
	*tree = (struct tree){0};
}

/* ---- lists of nodes ---- */

enum list_end { END_OF_TEXT, END_END, END_ELSE };

static int parse_list(struct parser *parser, struct node **list, enum list_end *how);

/* The keyword that the action begins with, "" for a pipeline; the parser stands behind it. */
static const char *read_keyword(struct parser *parser)
{
	static const char *const keywords[] = {"if", "else", "end", "range", "with", "define",
		"template", "block", "break", "continue"};
	size_t size = parser_word_size(parser);
	const char *behind = parser->at + size;

	if (behind < parser->end && !parser_is_space(*behind) && !strchr(".,|:()}", *behind))
		return "";
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (strlen(keywords[i]) == size && memcmp(keywords[i], parser->at, size) == 0) {
			parser->at += size;
			return keywords[i];
		}
	}
	return "";
}

static int expect_end(struct parser *parser, enum list_end how, const char *what)
{
	if (how == END_END)
		return 0;
	if (how == END_ELSE)
		return fail(parser->err, ERROR_CATALOG, "a second {{else}} in {{%s}}", what);
	return fail(parser->err, ERROR_CATALOG, "{{%s}} without {{end}}", what);
}

static int parse_control(struct parser *parser, const char *what, struct node *node);

/* Behind "{{else": either "}}" or " if ...}}", which nests without an {{end}} of its own. */
static int parse_else(struct parser *parser, const char *what, struct node *node)
{
	enum list_end how;

	parser_skip_space(parser);
	if (strcmp(what, "if") == 0 && strcmp(read_keyword(parser), "if") == 0) {
		node->otherwise = parser_new_node(parser, NODE_IF);
		if (parse_control(parser, "if", node->otherwise) < 0)
			return -1;
		node->otherwise->source = node->source;
		return 0;
	}
	if (parser_close_action(parser) < 0 || parse_list(parser, &node->otherwise, &how) < 0)
		return -1;
	return expect_end(parser, how, what);
}

/* Behind the keyword of if, range, with; up to and with its {{end}}. */
static int parse_control(struct parser *parser, const char *what, struct node *node)
{
	size_t scope = parser->variables.count;
	bool loop = node->type == NODE_RANGE;
	enum list_end how;

	if (++parser->depth > GOTEMPLATE_DEPTH_MOST)
		return fail(parser->err, ERROR_CATALOG, "nested too deep");
	if (parser_read_pipe(parser, what, &node->pipe) < 0 || parser_close_action(parser) < 0)
		return -1;
	parser->loops += loop;
	if (parse_list(parser, &node->body, &how) < 0)
		return -1;
	parser->loops -= loop;
	if (how == END_ELSE) {
		if (parse_else(parser, what, node) < 0)
			return -1;
	} else if (expect_end(parser, how, what) < 0) {
		return -1;
	}
	while (parser->variables.count > scope)
		free(parser->variables.items[--parser->variables.count]);
	parser->depth--;
	return 0;
}

static int read_name(struct parser *parser, char **name)
{
	struct node *holder = parser_new_node(parser, NODE_CONSTANT);

	parser_skip_space(parser);
	if (parser->at >= parser->end || (*parser->at != '"' && *parser->at != '`'))
		return parser_unexpected(parser, "where a template's name in quotes belongs");
	if (parser_read_string(parser, holder) < 0)
		return -1;
	*name = holder->text;
	return 0;
}

static bool is_empty(const struct node *list)
{
	for (const struct node *node = list; node; node = node->next) {
		if (node->type != NODE_TEXT)
			return false;
		for (size_t i = 0; i < node->source_size; i++)
			if (!parser_is_space(node->source[i]))
				return false;
	}
	return true;
}

/* Of two templates of one name, one has to be empty; the other counts. */
static int add_definition(struct parser *parser, struct definition *definition)
{
	for (struct definition *d = parser->tree->definitions; d; d = d->next) {
		if (strcmp(d->name, definition->name) != 0)
			continue;
		if (!is_empty(d->body) && !is_empty(definition->body))
			return fail(parser->err, ERROR_CATALOG,
				"the template \"%s\" is defined twice", definition->name);
		if (is_empty(d->body))
			d->body = definition->body;
		return 0;
	}
	definition->next = parser->tree->definitions;
	parser->tree->definitions = definition;
	return 0;
}

/* define, and the body of block. */
static int parse_definition(struct parser *parser, const char *what, char *name)
{
	struct definition *definition = memory_new(sizeof(*definition));
	struct strings outer = parser->variables;
	enum list_end how;

	parser_own(parser->tree, definition, free);
	definition->name = name;
	parser->variables = (struct strings){0};
	strings_add(&parser->variables, "$");
	int result = 0;
	if (++parser->depth > GOTEMPLATE_DEPTH_MOST)
		result = fail(parser->err, ERROR_CATALOG, "nested too deep");
	else if (++parser->definitions > GOTEMPLATE_NAMES_MOST)
		result = fail(parser->err, ERROR_CATALOG, "it defines more than %d templates",
			GOTEMPLATE_NAMES_MOST);
	if (result == 0)
		result = parse_list(parser, &definition->body, &how);
	if (result == 0)
		result = expect_end(parser, how, what);
	parser->depth--;
	strings_clear(&parser->variables);
	parser->variables = outer;
	return result < 0 ? -1 : add_definition(parser, definition);
}

static int parse_template_call(struct parser *parser, const char *what, struct node *node)
{
	char *name;

	if (read_name(parser, &name) < 0)
		return -1;
	node->text = memory_copy_text(name);
	parser_skip_space(parser);
	if (!parser_ends_command(parser) && parser_read_pipe(parser, what, &node->pipe) < 0)
		return -1;
	if (parser_close_action(parser) < 0)
		return -1;
	return strcmp(what, "block") == 0 ? parse_definition(parser, what, name) : 0;
}

/*
 * A comment is an action that is nothing else, with no space inside its braces but that of trim markers; true if there is one and
 * the parser is behind it.
 */
static int skip_comment(struct parser *parser, bool *skipped)
{
	const char *start = parser->at;

	if (start > parser->start && start[-1] == '-' && start < parser->end)
		start++;
	*skipped = parser->end - start >= 2 && memcmp(start, "/*", 2) == 0;
	if (!*skipped)
		return 0;
	const char *end = memmem(start + 2, parser->end - start - 2, "*/", 2);
	if (!end)
		return fail(parser->err, ERROR_CATALOG, "a comment (/*) has no end");
	parser->at = end + 2;
	if (!parser_looks_at(parser, "}}") &&
		!(parser->end - parser->at >= 4 && parser_is_space(*parser->at) &&
			memcmp(parser->at + 1, "-}}", 3) == 0))
		return fail(parser->err, ERROR_CATALOG, "a comment ends before its action does");
	return parser_close_action(parser);
}

static bool contains_kept(const struct node *list)
{
	for (const struct node *node = list; node; node = node->next)
		if (node->kept || parser_pipe_is_kept(node->pipe) || contains_kept(node->body) ||
			contains_kept(node->otherwise))
			return true;
	return false;
}

/* One action; the parser stands behind "{{" and the trim marker. A node or nothing goes to *LAST. */
static int parse_action(struct parser *parser, const char *open, struct node **last,
	enum list_end *how, bool *ended)
{
	bool comment;

	if (parser_check_parts(parser) < 0 || skip_comment(parser, &comment) < 0)
		return -1;
	if (comment)
		return 0;
	parser_skip_space(parser);
	const char *keyword = read_keyword(parser);
	if (strcmp(keyword, "end") == 0 || strcmp(keyword, "else") == 0) {
		*ended = true;
		*how = keyword[1] == 'n' ? END_END : END_ELSE;
		return *how == END_END ? parser_close_action(parser) : 0;
	}
	if (strcmp(keyword, "define") == 0) {
		char *name;
		if (parser->depth)
			return fail(parser->err, ERROR_CATALOG,
				"{{define}} inside of another action: it stands by itself");
		if (read_name(parser, &name) < 0 || parser_close_action(parser) < 0)
			return -1;
		return parse_definition(parser, keyword, name);
	}

	struct node *node = *last = parser_new_node(parser, NODE_ACTION);
	int result;
	if (!*keyword) {
		result = parser_read_pipe(parser, "in an action", &node->pipe);
		if (result == 0)
			result = parser_close_action(parser);
	} else if (keyword[0] == 't' || strcmp(keyword, "block") == 0) {
		node->type = NODE_TEMPLATE;
		result = parse_template_call(parser, keyword, node);
	} else if (strcmp(keyword, "break") == 0 || strcmp(keyword, "continue") == 0) {
		node->type = keyword[0] == 'b' ? NODE_BREAK : NODE_CONTINUE;
		result = parser->loops ? parser_close_action(parser)
		                       : fail(parser->err, ERROR_CATALOG,
						 "{{%s}} outside of {{range}}", keyword);
	} else {
		node->type = keyword[0] == 'i'   ? NODE_IF
		             : keyword[0] == 'r' ? NODE_RANGE
		                                 : NODE_WITH;
		result = parse_control(parser, keyword, node);
	}
	node->source = open;
	node->source_size = parser->at - open;
	node->kept = node->kept || parser_pipe_is_kept(node->pipe) || contains_kept(node->body) ||
	             contains_kept(node->otherwise);
	return result;
}

/* The text up to the next "{{" (or the end); *OPEN is where that stands. */
static void parse_text(struct parser *parser, struct node **last, const char **open)
{
	const char *start = parser->at;

	*open = memmem(start, parser->end - start, "{{", 2);
	const char *end = *open ? *open : parser->end;
	parser->at = *open ? *open + 2 : end;
	if (*open && parser->at + 1 < parser->end && parser->at[0] == '-' &&
		parser_is_space(parser->at[1])) {
		parser->at++;
		while (end > start && parser_is_space(end[-1]))
			end--;
	}
	while (parser->trim_next && start < end && parser_is_space(*start))
		start++;
	parser->trim_next = false;
	if (end == start)
		return;
	*last = parser_new_node(parser, NODE_TEXT);
	(*last)->source = start;
	(*last)->source_size = end - start;
}

static int parse_list(struct parser *parser, struct node **list, enum list_end *how)
{
	struct node **last = list;
	bool ended = false;

	*how = END_OF_TEXT;
	while (!ended) {
		const char *open;
		parse_text(parser, last, &open);
		while (*last)
			last = &(*last)->next;
		if (!open)
			return 0;
		if (parse_action(parser, open, last, how, &ended) < 0)
			return -1;
		while (*last)
			last = &(*last)->next;
	}
	return 0;
}

int tree_parse(const char *template, const struct gotemplate_options *options, struct tree *tree,
	struct error *err)
{
	struct parser parser = {.start = template,
		.at = template,
		.end = template + strlen(template),
		.options = options,
		.tree = tree,
		.err = err};
	enum list_end how;

	strings_add(&parser.variables, "$");
	int result = parse_list(&parser, &tree->body, &how);
	if (result == 0 && how != END_OF_TEXT)
		result = fail(
			err, ERROR_CATALOG, "unexpected {{%s}}", how == END_END ? "end" : "else");
	strings_clear(&parser.variables);
	for (struct definition *d = tree->definitions; d; d = d->next)
		tree->kept = tree->kept || contains_kept(d->body);
	return result;
}
