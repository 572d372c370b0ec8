/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* As much of Jinja as tells which files a text names: it is never evaluated. */

#include <stdbool.h>

#include "base/json.h"
#include "base/strings.h"

/* The text has something that is known only later. */
bool jinja_is_dynamic(const char *text);

/*
 * TEXT with every {{ name }}, {{ name.key }} and {{ name['key'] }} that KNOWN (an object) has a text for replaced; the rest
 * stays. The caller frees.
 */
char *jinja_fill(const char *text, const struct json *known);
/* The text asks for NAME in any way. */
bool jinja_mentions(const char *text, const char *name);

/*
 * What a dynamic TEXT says before and behind what is not known: the folder ("" for none) and the end of the name ("" for
 * none). The caller frees both.
 */
void jinja_edges(const char *text, char **folder, char **end);

/* A call lookup('NAME', TERM...) (query, q too); TERMS are its literal terms, DYNAMIC: some are none. */
typedef void jinja_lookup_visit(
	void *context, const char *name, const struct strings *terms, bool dynamic);
void jinja_each_lookup(const char *text, jinja_lookup_visit *visit, void *context);

/* Every template that TEXT includes, imports or extends by a literal name; *DYNAMIC: another by none. */
void jinja_list_includes(const char *text, struct strings *names, bool *dynamic);

/* "a b=c d='e f'" as Ansible reads a module's arguments: an object, what is no pair under `_raw_params`. The caller owns. */
struct json *jinja_split_arguments(const char *text);
