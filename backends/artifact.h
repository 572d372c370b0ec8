/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a builder made and post-processors made of it: files below the build's tree/, as Packer's artifacts are. The
 * digest of an artifact is that of its one file, or of the list of its files (SHA256SUMS).
 */

#include "backends/job.h"
#include "base/digest.h"

/* The builder id of what is nothing: the null builder's. */
#define ARTIFACT_NOTHING "fnoeding.null"

struct artifact_file {
	char *path; /* below tree/ */
	char *shown; /* as the template names it; NULL: as it is from the folder that its paths count from */
	bool digested;
	struct digest digest;
	int64_t size;
};

struct artifact {
	char *builder_id, *id, *text; /* what Packer shows of it */
	/*
	 * What else post-processors may know of it, or NULL: {"generated_data": {...}} for {{.X}}, and of a machine's disk
	 * {"diskName", "domainType"}, as in Packer.
	 */
	struct json *state;
	struct artifact_file *files;
	size_t count, room;
};
struct artifact *artifact_new(const char *builder_id, const char *id, const char *text);
struct artifact *artifact_copy(const struct artifact *artifact);
void artifact_free(struct artifact *artifact);
static inline void artifact_freep(struct artifact **artifact)
{
	artifact_free(*artifact);
}

/* A path below tree/. DIGEST (then SIZE is its size too) may be NULL: it is read when it is needed. */
void artifact_add(
	struct artifact *artifact, const char *path, const struct digest *digest, int64_t size);
bool artifact_has(const struct artifact *artifact, const char *path);
/* The last one that was added is called SHOWN where people read its name. */
void artifact_show(struct artifact *artifact, const char *shown);
/* What people and manifests call a file (borrowed). */
const char *artifact_shown(const struct job *job, const struct artifact_file *file);
/* Opens a file for reading; only a regular file will do. STATUS may be NULL. */
struct stat;
int artifact_open(
	struct job *job, const struct artifact_file *file, struct stat *status, struct error *err);

/* Files of several artifacts, each path once, as what is published: every one digested, names without common folders. */
struct published_file {
	char *name; /* below files/ */
	char *path; /* below tree/ */
	struct digest digest;
	int64_t size;
	struct json *identity; /* base/file_identity.h, from before DIGEST was read; NULL: not known. Owned */
};
struct published {
	struct published_file *items; /* by name */
	size_t count, room;
	struct digest digest;
};
void published_clear(struct published *published);
int published_make(struct job *job, struct artifact *const *artifacts, size_t count,
	struct published *published, struct error *err);
/* Its file for reading: of the build, or, where the order names an `artifact_folder`, of the version there. */
int published_open(struct job *job, const struct published_file *file, struct error *err);
/* Likewise of a version whose files are in FOLDER; NULL: of the build. */
int published_open_in(struct job *job, const char *folder, const struct published_file *file,
	struct error *err);
/* A version's files, laid where its build had them; nothing to do where the build's own are there. */
int published_lay_out(struct job *job, struct error *err);
/* SHA256SUMS of it: "HEX  files/NAME\n" each. The caller frees. */
char *published_sums(const struct published *published);

/* [{"builder_id", "id", "text", "files": COUNT}]: what each of them is. */
struct json *artifacts_to_json(struct artifact *const *artifacts, size_t count);

/* {"digest", "files": [{"name", "path", "sha256", "size"}]} and the reverse. */
struct json *published_to_json(const struct published *published);
int published_from_json(const struct json *json, struct published *published, struct error *err);
