/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One definition at one commit: which images it gives, the closure of each, what stands in the way of building it, and
 * which changes of the repository could alter any of that. No store, no clock.
 */

#include "reconciler/closure.h"
#include "reconciler/definition.h"
#include "reconciler/inputs.h"
#include "reconciler/template/recipe.h"
#include "reconciler/image_reference.h"

struct evaluator {
	struct snapshot *snapshot;
	struct blob_cache *cache;
	const struct strings *grants; /* the powers that the operator gave */
	const struct map *overrides; /* -var and -var-file: struct variable_override; may be NULL */
	const struct map *catalogs;  /* the operator's, by name, beside `local`; may be NULL */
	const char *key;             /* for the HMAC of sensitive values */
	size_t key_size;
	bool many_ids;              /* builds have 65,536 ids here, not one */
	const char *secrets_digest; /* changes when a secret does; may be NULL */
	/* The value of an operator's secret and its version (NULL: none is said); NULL if there is no such secret. */
	const char *(*get_secret)(void *context, const char *name, const char **version);
	/* The digest of the version that REFERENCE names; false as long as there is none. */
	bool (*find_base)(
		void *context, const struct image_reference *reference, struct digest *digest);
	/* A variable of kiln's own environment; NULL if unset. */
	const char *(*get_environment)(void *context, const char *name);
	void *context;
};

struct evaluated_base {
	struct image_reference reference;
	char *text; /* "catalog:NAME@CHANNEL", as written */
	struct digest digest;
	bool known;
};

struct evaluated_step {
	struct digest digest; /* of what the step itself gets; not of what came before */
	bool open;            /* it reaches what no closure can name */
	int64_t max_age_sec;  /* of an open step's checkpoint */
	bool keep;            /* its result may be kept: no secret, or the definition allows it */
};

struct evaluated_image {
	char *name;
	char *build_name; /* NULL if the template could not be read */
	char *directory;  /* that relative paths count from; NULL likewise */
	struct reasons problems;
	bool packer;          /* an installed packer builds it, not kiln's own drivers */
	struct strings needs; /* powers */
	char *closure; /* its text; NULL if the template does not parse or its variables do not resolve */
	struct digest digest; /* of the text */
	bool complete;        /* every base is known, so digest is the identity */
	struct evaluated_base *bases;
	size_t base_count;
	struct evaluated_step *steps; /* a provisioner each */
	size_t step_count;
	struct digest root_digest; /* of what the first step starts from */
	struct digest validate_digest;
	struct json *notes; /* what `why` needs of it later: used variables, raw texts */
};

struct evaluation {
	struct evaluated_image *images;
	size_t count, room;
	struct inputs inputs; /* of all images: files, dependencies */
};

/* The error is of the repository itself (an object that cannot be read), not of the definition. */
int evaluate(const struct evaluator *evaluator, const struct definition *definition,
	struct evaluation *evaluation, struct error *err);
void evaluation_clear(struct evaluation *evaluation);

/*
 * For building one image: the same, with what a worker needs. RECIPE is rendered live. Everything in it is borrowed from
 * the struct, which must not move.
 */
struct build_inputs {
	struct template *template;
	struct map overrides;
	struct variables variables;
	struct recipe recipe;
	struct strings secrets;       /* values that no log may show */
	struct evaluation evaluation; /* of this image alone */
};
int evaluate_build(const struct evaluator *evaluator, const struct definition *definition,
	const char *image, int64_t now_usec, struct build_inputs *build, struct error *err);
void build_inputs_clear(struct build_inputs *build);
