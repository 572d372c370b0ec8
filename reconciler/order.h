/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Orders for workers: what the head knows of a job, as the JSON that backends/ reads. */

#include "reconciler/repository.h"
#include "state/build.h"

/* What every job of a build has: folders, limits, ids. The caller frees. */
struct json *order_new(struct head *head, const char *job, const struct build_record *build,
	const char *image_name);

/* The catalogs called NAMES, [{name, type, path}]; an unknown one is an error of kind CATALOG. */
int order_catalogs(const struct head *head, const struct json *names, struct json **catalogs,
	struct error *err);
/* "[REPOSITORY/]NAME" in a catalog; the caller frees. */
char *order_catalog_image(const struct repository_record *repository, const char *name);
/* The folder of a version's files in the first known catalog that it was published to, "" if none is; the caller frees. */
char *order_version_folder(const struct head *head, const struct repository_record *repository,
	const struct image_record *image, const struct build_record *build);

struct build_order_options {
	bool no_checkpoints;
	const char *on_error; /* "cleanup" or "abort" */
};
/* Adds what building needs to ORDER: the recipe, step by step, and the bases. */
int order_add_build(struct json *order, struct repository *repository,
	const struct definition *definition, const struct build_inputs *inputs,
	const struct build_order_options *options, struct error *err);

/* Adds to ORDER, of a validation, what starting the finished machine needs: the builder's options. */
void order_add_machine(
	struct json *order, const struct repository *repository, const struct build_inputs *inputs);

/* [{"image", "version", "digest", "text"}] of the bases of an evaluated image, as the store keeps them. */
int order_bases(struct repository *repository, const struct evaluated_image *image,
	struct json **bases, struct error *err);
