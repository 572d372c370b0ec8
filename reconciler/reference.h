/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the options of a recipe name: files of the repository, other images, files of this machine. */

#include "reconciler/template/recipe.h"

/*
 * Where a build finds the repository: templates see it under this path ({{template_dir}}, {{pwd}}), wherever on the
 * machine the build's folder lies, so that a build cannot depend on where that is.
 */
#define REPOSITORY_ROOT "/run/kiln/repository"

enum reference_kind {
	REFERENCE_RELATIVE, /* a path that counts from the directory */
	REFERENCE_ROOTED,   /* a path that counts from the repository's root */
	REFERENCE_OUTSIDE, /* an absolute path of this machine, or one that leaves the repository */
	REFERENCE_CATALOG, /* catalog:NAME */
	REFERENCE_UNKNOWN, /* known only when the build runs */
};

struct reference {
	const struct recipe_part *part;
	const struct plugin_option *option;
	const struct json *options; /* where the option stands: the part's, or those of a block */
	enum reference_kind kind;
	enum option_path path; /* what it must be; PATH_OUTPUT: it is written */
	char *value;           /* the path, or what follows "catalog:" */
	bool optional;
};

struct references {
	struct reference *items;
	size_t count, room;
};
void references_clear(struct references *references);
/* Everything that the parts of RECIPE name, in their order. They borrow from it. */
void references_find(struct recipe *recipe, struct references *references);
