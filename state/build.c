/* SPDX-License-Identifier: Apache-2.0 */
#include "state/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strings.h"
#include "state/event.h"
#include "state/image.h"
#include "state/statement.h"

void build_record_clear(struct build_record *record)
{
	free(record->id);
	free(record->commit);
	free(record->author);
	free(record->definition);
	free(record->policy);
	free(record->reasons);
	free(record->bases);
	free(record->builder);
	free(record->artifact);
	free(record->error_kind);
	free(record->error_text);
	*record = (struct build_record){0};
}

void build_records_clear(struct build_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		build_record_clear(&records->items[i]);
	free(records->items);
	*records = (struct build_records){0};
}

/* The columns of BUILD_COLUMNS, in their order. */
static struct build_record read_build(sqlite3_stmt *row)
{
	struct build_record record = {
		.id = column_text(row, 0),
		.image = sqlite3_column_int64(row, 1),
		.phase = phase_find((const char *)sqlite3_column_text(row, 2)),
		.version = sqlite3_column_int64(row, 3),
		.commit = column_text(row, 4),
		.author = column_text(row, 5),
		.authored_usec = sqlite3_column_int64(row, 6),
		.reuses = sqlite3_column_int64(row, 8),
		.definition = column_text(row, 9),
		.policy = column_text(row, 10),
		.reasons = column_text(row, 11),
		.bases = column_text(row, 12),
		.builder = column_text(row, 13),
		.artifact = column_text_or_null(row, 15),
		.created_usec = sqlite3_column_int64(row, 17),
		.started_usec = sqlite3_column_int64(row, 18),
		.ended_usec = sqlite3_column_int64(row, 19),
		.live_usec = sqlite3_column_int64(row, 20),
		.confirmed_usec = sqlite3_column_int64(row, 21),
		.attempts = sqlite3_column_int64(row, 22),
		.error_kind = column_text_or_null(row, 23),
		.error_text = column_text_or_null(row, 24),
	};

	column_digest(row, 7, &record.closure);
	record.has_digest = column_digest(row, 14, &record.digest);
	record.has_validated = column_digest(row, 16, &record.validated);
	return record;
}

static int find_build(struct store *store, enum query query, const struct parameter *with,
	struct build_record *record, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, query, with, err);
	int found = statement_step(store, row, err);

	if (found > 0) {
		*record = read_build(row);
		statement_end(row);
	}
	return found;
}

static int list_builds(struct store *store, enum query query, const struct parameter *with,
	struct build_records *records, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, query, with, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		MEMORY_GROW(records->items, records->count, records->room);
		records->items[records->count++] = read_build(row);
	}
	return more;
}

static int add_closure(struct store *store, const struct digest *digest, const char *text,
	const char *notes, struct error *err)
{
	return statement_run(store, QUERY_CLOSURE_ADD,
		WITH(digest_blob(":digest", digest), string(":text", text),
			string(":notes", notes)),
		err);
}

int build_add(struct store *store, const struct build_record *record, const char *closure_text,
	const char *closure_notes, const char *image_name, struct error *err)
{
	struct json *data = json_new_object();

	json_set_text(data, "to", phase_name(PHASE_PLANNED));
	json_set_text(data, "commit", record->commit);
	json_set_text(data, "author", record->author);
	char text[DIGEST_TEXT_SIZE];
	json_set_text(data, "closure", digest_text(&record->closure, text));
	if (add_closure(store, &record->closure, closure_text, closure_notes, err) < 0 ||
		statement_run(store, QUERY_BUILD_ADD,
			WITH(string(":id", record->id), number(":image", record->image),
				string(":commit", record->commit),
				string(":author", record->author),
				number(":authored", record->authored_usec),
				digest_blob(":closure", &record->closure),
				number_or_null(":reuses", record->reuses),
				string(":definition", record->definition),
				string(":policy", record->policy),
				string(":reasons", record->reasons),
				string(":bases", record->bases),
				string(":builder", record->builder),
				number(":created", record->created_usec)),
			err) < 0) {
		json_free(data);
		return -1;
	}
	return event_add(store, record->created_usec, "phase", image_name, record->id, data, err);
}

int build_import(struct store *store, const struct build_record *record, const char *closure_text,
	const char *image_name, struct error *err)
{
	struct json *data = json_new_object();

	char text[DIGEST_TEXT_SIZE];
	json_set_text(data, "to", phase_name(record->phase));
	json_set_text(data, "commit", record->commit);
	json_set_text(data, "author", record->author);
	json_set_text(data, "closure", digest_text(&record->closure, text));
	json_set_text(data, "digest", digest_text(&record->digest, text));
	json_set_integer(data, "version", record->version);
	if (add_closure(store, &record->closure, closure_text, "{}", err) < 0 ||
		statement_run(store, QUERY_BUILD_IMPORT,
			WITH(string(":id", record->id), number(":image", record->image),
				string(":phase", phase_name(record->phase)),
				number(":version", record->version),
				string(":commit", record->commit),
				string(":author", record->author),
				number(":authored", record->authored_usec),
				digest_blob(":closure", &record->closure),
				string(":definition", record->definition),
				string(":policy", record->policy),
				string(":reasons", record->reasons),
				string(":bases", record->bases),
				string(":builder", record->builder),
				digest_blob(":digest", &record->digest),
				string(":artifact", record->artifact),
				number(":created", record->created_usec),
				number_or_null(":started", record->started_usec),
				number_or_null(":ended", record->ended_usec),
				number_or_null(":live", record->live_usec),
				digest_blob(":validated",
					record->has_validated ? &record->validated : NULL)),
			err) < 0 ||
		image_note_version(store, record->image, record->version, err) < 0) {
		json_free(data);
		return -1;
	}
	return event_add(store, record->ended_usec, "import", image_name, record->id, data, err);
}

int build_find(struct store *store, const char *id, struct build_record *record, struct error *err)
{
	return find_build(store, QUERY_BUILD_BY_ID, WITH(string(":id", id)), record, err);
}

int build_find_version(struct store *store, int64_t image, int64_t version,
	struct build_record *record, struct error *err)
{
	return find_build(store, QUERY_BUILD_BY_VERSION,
		WITH(number(":image", image), number(":version", version)), record, err);
}

int build_find_newest(
	struct store *store, int64_t image, struct build_record *record, struct error *err)
{
	return find_build(store, QUERY_BUILD_NEWEST, WITH(number(":image", image)), record, err);
}

int builds_of_image(
	struct store *store, int64_t image, struct build_records *records, struct error *err)
{
	return list_builds(
		store, QUERY_BUILDS_OF_IMAGE, WITH(number(":image", image)), records, err);
}

int builds_under_way(struct store *store, struct build_records *records, struct error *err)
{
	return list_builds(store, QUERY_BUILDS_UNDER_WAY, NULL, records, err);
}

int builds_published(
	struct store *store, int64_t image, struct build_records *records, struct error *err)
{
	return list_builds(
		store, QUERY_BUILDS_PUBLISHED, WITH(number(":image", image)), records, err);
}

int builds_commits(
	struct store *store, int64_t repository, struct strings *commits, struct error *err)
{
	sqlite3_stmt *row = statement_begin(
		store, QUERY_BUILDS_COMMITS, WITH(number(":repository", repository)), err);
	int more;

	while ((more = statement_step(store, row, err)) > 0)
		strings_add(commits, (const char *)sqlite3_column_text(row, 0));
	return more;
}

int builds_with_bases(struct store *store, struct build_records *records, struct error *err)
{
	return list_builds(store, QUERY_BUILDS_WITH_BASES, NULL, records, err);
}

int builds_of_commit(
	struct store *store, const char *commit, struct build_records *records, struct error *err)
{
	/* every id that begins with COMMIT lies between it and it with a byte behind 'f' */
	autofree char *high = memory_printf("%sg", commit);

	return list_builds(store, QUERY_BUILDS_BY_COMMIT,
		WITH(string(":low", commit), string(":high", high)), records, err);
}

int builds_of_digest(struct store *store, const struct digest *digest,
	struct build_records *records, struct error *err)
{
	return list_builds(
		store, QUERY_BUILDS_BY_DIGEST, WITH(digest_blob(":digest", digest)), records, err);
}

int builds_of_file(struct store *store, const struct digest *digest, struct build_records *records,
	struct error *err)
{
	char hex[DIGEST_HEX_SIZE];

	return list_builds(store, QUERY_BUILDS_BY_FILE,
		WITH(string(":sha256", digest_hex(digest, hex))), records, err);
}

int builds_of_output(
	struct store *store, const char *id, struct build_records *records, struct error *err)
{
	return list_builds(store, QUERY_BUILDS_BY_OUTPUT, WITH(string(":id", id)), records, err);
}

int builds_of_closure(struct store *store, const struct digest *closure,
	struct build_records *records, struct error *err)
{
	return list_builds(store, QUERY_BUILDS_BY_CLOSURE, WITH(digest_blob(":closure", closure)),
		records, err);
}

int builds_versions(struct store *store, struct build_records *records, struct error *err)
{
	return list_builds(store, QUERY_BUILDS_ALL_VERSIONS, NULL, records, err);
}

/* ---- moving ---- */

/* What comes with a phase beside its name. */
static int enter_phase(struct store *store, struct build_record *build,
	const struct build_move *move, struct json *data, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];

	switch (move->to) {
	case PHASE_BUILDING:
		if (!build->started_usec)
			build->started_usec = move->usec;
		return statement_run(store, QUERY_BUILD_SET_STARTED,
			WITH(string(":id", build->id), number(":usec", move->usec)), err);
	case PHASE_PUBLISHING:
		if (!build->version) {
			if (image_next_version(store, build->image, &build->version, err) < 0)
				return -1;
			json_set_integer(data, "version", build->version);
			json_set_text(data, "digest", digest_text(&build->digest, text));
		}
		return statement_run(store, QUERY_BUILD_SET_VERSION,
			WITH(string(":id", build->id), number(":version", build->version)), err);
	case PHASE_LIVE:
		json_set_integer(data, "version", build->version);
		if (build->phase == PHASE_SWITCHING &&
			(statement_run(store, QUERY_BUILD_SET_ENDED,
				 WITH(string(":id", build->id), number(":usec", move->usec)),
				 err) < 0 ||
				build_set_confirmed(store, build->id, move->usec, err) < 0))
			return -1;
		return statement_run(store, QUERY_BUILD_SET_LIVE,
			WITH(string(":id", build->id), number(":usec", move->usec)), err);
	case PHASE_FAILED:
		if (statement_run(store, QUERY_BUILD_SET_ERROR,
			    WITH(string(":id", build->id),
				    string(":kind", error_kind_name(move->cause->kind)),
				    string(":text", move->cause->text)),
			    err) < 0)
			return -1;
		json_set_text(data, "error", move->cause->text);
		break;
	case PHASE_CANCELLED:
	case PHASE_UNNEEDED:
		break;
	default:
		return 0;
	}
	return statement_run(store, QUERY_BUILD_SET_ENDED,
		WITH(string(":id", build->id), number(":usec", move->usec)), err);
}

int build_move(struct store *store, struct build_record *build, const struct build_move *move,
	struct error *err)
{
	if (!phase_can_follow(build->phase, move->to))
		return fail(err, ERROR_BROKEN, "build %s cannot go from %s to %s", build->id,
			phase_name(build->phase), phase_name(move->to));
	if (statement_run(store, QUERY_BUILD_SET_PHASE,
		    WITH(string(":id", build->id), string(":from", phase_name(build->phase)),
			    string(":to", phase_name(move->to))),
		    err) < 0)
		return -1;
	if (sqlite3_changes(store_database(store)) != 1)
		return fail(err, ERROR_CONFLICT, "build %s is not %s any more", build->id,
			phase_name(build->phase));

	struct json *data = json_new_object();
	json_set_text(data, "from", phase_name(build->phase));
	json_set_text(data, "to", phase_name(move->to));
	if (move->text)
		json_set_text(data, "text", move->text);
	if (enter_phase(store, build, move, data, err) < 0) {
		json_free(data);
		return -1;
	}
	if (event_add(store, move->usec, "phase", move->image_name, build->id, data, err) < 0)
		return -1;
	build->phase = move->to;
	return 0;
}

int build_set_artifact(struct store *store, const char *id, const struct digest *digest,
	const char *artifact, struct error *err)
{
	return statement_run(store, QUERY_BUILD_SET_ARTIFACT,
		WITH(string(":id", id), digest_blob(":digest", digest),
			string(":artifact", artifact)),
		err);
}

int build_set_validated(
	struct store *store, const char *id, const struct digest *rules, struct error *err)
{
	return statement_run(store, QUERY_BUILD_SET_VALIDATED,
		WITH(string(":id", id), digest_blob(":validated", rules)), err);
}

int build_set_confirmed(struct store *store, const char *id, int64_t usec, struct error *err)
{
	return statement_run(store, QUERY_BUILD_SET_CONFIRMED,
		WITH(string(":id", id), number(":usec", usec)), err);
}

int build_set_policy(struct store *store, const char *id, const char *policy, struct error *err)
{
	return statement_run(store, QUERY_BUILD_SET_POLICY,
		WITH(string(":id", id), string(":policy", policy)), err);
}

int build_add_attempt(struct store *store, const char *id, struct error *err)
{
	return statement_run(store, QUERY_BUILD_ADD_ATTEMPT, WITH(string(":id", id)), err);
}

/* ---- closures ---- */

int closure_find(struct store *store, const struct digest *digest, char **text, char **notes,
	struct error *err)
{
	sqlite3_stmt *row = statement_begin(
		store, QUERY_CLOSURE_GET, WITH(digest_blob(":digest", digest)), err);
	int found = statement_step(store, row, err);

	if (found <= 0)
		return found;
	*text = column_text(row, 0);
	if (notes)
		*notes = column_text(row, 1);
	statement_end(row);
	return 1;
}

void digests_clear(struct digests *digests)
{
	free(digests->items);
	*digests = (struct digests){0};
}

int closures_with_line(
	struct store *store, const char *line, struct digests *digests, struct error *err)
{
	autofree char *whole = memory_printf("\n%s", line);
	sqlite3_stmt *row =
		statement_begin(store, QUERY_CLOSURES_WITH, WITH(string(":line", whole)), err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		struct digest digest;
		column_digest(row, 0, &digest);
		MEMORY_GROW(digests->items, digests->count, digests->room);
		digests->items[digests->count++] = digest;
	}
	return more;
}

/* ---- the ledger ---- */

void ledger_entries_clear(struct ledger_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		free(entries->items[i].build);
		free(entries->items[i].kind);
		free(entries->items[i].tag);
	}
	free(entries->items);
	*entries = (struct ledger_entries){0};
}

int ledger_add(struct store *store, const char *build, const char *kind, const char *tag,
	int64_t usec, struct error *err)
{
	return statement_run(store, QUERY_LEDGER_ADD,
		WITH(string(":build", build), string(":kind", kind), string(":tag", tag),
			number(":usec", usec)),
		err);
}

int ledger_remove(struct store *store, int64_t id, struct error *err)
{
	return statement_run(store, QUERY_LEDGER_REMOVE, WITH(number(":id", id)), err);
}

int ledger_list(
	struct store *store, const char *build, struct ledger_entries *entries, struct error *err)
{
	sqlite3_stmt *row = statement_begin(store, build ? QUERY_LEDGER_OF : QUERY_LEDGER_ALL,
		build ? WITH(string(":build", build)) : NULL, err);
	int more;

	while ((more = statement_step(store, row, err)) > 0) {
		MEMORY_GROW(entries->items, entries->count, entries->room);
		entries->items[entries->count++] = (struct ledger_entry){
			.id = sqlite3_column_int64(row, 0),
			.build = column_text(row, 1),
			.kind = column_text(row, 2),
			.tag = column_text(row, 3),
			.created_usec = sqlite3_column_int64(row, 4),
		};
	}
	return more;
}
