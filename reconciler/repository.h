/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A repository that is being looked at: its git objects, what the operator grants it, what the store knows of it. */

#include "reconciler/head.h"

/* What one apply adds to what the operator and the repository say. */
struct build_settings {
	struct map overrides; /* -var and -var-file: struct variable_override */
	struct strings allow; /* further powers */
	bool no_checkpoints;
	char *on_error; /* "cleanup" or "abort"; NULL: the former */
};
void build_settings_clear(struct build_settings *settings);
/* It changes what images are wanted, not only how they are built. */
bool build_settings_decide(const struct build_settings *settings);

/* Must not move while it is open: its evaluator points into it. */
struct repository {
	struct head *head;
	struct service_repository *configured; /* or NULL */
	int64_t id;                            /* in the store; 0: never applied */
	char *name, *place;                    /* place: canonical; what the store knows it by */
	char *mirror; /* of a remote: the folder that has its commits; NULL: it is on this machine */
	char *ref;    /* what is followed */
	bool prefixed;
	struct source *source;
	int64_t opened_usec; /* of CLOCK_MONOTONIC: just before */
	struct strings grants;
	const struct build_settings *settings; /* or NULL */
	struct map secrets;                    /* name -> value, read once */
	char *secrets_digest;
	struct evaluator evaluator;
	const struct json *pinned; /* which versions bases are, as a build recorded them; borrowed, NULL: those that channels name now */
	struct map evaluations; /* what was evaluated for explanations; planning.c's */
};
/*
 * PLACE is a path, a URL, or the name of a configured repository. FOLDER is what a relative path counts from. Of a remote
 * its mirror is opened, as it was fetched last; kind TRANSIENT: it never was.
 */

int repository_open(struct head *head, const char *place, const char *folder,
	struct repository *repository, struct error *err);
/*
 * What the store knows the repository at PLACE (canonical) by. One that is configured several times, for several refs, is as many
 * repositories: all but the first are told apart by their names. The caller frees.
 */
char *repository_place(
	const struct head *head, const char *place, const struct service_repository *configured);
/* The folder of the mirror of the remote at URL, which CONFIGURED (may be NULL) names. The caller frees. */
char *repository_mirror(
	const struct head *head, const char *url, const struct service_repository *configured);
/*
 * Where the repository has no mirror by its name, but one by the name that it had before (it was given one, or another): that one is
 * its mirror from now on, with the commits that are pinned there. TRANSIENT while it is being fetched.
 */
int repository_move_mirror(struct head *head, const char *url,
	const struct service_repository *configured, struct error *err);
void repository_close(struct repository *repository);
/* SETTINGS (may be NULL) are borrowed as long as it is open. */
void repository_apply(struct repository *repository, const struct build_settings *settings);
/* Its row in the store, made if there is none; the ref is fixed then. */
int repository_register(struct repository *repository, struct error *err);
/* The version that REFERENCE names, of this repository. 1 found, 0 not, -1. */
int repository_find_version(struct repository *repository, const struct image_reference *reference,
	struct build_record *build, struct error *err);
/* The commit that is followed, or the one REVISION names. */
int repository_resolve(struct repository *repository, const char *revision, struct commit *commit,
	struct error *err);
