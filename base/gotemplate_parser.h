/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to base/gotemplate_{parse,operand}.c: reading a template from left to right. */

#include "base/gotemplate_tree.h"

struct parser {
	const char *start, *at, *end;
	const struct gotemplate_options *options;
	struct tree *tree;
	struct strings variables; /* in scope, "$" first */
	unsigned depth;
	unsigned loops; /* {{range}} around us */
	unsigned parts, definitions;
	bool trim_next; /* the last action ended in -}} */
	struct error *err;
};

/* Gives POINTER to the tree, which will clear it. */
void parser_own(struct tree *tree, void *pointer, void (*clear)(void *));
/* Fails once there are more parts than a template may have. */
int parser_check_parts(struct parser *parser);
struct node *parser_new_node(struct parser *parser, enum node_type type);

/* ---- the text of an action: base/gotemplate_operand.c ---- */

bool parser_is_space(char c);
bool parser_looks_at(const struct parser *parser, const char *text);
/* True if there was space; stops before " -}}". */
bool parser_skip_space(struct parser *parser);
/* How many bytes at hand make a word. */
size_t parser_word_size(const struct parser *parser);
/* The action, a parenthesis or a command ends here. */
bool parser_ends_command(const struct parser *parser);
/* Reads "}}" or "-}}". */
int parser_close_action(struct parser *parser);
int parser_unexpected(struct parser *parser, const char *where);
/* A quoted or raw string into NODE, which becomes a constant. */
int parser_read_string(struct parser *parser, struct node *node);
/* WHERE ends the message "a value is missing ...". */
int parser_read_pipe(struct parser *parser, const char *where, struct pipe **result);
bool parser_pipe_is_kept(const struct pipe *pipe);
