/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/manifest.h"
#include "reconciler/order.h"
#include "reconciler/verification.h"
#include "state/event.h"

enum { MANIFEST_MOST = 64 * 1024 * 1024 };

/* One image in one catalog. */
struct place {
	struct verification *verification;
	const char *catalog, *path; /* its name, and the image's folder in it */
	int folder;
};

static void fault(const struct place *place, const char *kind, const char *what,
	const char *expected, const char *found)
{
	autofree char *where = memory_printf("%s/%s", place->path, what);

	verification_fault(place->verification, kind, where, expected, found);
}

/* ---- one version ---- */

static void compare_text(const struct place *place, const char *what, const struct json *manifest,
	const char *key, const char *expected)
{
	const char *found = json_get_text(manifest, key, NULL);
	autofree char *name = memory_printf("%s: %s", what, key);

	if (!found || strcmp(found, expected) != 0)
		fault(place, "manifest", name, expected, found);
}

static void compare_json(const struct place *place, const char *what, const struct json *manifest,
	const char *key, const char *column)
{
	autojson struct json *expected = describe_column(column);
	autofree char *name = memory_printf("%s: %s", what, key);

	if (!json_equal(expected, json_get(manifest, key)))
		fault(place, "manifest", name, "what the store has", "something else");
}

static int compare_manifest(const struct place *place, const struct build_record *build,
	const char *what, const struct json *manifest, struct error *err)
{
	struct store *store = place->verification->head->store;
	autojson struct json *artifact = describe_column(build->artifact);
	autofree char *closure = NULL;
	char text[DIGEST_TEXT_SIZE];
	struct digest event;

	if (closure_find(store, &build->closure, &closure, NULL, err) < 0 ||
		event_before_publishing(store, build->id, &event, err) < 0)
		return -1;
	compare_text(place, what, manifest, "build", build->id);
	compare_text(place, what, manifest, "commit", build->commit);
	compare_text(place, what, manifest, "author", build->author);
	compare_text(place, what, manifest, "digest", digest_text(&build->digest, text));
	compare_text(place, what, manifest, "closure", digest_text(&build->closure, text));
	compare_text(place, what, manifest, "closure_text", closure ? closure : "");
	/* a version that was taken over from its manifest was published by another store: its event is there */
	if (!digest_equal(&event, &(struct digest){{0}}))
		compare_text(place, what, manifest, "event", digest_text(&event, text));
	compare_json(place, what, manifest, "base", build->bases);
	compare_json(place, what, manifest, "reasons", build->reasons);
	autofree char *name = memory_printf("%s: files", what);
	if (!json_equal(json_get(artifact, "files"), json_get(manifest, "files")))
		fault(place, "manifest", name, "what the store has", "something else");
	return 0;
}

static int check_manifest(
	const struct place *place, const struct build_record *build, struct error *err)
{
	autofree char *what = memory_printf("%lld/manifest.json", (long long)build->version);
	autofree char *text = NULL;
	autojson struct json *manifest = NULL;
	struct error reason;
	size_t size;

	if (file_read(place->folder, what, MANIFEST_MOST, &text, &size, &reason) < 0 ||
		json_parse_bytes(text, size, &manifest, &reason) < 0) {
		fault(place, "manifest", what, "a manifest", reason.text);
		return 0;
	}
	place->verification->manifests++;
	return compare_manifest(place, build, what, manifest, err);
}

/* The content of SHA256SUMS, as the store has the files. */
static char *expected_sums(const struct json *files)
{
	struct text text = {0};

	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *file = json_item(files, i);
		digest_write_line(json_get_text(file, "sha256", ""), "files/",
			json_get_text(file, "name", ""), &text);
	}
	return text_take(&text);
}

static void check_sums(
	const struct place *place, const struct build_record *build, const struct json *files)
{
	autofree char *what = memory_printf("%lld/SHA256SUMS", (long long)build->version);
	autofree char *expected = expected_sums(files), *text = NULL;
	struct error reason;

	if (file_read(place->folder, what, MANIFEST_MOST, &text, NULL, &reason) < 0)
		fault(place, "sums", what, "the digests of its files", reason.text);
	else if (strcmp(text, expected ? expected : "") != 0)
		fault(place, "sums", what, "what the store has", "something else");
}

static void check_file(
	const struct place *place, const struct build_record *build, const struct json *file)
{
	autofree char *what = memory_printf(
		"%lld/files/%s", (long long)build->version, json_get_text(file, "name", ""));
	autoclose int fd = openat(place->folder, what, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const char *expected = json_get_text(file, "sha256", "");
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;
	struct error reason;

	if (fd < 0) {
		fault(place, "artifact", what, expected, strerror(errno));
	} else if (!place->verification->deep) {
		return;
	} else if (digest_of_fd(fd, &digest, &reason) < 0) {
		fault(place, "artifact", what, expected, reason.text);
	} else {
		place->verification->artifacts++;
		if (strcmp(digest_hex(&digest, hex), expected) != 0)
			fault(place, "artifact", what, expected, hex);
	}
}

static int check_version(
	const struct place *place, const struct build_record *build, struct error *err)
{
	autojson struct json *artifact = describe_column(build->artifact);
	const struct json *files = json_get(artifact, "files");

	if (check_manifest(place, build, err) < 0)
		return -1;
	check_sums(place, build, files);
	for (size_t i = 0; i < json_count(files); i++)
		check_file(place, build, json_item(files, i));
	return 0;
}

/* ---- one image ---- */

static bool is_published_in(const struct build_record *build, const char *catalog)
{
	autojson struct json *policy = describe_column(build->policy);
	CLEANUP(strings_clear) struct strings published = {0};

	json_get_texts(policy, "published", &published);
	return strings_has(&published, catalog);
}

static void check_channels(const struct place *place, const struct version_marks *channels,
	const struct build_records *builds)
{
	for (size_t i = 0; i < channels->count; i++) {
		const struct version_mark *channel = &channels->items[i];
		autofree char *expected = memory_printf("%lld", (long long)channel->version);
		char found[64];
		bool here = false;
		for (size_t b = 0; b < builds->count; b++)
			here |= builds->items[b].version == channel->version &&
			        is_published_in(&builds->items[b], place->catalog);
		if (!here)
			continue;
		ssize_t size = readlinkat(place->folder, channel->name, found, sizeof(found) - 1);
		found[size < 0 ? 0 : size] = '\0';
		if (strcmp(found, expected) != 0)
			fault(place, "channel", channel->name, expected, size < 0 ? NULL : found);
	}
}

/* What is there and nobody published. */
static int check_strangers(const struct place *place, const struct version_marks *channels,
	const struct build_records *builds, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (folder_list(place->folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		/* staged, or being retired; what Vagrant reads */
		bool known = name[0] == '.' || strcmp(name, "metadata.json") == 0;
		for (size_t i = 0; i < channels->count && !known; i++)
			known = strcmp(channels->items[i].name, name) == 0;
		for (size_t i = 0; i < builds->count && !known; i++)
			known = builds->items[i].version &&
			        builds->items[i].phase != PHASE_RETIRED &&
			        builds->items[i].version == strtoll(name, NULL, 10);
		if (!known)
			fault(place, "unknown", name, NULL, "something kiln did not publish");
	}
	return 0;
}

static int check_place(struct place *place, int64_t image, struct error *err)
{
	struct store *store = place->verification->head->store;
	CLEANUP(build_records_clear) struct build_records builds = {0};
	CLEANUP(version_marks_clear) struct version_marks channels = {0};
	bool wanted = false;

	if (builds_of_image(store, image, &builds, err) < 0 ||
		marks_list(store, image, MARK_CHANNEL, &channels, err) < 0)
		return -1;
	for (size_t i = 0; i < builds.count; i++)
		wanted |= phase_is_published(builds.items[i].phase) &&
		          is_published_in(&builds.items[i], place->catalog);
	if (!wanted)
		return 0;
	autoclose int folder = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) {
		verification_fault(
			place->verification, "catalog", place->path, "a folder", strerror(errno));
		return 0;
	}
	place->folder = folder;
	for (size_t i = 0; i < builds.count; i++)
		if (phase_is_published(builds.items[i].phase) &&
			is_published_in(&builds.items[i], place->catalog) &&
			check_version(place, &builds.items[i], err) < 0)
			return -1;
	check_channels(place, &channels, &builds);
	return check_strangers(place, &channels, &builds, err);
}

/* The catalogs that any version of the image was published to. */
static int list_catalogs(
	struct verification *verification, int64_t image, struct strings *names, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records builds = {0};

	if (builds_published(verification->head->store, image, &builds, err) < 0)
		return -1;
	for (size_t i = 0; i < builds.count; i++) {
		autojson struct json *policy = describe_column(builds.items[i].policy);
		json_get_texts(policy, "published", names);
	}
	strings_sort(names);
	strings_unique(names);
	return 0;
}

static int check_in_catalog(struct verification *verification, const char *catalog,
	const char *name, int64_t image, struct error *err)
{
	autojson struct json *one = json_new_list(), *catalogs = NULL;
	struct error reason;

	json_add_text(one, catalog);
	if (order_catalogs(verification->head, one, &catalogs, &reason) < 0) {
		verification_fault(verification, "catalog", name, catalog, reason.text);
		return 0;
	}
	const struct json *about = json_item(catalogs, 0);
	autofree char *path = memory_printf("%s/%s", json_get_text(about, "path", ""), name);
	struct place place = {verification, catalog, path, -1};
	return strcmp(json_get_text(about, "type", ""), "directory") == 0
	               ? check_place(&place, image, err)
	               : 0;
}

/* A version of it is being published, switched to or retired: what catalogs have is not yet what the store says. */
static int is_moving(struct store *store, int64_t image, bool *moving, struct error *err)
{
	CLEANUP(build_records_clear) struct build_records under_way = {0};
	CLEANUP(ledger_entries_clear) struct ledger_entries orders = {0};

	*moving = false;
	if (builds_under_way(store, &under_way, err) < 0 ||
		ledger_list(store, NULL, &orders, err) < 0)
		return -1;
	for (size_t i = 0; i < under_way.count; i++) {
		enum phase phase = under_way.items[i].phase;
		*moving |= under_way.items[i].image == image &&
		           (phase == PHASE_PUBLISHING || phase == PHASE_SWITCHING ||
				   phase == PHASE_RETIRING);
	}
	for (size_t i = 0; i < orders.count; i++) {
		struct build_record build;
		if (strcmp(orders.items[i].kind, "switch") != 0 ||
			build_find(store, orders.items[i].build, &build, err) <= 0)
			continue;
		*moving |= build.image == image;
		build_record_clear(&build);
	}
	return 0;
}

static int check_image(
	struct verification *verification, const struct image_record *image, struct error *err)
{
	CLEANUP(strings_clear) struct strings catalogs = {0};
	struct repository_record repository;
	int found = repository_find(verification->head->store, image->repository, &repository, err);

	if (found <= 0)
		return found;
	autofree char *name = order_catalog_image(&repository, image->name);
	repository_record_clear(&repository);
	bool moving;
	if (is_moving(verification->head->store, image->id, &moving, err) < 0)
		return -1;
	if (moving)
		return 0;
	if (list_catalogs(verification, image->id, &catalogs, err) < 0)
		return -1;
	strings_each (catalog, &catalogs)
		if (check_in_catalog(verification, catalog, name, image->id, err) < 0)
			return -1;
	return 0;
}

int verification_catalogs(struct verification *verification, struct error *err)
{
	CLEANUP(image_records_clear) struct image_records images = {0};

	if (images_list(verification->head->store, 0, NULL, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.count; i++)
		if (check_image(verification, &images.items[i], err) < 0)
			return -1;
	return 0;
}
