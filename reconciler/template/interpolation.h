/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Packer's functions for Go templates ({{user `x`}}, {{isotime}}, ...) and where each may stand.
 * Source: Packer 1.6.6 template/interpolate/funcs.go.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/gotemplate.h"
#include "base/map.h"
#include "base/strings.h"
#include "base/text.h"

#define PACKER_VERSION "1.6.6" /* what kiln reads templates as */

struct interpolation {
	const struct map *values; /* variable -> const char *; what {{user}} finds */
	bool solving; /* inside `variables`: env is allowed, an unknown variable an error */
	const char *build_name; /* NULL: not known here */
	const char *build_type;
	const char *template_folder, *working_folder; /* absolute, as a build calls them */
	/*
	 * False for a closure: what cannot be an input (timestamp, isotime, strftime, uuid) stays uninterpolated. True for
	 * a build: they are taken from NOW_USEC.
	 */
	bool live;
	int64_t now_usec;
	bool build_data;  /* {{build `ID`}} is known, and gives {{.ID}} */
	bool keep_fields; /* {{.ID}} stays; otherwise it renders as <no value> */
	/* The value of a variable of the environment, "" if unset or not to be read. May be NULL. */
	const char *(*get_environment)(void *context, const char *name);
	void *context;
	size_t *left; /* bytes that may still be rendered, of INTERPOLATION_MOST; NULL: any number */
	/* What was asked for; each may be NULL. */
	struct strings *used_variables, *used_environment;
	bool *used_build_name;
};

/* Renders once, appending to OUT. Errors are of kind CATALOG and name no place. */
int interpolation_render(const struct interpolation *interpolation, const char *text,
	struct text *out, struct error *err);
/* Variables and environment that TEXT mentions literally, also in actions that stay as they are. */
int interpolation_find_uses(const struct interpolation *interpolation, const char *text,
	struct strings *variables, struct strings *environment, struct error *err);

/* What all variables of a template are together, and all options of one build: what is above was not written by hand. */
enum { INTERPOLATION_MOST = 16 * 1024 * 1024 };

/* In the error's text when {{user}} found nothing while `solving`. */
#define INTERPOLATION_NOT_SET "variable not set"

/* Keys that {{build `KEY`}} knows of every builder. */
bool interpolation_is_build_key(const char *key);
