/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Builds, which are also the versions they became, and the one function that moves them from phase to phase: in one
 * transaction with the event that tells of it.
 */

#include "base/digest.h"
#include "base/json.h"
#include "state/phase.h"
#include "state/store.h"

struct build_record {
	char *id;
	int64_t image;
	enum phase phase;
	int64_t version; /* 0: none yet */
	char *commit, *author;
	int64_t authored_usec;
	struct digest closure;
	int64_t reuses; /* 0: it builds */
	char *definition;
	char *policy, *reasons, *bases; /* JSON */
	char *builder;
	bool has_digest;
	struct digest digest; /* of the artifact */
	char *artifact;       /* JSON or NULL */
	bool has_validated;
	struct digest validated;
	int64_t created_usec, started_usec, ended_usec, live_usec, confirmed_usec; /* 0: not yet */
	int64_t attempts;
	char *error_kind, *error_text; /* NULL: none */
};
void build_record_clear(struct build_record *record);

struct build_records {
	struct build_record *items;
	size_t count, room;
};
void build_records_clear(struct build_records *records);

/* A new build in phase planned, with its event. RECORD gives all but phase, version and results. */
int build_add(struct store *store, const struct build_record *record, const char *closure_text,
	const char *closure_notes, const char *image_name, struct error *err);
/* A version that another store recorded: what its manifest says. Not an attempt; the phase is given. */
int build_import(struct store *store, const struct build_record *record, const char *closure_text,
	const char *image_name, struct error *err);

/* 1 found, 0 not, -1 error. */
int build_find(struct store *store, const char *id, struct build_record *record, struct error *err);
int build_find_version(struct store *store, int64_t image, int64_t version,
	struct build_record *record, struct error *err);
/* Not counting what was built only to be compared (policy: cold). */
int build_find_newest(
	struct store *store, int64_t image, struct build_record *record, struct error *err);

/* Oldest first. */
int builds_of_image(
	struct store *store, int64_t image, struct build_records *records, struct error *err);
int builds_under_way(struct store *store, struct build_records *records, struct error *err);
/* Those that the catalog has (live and superseded), by version. */
int builds_published(
	struct store *store, int64_t image, struct build_records *records, struct error *err);
/* Live ones and those under way that are built on an image of the catalog. */
int builds_with_bases(struct store *store, struct build_records *records, struct error *err);
/* COMMIT may be the beginning of one. */
int builds_of_commit(
	struct store *store, const char *commit, struct build_records *records, struct error *err);
/* Versions whose artifact has that digest. */
int builds_of_digest(struct store *store, const struct digest *digest,
	struct build_records *records, struct error *err);
/* Versions whose artifact has a file of that digest. */
int builds_of_file(struct store *store, const struct digest *digest, struct build_records *records,
	struct error *err);
/* Versions that are something elsewhere of that id, "REGION:ID" or one of a list with commas by what it is alone too. */
int builds_of_output(
	struct store *store, const char *id, struct build_records *records, struct error *err);
int builds_of_closure(struct store *store, const struct digest *closure,
	struct build_records *records, struct error *err);
/* The commits that images of REPOSITORY came from which are in the catalog, or are on their way there; each once. */
struct strings;
int builds_commits(
	struct store *store, int64_t repository, struct strings *commits, struct error *err);
/* Every version there ever was. */

int builds_versions(struct store *store, struct build_records *records, struct error *err);

/* What a move brings with it; fields that are not set change nothing. */
struct build_move {
	enum phase to;
	int64_t usec;
	const char *image_name;    /* "REPOSITORY/NAME", for the event */
	const struct error *cause; /* failed: why */
	const char *text;          /* for the event */
};
/*
 * Moves BUILD, which must be in FROM. To be called inside a transaction. A move that state/phase.c does not have is an
 * error of kind BROKEN; a build that is not in FROM any more one of kind CONFLICT. To publishing: gives it its number.
 */
int build_move(struct store *store, struct build_record *build, const struct build_move *move,
	struct error *err);

int build_set_artifact(struct store *store, const char *id, const struct digest *digest,
	const char *artifact, struct error *err);
int build_set_validated(
	struct store *store, const char *id, const struct digest *rules, struct error *err);
int build_set_confirmed(struct store *store, const char *id, int64_t usec, struct error *err);
int build_set_policy(struct store *store, const char *id, const char *policy, struct error *err);
int build_add_attempt(struct store *store, const char *id, struct error *err);

/* The text of a closure that something was built from, and its notes (NULL: not wanted). 1 found, 0 not. */
int closure_find(struct store *store, const struct digest *digest, char **text, char **notes,
	struct error *err);
/* The closures that have LINE among their lines, or a line that begins with it. */
struct digests {
	struct digest *items;
	size_t count, room;
};
void digests_clear(struct digests *digests);
int closures_with_line(
	struct store *store, const char *line, struct digests *digests, struct error *err);

/* ---- the ledger: things outside of the store, written down before they are made ---- */

struct ledger_entry {
	int64_t id;
	char *build, *kind, *tag;
	int64_t created_usec;
};
struct ledger_entries {
	struct ledger_entry *items;
	size_t count, room;
};
void ledger_entries_clear(struct ledger_entries *entries);
int ledger_add(struct store *store, const char *build, const char *kind, const char *tag,
	int64_t usec, struct error *err);
int ledger_remove(struct store *store, int64_t id, struct error *err);
/* BUILD NULL: all. */
int ledger_list(
	struct store *store, const char *build, struct ledger_entries *entries, struct error *err);
