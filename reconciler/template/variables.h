/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The user variables of a template: defaults, var-files and -var brought together and interpolated with each other.
 * Source: Packer 1.6.6 packer/core.go (renderVarsRecursively), command/meta.go.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "reconciler/template/interpolation.h"
#include "reconciler/template/template.h"

/* A value from outside the template. */
struct variable_override {
	char *value;
	char *origin; /* where it stands, for messages: a var-file's path, "kiln.json", "-var" */
	char *secret; /* the name of the operator's secret that it is, or NULL */
};
void variable_override_free(struct variable_override *override);

struct variable {
	char *value;                      /* NULL as long as it could not be interpolated */
	const char *raw;                  /* as written; borrowed from template or override */
	const char *origin;               /* NULL: the template */
	const char *secret;               /* or NULL */
	bool sensitive;                   /* of sensitive-variables, or a secret */
	struct strings uses, environment; /* what the raw text mentions */
};

struct variables {
	struct map by_name; /* struct variable */
	struct map values;  /* const char *: for struct interpolation */
};
void variables_clear(struct variables *variables);

/*
 * OVERRIDES: name -> struct variable_override (may be NULL). CONTEXT gives folders, clock and environment; `values` and
 * `solving` are set here. A required variable that nobody gives, an unknown one, a circle: an error of kind CATALOG
 * that names file and line.
 */
int variables_solve(const struct template *template, const struct map *overrides,
	const struct interpolation *context, struct variables *variables, struct error *err);

/* Adds NAMES' own uses, theirs and so on to NAMES, and the environment that any of them reads to ENVIRONMENT. */
void variables_follow(
	const struct variables *variables, struct strings *names, struct strings *environment);

/* One var-file: a JSON object of texts (null is ""). Adds to OVERRIDES, later ones winning. Messages say PATH. */
int variables_read_file(
	const char *path, const char *bytes, size_t size, struct map *overrides, struct error *err);
