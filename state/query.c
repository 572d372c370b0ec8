/* SPDX-License-Identifier: Apache-2.0 */
/* The queries by name. A test prepares each one. */
#include "state/statement.h"

#define BUILD_COLUMNS                                                                          \
	"builds.id, builds.image, phase, version, commit_id, author, authored_usec, closure, " \
	"reuses, definition, policy, reasons, bases, builder, digest, artifact, validated, "   \
	"created_usec, started_usec, ended_usec, live_usec, confirmed_usec, attempts, "        \
	"error_kind, "                                                                         \
	"error_text"
#define IMAGE_COLUMNS \
	"images.id, images.repository, repositories.name, images.name, last_version, held"
/* Of builds: it is not one that was made only to be compared. */
#define IS_NOT_COLD                                                             \
	"CASE WHEN json_valid(builds.policy) THEN json_extract(builds.policy, " \
	"'$.cold') END IS NULL "
#define FROM_IMAGES "FROM images JOIN repositories ON repositories.id = images.repository "
#define REPOSITORY_COLUMNS "id, name, place, ref, prefixed, last_commit"
#define EVENT_COLUMNS "id, usec, kind, image, build, data, previous, digest"
#define PLAN_IMAGE_COLUMNS "plan_definitions.key, plan_images.name, facts, closure"
#define FROM_PLAN_IMAGES \
	"FROM plan_images JOIN plan_definitions ON plan_definitions.id = plan_images.definition "

static const char *const sql[QUERY_COUNT] = {
	[QUERY_NONE] = "SELECT 1",

	[QUERY_REPOSITORY_BY_PLACE] =
		"SELECT " REPOSITORY_COLUMNS " FROM repositories WHERE place = :place",
	[QUERY_REPOSITORY_BY_NAME] =
		"SELECT " REPOSITORY_COLUMNS " FROM repositories WHERE name = :name",
	[QUERY_REPOSITORY_BY_ID] = "SELECT " REPOSITORY_COLUMNS " FROM repositories WHERE id = :id",
	[QUERY_REPOSITORIES] = "SELECT " REPOSITORY_COLUMNS " FROM repositories ORDER BY name",
	[QUERY_REPOSITORY_ADD] = "INSERT INTO repositories (name, place, ref, prefixed) "
				 "VALUES (:name, :place, :ref, :prefixed)",
	[QUERY_REPOSITORY_SET_COMMIT] =
		"UPDATE repositories SET last_commit = :commit WHERE id = :id",
	[QUERY_IMAGE_BY_NAME] = "SELECT " IMAGE_COLUMNS " " FROM_IMAGES
				"WHERE images.repository = :repository AND images.name = :name",
	[QUERY_IMAGE_BY_ID] = "SELECT " IMAGE_COLUMNS " " FROM_IMAGES "WHERE images.id = :id",
	[QUERY_IMAGES_OF] = "SELECT " IMAGE_COLUMNS " " FROM_IMAGES
			    "WHERE images.repository = :repository ORDER BY images.name",
	[QUERY_IMAGES_CALLED] = "SELECT " IMAGE_COLUMNS " " FROM_IMAGES
				"WHERE images.name = :name ORDER BY repositories.name",
	[QUERY_IMAGES] =
		"SELECT " IMAGE_COLUMNS " " FROM_IMAGES "ORDER BY repositories.name, images.name",
	[QUERY_IMAGE_ADD] = "INSERT INTO images (repository, name) VALUES (:repository, :name)",
	[QUERY_IMAGE_SET_HELD] = "UPDATE images SET held = :held WHERE id = :id",
	[QUERY_IMAGE_SET_LAST_VERSION] =
		"UPDATE images SET last_version = max(last_version, :version) WHERE id = :id",

	[QUERY_CLOSURE_ADD] =
		"INSERT INTO closures (digest, text, notes) VALUES (:digest, :text, :notes) "
		"ON CONFLICT (digest) DO UPDATE SET notes = excluded.notes",
	[QUERY_CLOSURE_GET] = "SELECT text, notes FROM closures WHERE digest = :digest",
	[QUERY_CLOSURES_WITH] = "SELECT digest FROM closures WHERE instr(text, :line) > 0",

	[QUERY_BUILD_ADD] = "INSERT INTO builds (id, image, phase, commit_id, author, "
			    "authored_usec, closure, reuses, "
			    "definition, policy, reasons, bases, builder, created_usec) VALUES "
			    "(:id, :image, 'planned', "
			    ":commit, :author, :authored, :closure, :reuses, :definition, :policy, "
			    ":reasons, :bases, "
			    ":builder, :created)",
	[QUERY_BUILD_BY_ID] = "SELECT " BUILD_COLUMNS " FROM builds WHERE id = :id",
	[QUERY_BUILD_BY_VERSION] =
		"SELECT " BUILD_COLUMNS " FROM builds WHERE image = :image AND version = :version",
	[QUERY_BUILDS_OF_IMAGE] = "SELECT " BUILD_COLUMNS
				  " FROM builds WHERE image = :image ORDER BY created_usec, id",
	[QUERY_BUILDS_UNDER_WAY] =
		"SELECT " BUILD_COLUMNS
		" FROM builds WHERE phase IN ('planned', 'building', 'validating', 'publishing', "
		"'switching', 'retiring') ORDER BY created_usec, id",
	[QUERY_BUILDS_BY_COMMIT] =
		"SELECT " BUILD_COLUMNS " FROM builds WHERE commit_id >= :low AND commit_id < "
		":high ORDER BY created_usec, id",
	[QUERY_BUILDS_BY_DIGEST] =
		"SELECT " BUILD_COLUMNS " FROM builds WHERE digest = :digest AND version IS NOT "
		"NULL ORDER BY created_usec, id",
	[QUERY_BUILDS_BY_FILE] =
		"SELECT " BUILD_COLUMNS " FROM builds WHERE version IS NOT NULL AND "
		"instr(artifact, :sha256) > 0 ORDER BY created_usec, id",
	[QUERY_BUILDS_BY_OUTPUT] =
		"SELECT " BUILD_COLUMNS
		" FROM builds WHERE version IS NOT NULL AND EXISTS (SELECT 1 FROM "
		"json_each(artifact, '$.outputs') WHERE json_extract(value, '$.files') = 0 AND "
		"(json_extract(value, '$.id') = :id OR instr(',' || "
		"replace(json_extract(value, '$.id'), ':', ',') || ',', ',' || :id || ',') > 0)) "
		"ORDER BY created_usec, id",
	[QUERY_BUILDS_BY_CLOSURE] =
		"SELECT " BUILD_COLUMNS " FROM builds WHERE closure = :closure AND version IS NOT "
		"NULL ORDER BY created_usec, id",
	[QUERY_BUILDS_ALL_VERSIONS] =
		"SELECT " BUILD_COLUMNS
		" FROM builds WHERE version IS NOT NULL ORDER BY image, version",
	[QUERY_BUILDS_PUBLISHED] = "SELECT " BUILD_COLUMNS
				   " FROM builds WHERE image = :image AND version IS NOT NULL AND "
				   "phase IN ('live', 'superseded') ORDER BY version",
	[QUERY_BUILDS_COMMITS] =
		"SELECT DISTINCT commit_id FROM builds JOIN images ON images.id = builds.image "
		"WHERE "
		"images.repository = :repository AND phase IN ('planned', 'building', "
		"'validating', "
		"'publishing', 'switching', 'live', 'superseded') ORDER BY commit_id",
	[QUERY_BUILDS_WITH_BASES] =
		"SELECT " BUILD_COLUMNS " FROM builds WHERE bases <> '[]' AND phase IN ('planned', "
		"'building', 'validating', "
		"'publishing', 'switching', 'live')",
	[QUERY_BUILD_NEWEST] = "SELECT " BUILD_COLUMNS " FROM builds WHERE image = :image "
			       "AND " IS_NOT_COLD "ORDER BY created_usec DESC, id DESC LIMIT 1",
	[QUERY_BUILD_SET_PHASE] = "UPDATE builds SET phase = :to WHERE id = :id AND phase = :from",
	[QUERY_BUILD_SET_VERSION] = "UPDATE builds SET version = :version WHERE id = :id",
	[QUERY_BUILD_SET_ARTIFACT] =
		"UPDATE builds SET digest = :digest, artifact = :artifact WHERE id = :id",
	[QUERY_BUILD_SET_STARTED] =
		"UPDATE builds SET started_usec = coalesce(started_usec, :usec) WHERE id = :id",
	[QUERY_BUILD_SET_ENDED] = "UPDATE builds SET ended_usec = :usec WHERE id = :id",
	[QUERY_BUILD_SET_LIVE] = "UPDATE builds SET live_usec = :usec WHERE id = :id",
	[QUERY_BUILD_SET_VALIDATED] = "UPDATE builds SET validated = :validated WHERE id = :id",
	[QUERY_BUILD_SET_CONFIRMED] = "UPDATE builds SET confirmed_usec = :usec WHERE id = :id",
	[QUERY_BUILD_SET_POLICY] = "UPDATE builds SET policy = :policy WHERE id = :id",
	[QUERY_BUILD_SET_ERROR] =
		"UPDATE builds SET error_kind = :kind, error_text = :text WHERE id = :id",
	[QUERY_BUILD_ADD_ATTEMPT] = "UPDATE builds SET attempts = attempts + 1 WHERE id = :id",
	[QUERY_BUILD_IMPORT] =
		"INSERT INTO builds (id, image, phase, version, commit_id, author, authored_usec, "
		"closure, "
		"definition, policy, reasons, bases, builder, digest, artifact, created_usec, "
		"started_usec, "
		"ended_usec, live_usec, confirmed_usec, validated) VALUES (:id, :image, :phase, "
		":version, "
		":commit, :author, :authored, :closure, :definition, :policy, :reasons, :bases, "
		":builder, "
		":digest, :artifact, :created, :started, :ended, :live, :ended, :validated)",

	[QUERY_CHANNEL_SET] =
		"INSERT INTO channels (image, name, version) VALUES (:image, :name, :version) "
		"ON CONFLICT (image, name) DO UPDATE SET version = excluded.version",
	[QUERY_CHANNELS_OF] =
		"SELECT name, version FROM channels WHERE image = :image ORDER BY name",
	[QUERY_CHANNEL_GET] = "SELECT version FROM channels WHERE image = :image AND name = :name",
	[QUERY_CHANNELS_REMOVE] = "DELETE FROM channels WHERE image = :image",
	[QUERY_HOLD_ADD] = "INSERT OR IGNORE INTO holds (image, version) VALUES (:image, :version)",
	[QUERY_HOLD_REMOVE] = "DELETE FROM holds WHERE image = :image AND version = :version",
	[QUERY_HOLDS_OF] = "SELECT version FROM holds WHERE image = :image ORDER BY version",
	[QUERY_QUARANTINE_ADD] = "INSERT OR IGNORE INTO quarantines (image, closure, version) "
				 "VALUES (:image, :closure, :version)",
	[QUERY_QUARANTINE_REMOVE] =
		"DELETE FROM quarantines WHERE image = :image AND version = :version",
	[QUERY_QUARANTINE_REMOVE_ALL] = "DELETE FROM quarantines WHERE image = :image",
	[QUERY_QUARANTINES_OF] = "SELECT closure, version FROM quarantines WHERE image = :image",
	[QUERY_EQUAL_SET] =
		"INSERT INTO equals (image, closure, version) VALUES (:image, :closure, :version) "
		"ON CONFLICT (image, closure) DO UPDATE SET version = excluded.version",
	[QUERY_EQUALS_OF] = "SELECT closure, version FROM equals WHERE image = :image",
	[QUERY_FAILURE_SET] = "INSERT INTO failures (image, closure, kind, text, tries, next_usec) "
			      "VALUES (:image, "
			      ":closure, :kind, :text, 1, :next) ON CONFLICT (image, closure) DO "
			      "UPDATE SET kind = "
			      "excluded.kind, text = excluded.text, tries = tries + 1, next_usec = "
			      "excluded.next_usec",
	[QUERY_FAILURE_GET] = "SELECT kind, text, tries, next_usec FROM failures "
			      "WHERE image = :image AND closure = :closure",
	[QUERY_FAILURE_REMOVE] = "DELETE FROM failures WHERE image = :image AND closure = :closure",
	[QUERY_FAILURES_REMOVE_OF] = "DELETE FROM failures WHERE image = :image",

	[QUERY_LEDGER_ADD] = "INSERT INTO ledger (build, kind, tag, created_usec) "
			     "VALUES (:build, :kind, :tag, :usec)",
	[QUERY_LEDGER_REMOVE] = "DELETE FROM ledger WHERE id = :id",
	[QUERY_LEDGER_OF] = "SELECT id, build, kind, tag, created_usec FROM ledger "
			    "WHERE build = :build ORDER BY id",
	[QUERY_LEDGER_ALL] = "SELECT id, build, kind, tag, created_usec FROM ledger ORDER BY id",
	[QUERY_EVENT_LAST] = "SELECT id, digest FROM events ORDER BY id DESC LIMIT 1",
	[QUERY_EVENT_ADD] =
		"INSERT INTO events (id, usec, kind, image, build, data, previous, digest) "
		"VALUES (:id, :usec, :kind, :image, :build, :data, :previous, :digest)",
	[QUERY_EVENTS_ALL] = "SELECT " EVENT_COLUMNS " FROM events ORDER BY id",
	[QUERY_EVENTS_OF_BUILD] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE build = :build ORDER BY id",
	[QUERY_EVENTS_OF_IMAGE] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE image = :image ORDER BY id",
	[QUERY_EVENT_BEFORE] =
		"SELECT previous FROM events WHERE build = :build AND kind = 'phase' "
		"AND data LIKE '%\"to\":\"publishing\"%' ORDER BY id LIMIT 1",

	[QUERY_PLAN_TREE_GET] =
		"SELECT id, tree, fingerprint, listed, images FROM plan_trees WHERE place = :place",
	[QUERY_PLAN_TREE_ADD] = "INSERT INTO plan_trees (place) VALUES (:place)",
	[QUERY_PLAN_TREE_SET] =
		"UPDATE plan_trees SET tree = :id, fingerprint = :fingerprint, listed = :listed, "
		"images = :images WHERE id = :tree",
	[QUERY_PLAN_TREE_REMOVE] = "UPDATE plan_trees SET tree = NULL WHERE id = :tree",
	[QUERY_PLAN_BY_PATH] =
		"SELECT plan_definitions.key, prefix FROM plan_paths JOIN plan_definitions ON "
		"plan_definitions.id = plan_paths.definition WHERE plan_paths.tree = :tree AND "
		"path = :path",
	[QUERY_PLAN_BELOW_PATH] =
		"SELECT DISTINCT plan_definitions.key FROM plan_paths JOIN plan_definitions ON "
		"plan_definitions.id = plan_paths.definition WHERE plan_paths.tree = :tree AND "
		"path > :low AND path < :high",
	[QUERY_PLAN_DEFINITION_GET] = "SELECT id, digest FROM plan_definitions "
				      "WHERE tree = :tree AND key = :key",
	[QUERY_PLAN_DEFINITIONS] = "SELECT key, digest FROM plan_definitions WHERE tree = :tree",
	[QUERY_PLAN_DEFINITION_ADD] = "INSERT INTO plan_definitions (tree, key, digest) "
				      "VALUES (:tree, :key, :digest)",
	[QUERY_PLAN_DEFINITION_REMOVE] = "DELETE FROM plan_definitions WHERE id = :definition",
	[QUERY_PLAN_DEFINITIONS_REMOVE] = "DELETE FROM plan_definitions WHERE tree = :tree",
	[QUERY_PLAN_IMAGE_ADD] =
		"INSERT INTO plan_images (definition, position, tree, name, facts, closure) VALUES "
		"(:definition, :position, :tree, :name, :facts, :closure)",
	[QUERY_PLAN_IMAGES_REMOVE] = "DELETE FROM plan_images WHERE definition = :definition",
	[QUERY_PLAN_IMAGES_REMOVE_ALL] = "DELETE FROM plan_images WHERE tree = :tree",
	[QUERY_PLAN_IMAGES_OF] =
		"SELECT " PLAN_IMAGE_COLUMNS " " FROM_PLAN_IMAGES
		"WHERE plan_definitions.tree = :tree AND key = :key ORDER BY position",
	[QUERY_PLAN_IMAGES_CALLED] = "SELECT " PLAN_IMAGE_COLUMNS " " FROM_PLAN_IMAGES
				     "WHERE plan_images.tree = :tree AND plan_images.name = "
				     ":name",
	[QUERY_PLAN_IMAGES_ALL] =
		"SELECT " PLAN_IMAGE_COLUMNS " " FROM_PLAN_IMAGES "WHERE plan_images.tree = :tree",
	[QUERY_PLAN_IMAGES_WITH_BASES] =
		"SELECT " PLAN_IMAGE_COLUMNS " " FROM_PLAN_IMAGES
		"WHERE plan_images.definition IN (SELECT definition FROM plan_bases WHERE "
		"plan_bases.tree = :tree)",
	[QUERY_PLAN_PATH_ADD] =
		"INSERT OR REPLACE INTO plan_paths (tree, path, prefix, definition) "
		"VALUES (:tree, :path, :prefix, :definition)",
	[QUERY_PLAN_PATHS_REMOVE] = "DELETE FROM plan_paths WHERE definition = :definition",
	[QUERY_PLAN_PATHS_REMOVE_ALL] = "DELETE FROM plan_paths WHERE tree = :tree",
	[QUERY_PLAN_BASE_ADD] = "INSERT OR IGNORE INTO plan_bases (tree, base, definition) "
				"VALUES (:tree, :base, :definition)",
	[QUERY_PLAN_BASES_REMOVE] = "DELETE FROM plan_bases WHERE definition = :definition",
	[QUERY_PLAN_BASES_REMOVE_ALL] = "DELETE FROM plan_bases WHERE tree = :tree",
	[QUERY_PLAN_CHILDREN] =
		"SELECT plan_definitions.key FROM plan_bases JOIN plan_definitions ON "
		"plan_definitions.id = "
		"plan_bases.definition WHERE plan_bases.tree = :tree AND base = :base",

	[QUERY_FIGURES_NEWEST] =
		"SELECT newest, count(*) FROM (SELECT (SELECT phase FROM builds WHERE image = "
		"images.id "
		"ORDER BY created_usec DESC, id DESC LIMIT 1) AS newest FROM images) "
		"WHERE newest IS NOT NULL GROUP BY newest",
	[QUERY_FIGURES_BUILDS] =
		"SELECT phase, count(*), count(ended_usec - started_usec), "
		"coalesce(sum(ended_usec - started_usec), 0) FROM builds GROUP BY phase",
	[QUERY_FIGURES_REST] = "SELECT (SELECT count(*) FROM images WHERE held), "
			       "(SELECT coalesce(max(id), 0) FROM events)",
	[QUERY_LIVE_VERSIONS] =
		"SELECT repositories.name, images.name, builds.version, "
		"coalesce(confirmed_usec, live_usec), bases "
		"FROM channels JOIN images ON images.id = channels.image "
		"JOIN repositories ON repositories.id = images.repository "
		"JOIN builds ON builds.image = channels.image "
		"AND builds.version = channels.version WHERE channels.name = 'current' "
		"AND (:repository IS NULL OR repositories.name = :repository) "
		"ORDER BY repositories.name, images.name",
	[QUERY_STATUSES] =
		"SELECT images.id, images.name, held, newest.phase, newest.closure, "
		"newest.error_text, newest.reasons ->> '$[0].text', newest.policy ->> '$.rules', "
		"newest.policy -> '$.rebuild', "
		"EXISTS (SELECT 1 FROM failures WHERE failures.image = images.id), "
		"live.version, live.commit_id, live.closure, live.live_usec, live.confirmed_usec "
		"FROM images JOIN builds AS newest ON newest.id = (SELECT id FROM builds WHERE "
		"builds.image = images.id AND " IS_NOT_COLD
		"ORDER BY created_usec DESC, id DESC LIMIT 1) "
		"LEFT JOIN channels ON channels.image = images.id AND channels.name = 'current' "
		"LEFT JOIN builds AS live ON live.image = images.id AND live.version = "
		"channels.version "
		"WHERE images.repository = :repository AND images.name > :after "
		"ORDER BY images.name LIMIT :most",
};

const char *query_sql(enum query query)
{
	return sql[query];
}
