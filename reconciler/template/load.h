/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A template as Packer's own commands take it: a file of this machine, with -var and -var-file, relative paths counting
 * from a folder of this machine, and the environment there is.
 */

#include "reconciler/template/recipe.h"

struct template_request {
	const char *path;             /* "-": standard input; NULL: variables alone */
	const struct json *variables; /* list of "NAME=VALUE", or NULL */
	const struct json *var_files; /* list of paths, or NULL */
	bool own_folder; /* relative paths count from the template's folder, not from the current one */
};

struct loaded_template {
	struct template *template;              /* NULL if none was asked for */
	struct map overrides;                   /* name -> struct variable_override */
	struct variables variables;             /* once solved */
	char *template_folder, *working_folder; /* absolute; the first NULL without a template */
};

/* Reads and parses: what `packer validate -syntax-only` does. LOADED must be cleared in any case. */
int template_load(
	const struct template_request *request, struct loaded_template *loaded, struct error *err);
/* What holds between the template's parts, and its variables. */
int template_solve(struct loaded_template *loaded, struct error *err);
void loaded_template_clear(struct loaded_template *loaded);

/* What recipes of it are made in. Borrows. */
struct recipe_context loaded_template_context(const struct loaded_template *loaded);
