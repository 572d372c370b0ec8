/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/adopting.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/manifest.h"
#include "reconciler/order.h"
#include "reconciler/world.h"
#include "state/event.h"

enum { MANIFEST_MOST = 64 * 1024 * 1024 };

/* One image's folder in one catalog. */
struct place {
	struct repository *repository;
	const char *catalog, *image;
	int folder;
	size_t *adopted;
};

/* The policy with CATALOG among those that have the version. */
static char *policy_with(const char *policy, const char *catalog)
{
	autojson struct json *json = NULL;
	CLEANUP(strings_clear) struct strings published = {0};
	struct json *list = json_new_list();
	struct error ignored;

	if (json_parse_bytes(policy, strlen(policy), &json, &ignored) < 0)
		json = json_new_object();
	json_get_texts(json, "published", &published);
	strings_add_once(&published, catalog);
	strings_each (name, &published)
		json_add_text(list, name);
	json_set(json, "published", list);
	return json_to_line(json);
}

/* NULL: it is none of ours. */
static struct json *read_manifest(const struct place *place, const char *number)
{
	autofree char *path = memory_printf("%s/manifest.json", number), *text = NULL;
	struct json *manifest = NULL;
	struct error ignored;
	size_t size;

	if (number[0] < '1' || number[0] > '9' || number[strspn(number, "0123456789")] ||
		file_read(place->folder, path, MANIFEST_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, &manifest, &ignored) < 0)
		return NULL;
	if (strcmp(json_get_text(manifest, "repository", ""), place->repository->name) == 0 &&
		strcmp(json_get_text(manifest, "name", ""), place->image) == 0 &&
		json_get_integer(manifest, "version", 0) == strtoll(number, NULL, 10))
		return manifest;
	json_free(manifest);
	return NULL;
}

static int add_version(const struct place *place, struct build_record *record, const char *closure,
	struct error *err)
{
	struct store *store = place->repository->head->store;
	autofree char *full_name = memory_printf("%s/%s", place->repository->name, place->image);
	struct build_record known;
	int found = build_find(store, record->id, &known, err);

	if (found < 0)
		return -1;
	if (found) { /* from another catalog */
		autofree char *policy = policy_with(known.policy, place->catalog);
		int result = build_set_policy(store, known.id, policy, err);
		build_record_clear(&known);
		return result;
	}
	char *policy = policy_with(record->policy, place->catalog);
	free(record->policy);
	record->policy = policy;
	record->phase = PHASE_SUPERSEDED;
	record->ended_usec = record->live_usec = record->created_usec;
	if (image_get(store, place->repository->id, place->image, &record->image, err) < 0)
		return -1;
	++*place->adopted;
	return build_import(store, record, closure, full_name, err);
}

static int adopt_version(const struct place *place, const char *number, struct error *err)
{
	autojson struct json *manifest = read_manifest(place, number);
	CLEANUP(build_record_clear) struct build_record record = {0};
	autofree char *closure = NULL;
	struct error ignored;

	if (!manifest || manifest_read(manifest, &record, &closure, &ignored) < 0)
		return 0;
	return add_version(place, &record, closure, err);
}

/* The version that `current` names is live. */
static int make_live(const struct place *place, int64_t image, int64_t version, struct error *err)
{
	struct store *store = place->repository->head->store;
	CLEANUP(build_record_clear) struct build_record build = {0};
	autofree char *full_name = memory_printf("%s/%s", place->repository->name, place->image);
	int found = build_find_version(store, image, version, &build, err);

	if (found <= 0 || build.phase == PHASE_LIVE)
		return found < 0 ? -1 : 0;
	struct build_move move = {
		.to = PHASE_LIVE, .usec = build.created_usec + 1, .image_name = full_name};
	return build_move(store, &build, &move, err);
}

static int adopt_channel(const struct place *place, const char *name, struct error *err)
{
	struct store *store = place->repository->head->store;
	struct image_record image;
	char target[64];
	ssize_t size = readlinkat(place->folder, name, target, sizeof(target) - 1);

	if (size <= 0 || name[0] == '.')
		return 0;
	target[size] = '\0';
	int64_t version = strtoll(target, NULL, 10);
	int found = image_find(store, place->repository->id, place->image, &image, err);
	if (found <= 0)
		return found;
	int64_t id = image.id;
	image_record_clear(&image);
	autofree char *full_name = memory_printf("%s/%s", place->repository->name, place->image);
	struct json *data = json_new_object(), *channels = json_new_object();
	json_set_integer(channels, name, version);
	json_set(data, "channels", channels);
	if (channel_set(store, id, name, version, err) < 0 ||
		event_add(store, world->now_usec(), "channel", full_name, "", data, err) < 0)
		return -1;
	return strcmp(name, "current") == 0 ? make_live(place, id, version, err) : 0;
}

static int adopt_image(struct place *place, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (folder_list(place->folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names)
		if (adopt_version(place, name, err) < 0)
			return -1;
	strings_each (name, &names)
		if (adopt_channel(place, name, err) < 0)
			return -1;
	return 0;
}

static int adopt_catalog(struct repository *repository, const char *catalog, const char *path,
	size_t *adopted, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *below = repository->prefixed ? memory_printf("%s/%s", path, repository->name)
	                                            : memory_copy_text(path);
	struct error ignored;

	if (folder_list(AT_FDCWD, below, &names, &ignored) < 0)
		return 0; /* it is not there yet */
	strings_each (name, &names) {
		autofree char *image = memory_printf("%s/%s", below, name);
		autoclose int folder = open(image, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		struct place place = {repository, catalog, name, folder, adopted};
		if (folder >= 0 && adopt_image(&place, err) < 0)
			return fail_while(err, "%s", image);
	}
	return 0;
}

static int adopt_all(struct repository *repository, size_t *adopted, struct error *err)
{
	struct head *head = repository->head;

	map_each (entry, &head->service.catalogs) {
		const struct service_catalog *catalog = entry->value;
		if (catalog->path &&
			adopt_catalog(repository, entry->key, catalog->path, adopted, err) < 0)
			return -1;
	}
	if (map_find(&head->service.catalogs, "local"))
		return 0;
	autofree char *local = memory_printf("%s/catalog", head->state);
	return adopt_catalog(repository, "local", local, adopted, err);
}

int adopting_read(struct repository *repository, size_t *adopted, struct error *err)
{
	struct store *store = repository->head->store;

	*adopted = 0;
	if (store_begin(store, err) < 0)
		return -1;
	if (adopt_all(repository, adopted, err) < 0) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}
