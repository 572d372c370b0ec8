/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A template evaluated for one of its builds: its builder, the provisioners and post-processors that run in it, their
 * options rendered, decoded and with defaults. What cannot be evaluated is a reason; the rest is there all the same.
 */

#include "reconciler/reason.h"
#include "reconciler/template/template.h"
#include "reconciler/template/variables.h"

struct recipe_part {
	const struct template_part *part;
	const struct plugin *plugin; /* NULL: nobody knows it */
	struct json *options;        /* NULL: they could not be decoded */
	int64_t max_retries;
};

struct recipe {
	char *build_name; /* rendered */
	const char *build_type;
	struct recipe_part builder;
	struct recipe_part *provisioners;
	size_t provisioner_count;
	struct recipe_part *post_processors; /* by sequence and place */
	size_t post_processor_count;
	struct recipe_part cleanup;      /* part is NULL if there is none */
	struct strings used_variables;   /* directly or through other variables */
	struct strings used_environment; /* by these */
	struct strings
		pinned_variables; /* used where an action stays uninterpolated: they count by themselves */
	bool uses_build_name;
	size_t left; /* bytes that its options may still have */
};

/*
 * What a recipe is made in. The folders are how a build calls them; LIVE, NOW_USEC and the environment as in struct
 * interpolation.
 */
struct recipe_context {
	const struct template *template;
	const struct variables *variables;
	const char *template_folder, *working_folder;
	bool live;
	int64_t now_usec;
	/* The environment where a plugin may look for what the template leaves out; NULL: none is known. */
	plugin_environment *get_environment;
	/* Names of post-processors that do not run, nor do those that follow in their sequence; NULL: all do. */
	const struct strings *except;
};

/* The rendered name of a builder ("" never); the raw one if it cannot be rendered. The caller frees. */
char *recipe_build_name(const struct recipe_context *context, const struct template_part *builder);

/* BUILDER is one of the template's. What is wrong is added to PROBLEMS. RECIPE borrows from the template. */
void recipe_make(const struct recipe_context *context, const struct template_part *builder,
	struct recipe *recipe, struct reasons *problems);
void recipe_clear(struct recipe *recipe);

/* Calls VISIT for every part: builder, provisioners, cleanup, post-processors. */
typedef void recipe_visit(void *context, struct recipe_part *part);
void recipe_each_part(struct recipe *recipe, recipe_visit *visit, void *context);
