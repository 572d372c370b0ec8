/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to base/gotemplate_*.c: the parsed template and the values that run through it. */

#include <stdint.h>

#include "base/gotemplate.h"
#include "base/strings.h"

enum value_type {
	VALUE_MISSING, /* prints <no value> */
	VALUE_NIL,
	VALUE_BOOL,
	VALUE_INTEGER,
	VALUE_REAL,
	VALUE_TEXT,
	VALUE_JSON, /* a list or an object */
	VALUE_TYPE_COUNT
};

struct gotemplate_value {
	enum value_type type;
	union {
		bool truth;
		int64_t integer;
		double real;
		const struct json *json;
		struct {
			const char *bytes;
			size_t size;
		} text;
	};
};

enum node_type {
	/* what stands in a list */
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_TEMPLATE,
	NODE_BREAK,
	NODE_CONTINUE,
	/* what stands in a command */
	NODE_DOT,
	NODE_FIELD,    /* .A.B: names */
	NODE_VARIABLE, /* $x.A: text is the variable, names the fields */
	NODE_CONSTANT,
	NODE_FUNCTION, /* text is its name */
	NODE_PIPE,     /* in parentheses: pipe, then names as fields */
};

struct command {
	struct node *operands; /* a chain through next */
	struct command *next;
};

struct pipe {
	char *variables[2]; /* declared or assigned; NULL where none */
	bool assigns;       /* "=", not ":=" */
	struct command *commands;
};

struct node {
	enum node_type type;
	struct node *next;
	const char
		*source; /* the action as written, borrowed from the template; for kept actions */
	size_t source_size;
	char *text;
	struct strings names;
	struct gotemplate_value constant;
	const struct gotemplate_function *function; /* NULL: one of Go's own */
	struct pipe *pipe;
	struct node *body, *otherwise;
	bool kept; /* prints its source: it (or what is in it) calls a kept function */
};

/* A named template of {{define}} or {{block}}. */
struct definition {
	char *name;
	struct node *body;
	struct definition *next;
};

struct tree {
	struct node *body;
	struct definition *definitions;
	bool kept; /* a variable gets its value from a kept function: nothing of the template can be rendered */
	struct allocation *allocations;
};

int tree_parse(const char *template, const struct gotemplate_options *options, struct tree *tree,
	struct error *err);
void tree_clear(struct tree *tree);

/* Go's own functions. NULL if NAME is none; and/or are not here, the runner cuts them short. */
struct builtin {
	const char *name;
	int least, most; /* arguments; most -1: any number */
	int (*call)(const struct gotemplate_value *arguments, size_t count,
		struct gotemplate_value *result, struct text *storage, struct error *err);
};
const struct builtin *builtin_find(const char *name);

bool value_is_true(const struct gotemplate_value *value);
/* As Go's fmt prints it with %v. */
void value_print(const struct gotemplate_value *value, struct text *out);
/* The same inside a larger text (fmt.Sprint): a nil is <nil> there, not <no value>. */
void value_sprint(const struct gotemplate_value *value, struct text *out);
/* How Go calls its type: "string", "int" ... */
const char *value_type_name(const struct gotemplate_value *value);
struct gotemplate_value value_of_json(const struct json *json);
/* fmt.Sprintf. */
void value_printf(const char *format, const struct gotemplate_value *arguments, size_t count,
	struct text *out);
