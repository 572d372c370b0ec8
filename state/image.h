/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Repositories and their images, and what people have marked on images and versions. */

#include "base/digest.h"
#include "base/strings.h"
#include "state/store.h"

struct repository_record {
	int64_t id;
	char *name, *place, *ref;
	bool prefixed;
	char *last_commit; /* NULL: never applied */
};
void repository_record_clear(struct repository_record *record);

struct image_record {
	int64_t id, repository;
	char *repository_name, *name;
	int64_t last_version;
	bool held;
};
void image_record_clear(struct image_record *record);

/* 1 found, 0 not, -1 error; RECORD is set only if found. */
int repository_find_by_place(struct store *store, const char *place,
	struct repository_record *record, struct error *err);
int repository_find_by_name(
	struct store *store, const char *name, struct repository_record *record, struct error *err);
int repository_find(
	struct store *store, int64_t id, struct repository_record *record, struct error *err);
int repository_add(struct store *store, const char *name, const char *place, const char *ref,
	bool prefixed, int64_t *id, struct error *err);
int repository_set_commit(struct store *store, int64_t id, const char *commit, struct error *err);

struct repository_records {
	struct repository_record *items;
	size_t count, room;
};
void repository_records_clear(struct repository_records *records);
int repositories_list(struct store *store, struct repository_records *records, struct error *err);

int image_find(struct store *store, int64_t repository, const char *name,
	struct image_record *record, struct error *err);
int image_find_by_id(
	struct store *store, int64_t id, struct image_record *record, struct error *err);
/* The image's id, made where there is none. */
int image_get(
	struct store *store, int64_t repository, const char *name, int64_t *id, struct error *err);
int image_set_held(struct store *store, int64_t image, bool held, struct error *err);
/* A number never given before: to be called in the transaction that uses it. */
int image_next_version(struct store *store, int64_t image, int64_t *version, struct error *err);
/* VERSION was given: no smaller one will be. */
int image_note_version(struct store *store, int64_t image, int64_t version, struct error *err);

struct image_records {
	struct image_record *items;
	size_t count, room;
};
void image_records_clear(struct image_records *records);
/* Of one repository, or with REPOSITORY 0 of all; with NAME (may be NULL) only those called so. */
int images_list(struct store *store, int64_t repository, const char *name,
	struct image_records *records, struct error *err);

/* ---- marks ---- */

struct version_mark {
	char *name;            /* channels */
	struct digest closure; /* quarantines, equals */
	int64_t version;
};
struct version_marks {
	struct version_mark *items;
	size_t count, room;
};
void version_marks_clear(struct version_marks *marks);

enum mark { MARK_CHANNEL, MARK_HOLD, MARK_QUARANTINE, MARK_EQUAL, MARK_COUNT };
int marks_list(struct store *store, int64_t image, enum mark mark, struct version_marks *marks,
	struct error *err);

int channel_set(
	struct store *store, int64_t image, const char *name, int64_t version, struct error *err);
/* The image is given up. */
int channels_remove(struct store *store, int64_t image, struct error *err);
/* The version that the channel names, 0 if there is no such channel. */
int channel_find(
	struct store *store, int64_t image, const char *name, int64_t *version, struct error *err);
int hold_set(struct store *store, int64_t image, int64_t version, bool held, struct error *err);
int quarantine_add(struct store *store, int64_t image, const struct digest *closure,
	int64_t version, struct error *err);
/* Of one version, or with VERSION 0 of all of the image. */
int quarantine_lift(struct store *store, int64_t image, int64_t version, struct error *err);
int equal_set(struct store *store, int64_t image, const struct digest *closure, int64_t version,
	struct error *err);

/* ---- failures ---- */

struct failure_record {
	enum error_kind kind;
	char *text;
	int64_t tries;
	int64_t next_usec; /* 0: not before something changes */
};
void failure_record_clear(struct failure_record *record);
int failure_find(struct store *store, int64_t image, const struct digest *closure,
	struct failure_record *record, struct error *err);
/* One try more. */
int failure_set(struct store *store, int64_t image, const struct digest *closure,
	const struct error *cause, int64_t next_usec, struct error *err);
/* CLOSURE NULL: all of the image. */
int failure_forget(
	struct store *store, int64_t image, const struct digest *closure, struct error *err);
