/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Go's text/template language, pure: text, functions and data in, text out. Data are JSON values; functions are the
 * caller's, beside Go's own (and or not len index slice print printf println html js urlquery eq ne lt le gt ge).
 * An action that calls a function marked `kept` stays in the result as it was written.
 * Source: Go 1.19 text/template (lex.go, parse.go, exec.go, funcs.go).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

struct gotemplate_value; /* an argument or an intermediate result */

/* What a function gets. Text arguments are borrowed and NUL-terminated. */
const char *gotemplate_text(const struct gotemplate_value *arguments, size_t index);
long long gotemplate_integer(const struct gotemplate_value *arguments, size_t index);

struct gotemplate_function {
	const char *name;
	/* 's' text, 'i' a whole number, 'S' last: any number of texts more */
	const char *parameters;
	/* Adds to RESULT. -1 with an error: "error calling NAME: ..." is put before its text. */
	int (*call)(void *context, const struct gotemplate_value *arguments, size_t count,
		struct text *result, struct error *err);
	bool kept;
};

enum {
	GOTEMPLATE_OUTPUT_MOST = 16 * 1024 * 1024, /* bytes a rendering may give */
	GOTEMPLATE_DEPTH_MOST = 200,               /* nested parentheses, blocks and templates */
	/* Go has none of these: what is above them is no template that somebody wrote */
	GOTEMPLATE_PARTS_MOST = 100 * 1000, /* texts, actions and operands */
	GOTEMPLATE_NAMES_MOST = 1000,       /* variables in scope; templates defined */
	GOTEMPLATE_STEPS_MOST = 1000 * 1000 /* actions and calls carried out */
};

struct gotemplate_options {
	/* The function of that name, or NULL; may itself be NULL. Borrowed. */
	const struct gotemplate_function *(*find)(void *context, const char *name);
	void *context; /* for find and call */
	const struct json
		*data;      /* what "." is; NULL is Go's nil: every field of it prints <no value> */
	bool strict_fields; /* an unknown field is an error (a struct in Go), not <no value> (a map) */
	bool keep_fields; /* an action that asks for data ({{ .HTTPIP }}, {{if .X}}) stays as it is */
};

/* Appends the result to OUT. Errors are of kind CATALOG, without the template's name or place. */
int gotemplate_render(const char *template, const struct gotemplate_options *options,
	struct text *out, struct error *err);

/* Called for every {{user `NAME`}}-like call with one literal argument; for looking into a template. */
typedef void gotemplate_visit(void *context, const char *function, const char *argument);
int gotemplate_visit_calls(const char *template, const struct gotemplate_options *options,
	gotemplate_visit *visit, void *context, struct error *err);

/*
 * Renders again and again until nothing changes, as Packer does late, with DATA as '.' and its functions on text. STRICT: a field that
 * DATA has not is an error, not <no value>. Appends to OUT. Source: Packer 1.6.6 template/interpolate, Render.
 */
int gotemplate_render_late(const char *template, const struct json *data, bool strict,
	struct text *out, struct error *err);

/* upper, lower, replace, replace_all, split: Packer's functions that need to know nothing. NULL for any other name. */
const struct gotemplate_function *gotemplate_find_text_function(const char *name);
