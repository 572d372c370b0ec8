/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Private to evaluate*.c: a definition that is being evaluated, and one image of it. evaluate.c has the order of things;
 * evaluate_work.c the variables, evaluate_references.c the files that are named, evaluate_powers.c what the operator must
 * grant and what is secret, evaluate_closure.c the text that comes of it.
 */

#include "base/redact.h"
#include "reconciler/evaluate.h"
#include "reconciler/reference.h"

enum { FOLDERS_MOST = 2 }; /* that relative paths may count from */

struct work {
	const struct evaluator *evaluator;
	const struct definition *definition;
	struct evaluation *evaluation;
	struct template *template;
	struct map overrides;
	struct reasons problems; /* of the definition: every image of it has them */
	char *candidates[FOLDERS_MOST];
	size_t candidate_count;
	struct variables variables[FOLDERS_MOST]; /* as they are with each folder ({{pwd}} is it) */
	bool solved[FOLDERS_MOST];
	struct error *err;
};

struct image_work {
	struct work *work;
	struct evaluated_image *image;
	const struct template_part *builder;
	struct recipe recipe;
	struct references references;
	struct strings
		*files; /* for each provisioner, then builder, cleanup and each post-processor */
	struct redactor masks;
	struct inputs *inputs;
};

/* ---- evaluate.c ---- */

/* One more image of the evaluation, which takes NAME over. */
struct evaluated_image *work_add_image(struct work *work, char *name);
/* The digest of the definition's `validate`. */
void work_digest_rules(const struct work *work, struct digest *digest);
/* What INPUTS depend on is the definition's too; they go to KEEP, or are dropped where it is NULL. */
void work_finish_inputs(struct work *work, struct inputs *inputs, struct inputs *keep);

/* ---- evaluate_hcl.c ---- */

/* The template is one in HCL2. */
int evaluate_is_hcl(struct work *work, bool *is, struct error *err);
/* All of it; KEEP (may be NULL) gets the inputs of the build in place of their being dropped. */
int evaluate_hcl(struct work *work, struct inputs *keep);

/* ---- evaluate_work.c ---- */

void work_clear(struct work *work);
/* The definition's var-files and variables, into `overrides`. */
int work_read_var_files(struct work *work);
void work_read_variables(struct work *work);
void work_free_override(void *override);
/* Fills `candidates`. */
void work_find_folders(struct work *work);
/* Solves the variables for candidate INDEX ({{pwd}} is that folder), once. */
int work_solve(struct work *work, size_t index, struct error *err);
/* A variable of the environment that the operator grants; NULL: it is not there, or not granted. CONTEXT is the work. */
const char *work_get_environment(void *context, const char *name);
/* FOLDER as a build sees it; the caller frees. */
char *work_rooted(const char *folder);

/* ---- evaluate_references.c ---- */

void image_work_clear(struct image_work *build);
/* The recipe as it is with relative paths from candidate INDEX. */
int image_work_make_recipe(struct image_work *build, size_t index);
/* Chooses the folder that relative paths count from; *CHOSEN is its candidate. 1 if every file is there. */
int image_work_choose_folder(struct image_work *build, size_t *chosen);
/* What the reference names becomes an input; FOLDER is what relative paths count from. */
int image_work_add_reference(
	struct image_work *build, const struct reference *reference, const char *folder);
/* The same for what provisioners' tools read beside that. */
int image_work_add_tool_inputs(struct image_work *build, const char *folder);
/* The definition's `inputs`; their paths go to ADDED. */
int image_work_add_inputs(struct image_work *build, struct strings *added);
/* The place of PART in `files`. */
size_t image_work_owner(const struct image_work *build, const struct recipe_part *part);

/* ---- evaluate_powers.c ---- */

/* Every power that the image needs and has not is a problem of it. */
void image_work_check_powers(struct image_work *build);
/* NEED is one of them, because of WHAT. */
void image_work_need_power(struct image_work *build, const char *need, const char *what);
/* packer builds it, because of WHY. */
void image_work_need_engine(struct image_work *build, const char *why);
/* What the definition's `validate` and `publish` need and name. */
void image_work_check_rules(struct image_work *build);
/* Files that packer would load as plugins, and so run on this machine, are a problem. */
void image_work_refuse_plugins(struct image_work *build);
/* Who builds it; that nobody can, or that packer may not, is a problem. */
void image_work_choose_engine(struct image_work *build);
/* What stands in the closure in place of secret and sensitive values. */
void image_work_add_masks(struct image_work *build, const struct variables *variables);
bool image_work_holds_masked(const struct redactor *masks, const struct json *value);
void image_work_add_secrets(
	struct image_work *build, const struct variables *variables, struct closure *closure);

/* ---- evaluate_closure.c ---- */

/* The definition's `steps` name steps that there are. */
void image_work_check_steps(struct image_work *build);
/* The line that says that packer builds it. */
void image_work_add_engine(struct closure *closure);
/* EXTRA are the paths of the definition's `inputs`. */
void image_work_write_closure(
	struct image_work *build, const struct variables *variables, const struct strings *extra);
/* What explains a difference later: variables, the template's path. */
void image_work_write_notes(struct image_work *build, const struct variables *variables);
