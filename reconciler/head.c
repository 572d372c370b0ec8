/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"
#include "backends/idmap.h"
#include "state/lock.h"

enum { KEY_SIZE = 32, SECRET_SIZE_MOST = 1024 * 1024 };

/* ---- the state folder ---- */

static int read_key(struct head *head, bool create, struct error *err)
{
	autofree char *path = memory_printf("%s/key", head->state);
	unsigned char fresh[KEY_SIZE];

	if (head->has_state && file_exists(AT_FDCWD, path)) {
		if (file_read(AT_FDCWD, path, 4096, &head->key, &head->key_size, err) < 0)
			return -1;
		if (head->key_size < KEY_SIZE)
			return fail(err, ERROR_BROKEN,
				"%s is truncated: without it every sensitive value looks changed; restore it "
				"or remove it",
				path);
		return 0;
	}
	if (getrandom(fresh, sizeof(fresh), 0) != sizeof(fresh))
		return fail_errno(err, ERROR_BROKEN, "no random numbers");
	if (head->has_state && create &&
		file_write_new(AT_FDCWD, path, 0600, fresh, sizeof(fresh), err) < 0)
		return -1;
	head->key = memory_copy_bytes(fresh, sizeof(fresh));
	head->key_size = sizeof(fresh);
	return 0;
}

static int make_state(struct head *head, struct error *err)
{
	static const char *const folders[] = {"builds", "cache", "checkpoints", "mirrors"};
	autoclose int state = folder_make(AT_FDCWD, head->state, 0700, err);

	if (state < 0)
		return fail_while(err, "the state folder");
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		autoclose int inner = folder_make(state, folders[i], 0700, err);
		if (inner < 0)
			return fail_while(err, "the state folder");
	}
	return 0;
}

static int open_state(struct head *head, bool create, const char *who, char holder[static 128],
	struct error *err)
{
	if (create && make_state(head, err) < 0)
		return -1;
	if (!create) {
		autofree char *database = memory_printf("%s/kiln.db", head->state);
		if (!file_exists(AT_FDCWD, database)) {
			head->has_state = false;
			return 1;
		}
	}
	int taken = lock_take(head->state, who, &head->lock, holder, err);
	if (taken <= 0)
		return taken;
	head->has_state = true;
	return 1;
}

int head_open(struct head *head, const char *config, const char *state, bool create,
	const char *who, char holder[static 128], struct error *err)
{
	*head = (struct head){.lock = -1};
	if (service_read(config, &head->service, err) < 0)
		return -1;
	head->config = config ? memory_copy_text(config) : NULL;
	autofree char *chosen = service_state_folder(state, head->service.state);
	head->state = path_clean(chosen);
	head->many_ids = idmap_has_many();
	int opened = open_state(head, create, who, holder, err);
	if (opened <= 0)
		return opened;
	if ((head->has_state ? store_open(head->state, create, &head->store, err)
			     : store_open_memory(&head->store, err)) < 0 ||
		read_key(head, create, err) < 0)
		return -1;
	return 1;
}

void head_close(struct head *head)
{
	store_close(head->store);
	if (head->lock >= 0)
		close(head->lock);
	service_clear(&head->service);
	blob_cache_clear(&head->blobs);
	free(head->config);
	free(head->state);
	free(head->key);
	*head = (struct head){.lock = -1};
}

/* ---- repositories ---- */

static const char *get_secret(void *context, const char *name, const char **version)
{
	struct repository *repository = context;
	const struct service_secret *secret = repository->configured
		? map_find(&repository->configured->secrets, name)
		: NULL;

	if (!secret)
		return NULL;
	*version = secret->version;
	return map_find(&repository->secrets, name);
}

static bool find_base(void *context, const struct image_reference *reference,
	struct digest *digest)
{
	struct repository *repository = context;

	return repository->id &&
		facts_find_base(repository->head->store, repository->id, reference, digest);
}

static const char *get_environment(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

/* One line break at the end is the editor's, not the secret's. */
static int read_secrets(struct repository *repository, struct error *err)
{
	CLEANUP(text_clear) struct text seen = {0};
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	repository->secrets.free_value = free;
	if (!repository->configured)
		return 0;
	map_each (entry, &repository->configured->secrets) {
		const struct service_secret *secret = entry->value;
		char *value;
		size_t size;
		if (file_read(AT_FDCWD, secret->file, SECRET_SIZE_MOST, &value, &size, err) < 0)
			return fail_while(err, "secret %s", entry->key);
		if (size && value[size - 1] == '\n')
			value[size - 1] = '\0';
		map_set(&repository->secrets, entry->key, value);
		text_addf(&seen, "%zu:%s %zu:%s\n", strlen(entry->key), entry->key,
			strlen(secret->version ? secret->version : value),
			secret->version ? secret->version : value);
	}
	digest_hmac(repository->head->key, repository->head->key_size, text_get(&seen), seen.size,
		&digest);
	repository->secrets_digest = memory_copy_text(digest_hex(&digest, hex));
	return 0;
}

static void set_evaluator(struct repository *repository)
{
	struct head *head = repository->head;

	repository->evaluator = (struct evaluator){
		.cache = &head->blobs,
		.grants = &repository->grants,
		.overrides = &repository->overrides,
		.key = head->key,
		.key_size = head->key_size,
		.many_ids = head->many_ids,
		.secrets_digest = repository->secrets_digest,
		.get_secret = get_secret,
		.find_base = find_base,
		.get_environment = get_environment,
		.context = repository,
	};
}

static void free_override(void *pointer)
{
	variable_override_free(pointer);
}

/* What the store and the configuration know of PLACE, which is canonical. */
static int recall(struct repository *repository, struct error *err)
{
	struct head *head = repository->head;
	struct repository_record record;
	int found = repository_find_by_place(head->store, repository->place, &record, err);

	if (found < 0)
		return -1;
	for (size_t i = 0; i < head->service.repository_count && !repository->configured; i++) {
		struct error ignored;
		autofree char *place =
			source_canonical_path(head->service.repositories[i].url, &ignored);
		if (place && strcmp(place, repository->place) == 0)
			repository->configured = &head->service.repositories[i];
	}
	if (repository->configured && repository->configured->ref)
		repository->ref = memory_copy_text(repository->configured->ref);
	if (found) {
		repository->id = record.id;
		repository->prefixed = record.prefixed;
		repository->name = memory_copy_text(record.name);
		if (!repository->ref)
			repository->ref = memory_copy_text(record.ref);
		repository_record_clear(&record);
		return 0;
	}
	repository->name = repository->configured
		? memory_copy_text(repository->configured->name)
		: service_repository_name(repository->place);
	if (!repository->ref)
		return source_head_ref(repository->source, &repository->ref, err);
	return 0;
}

int repository_open(struct head *head, const char *place, const char *folder,
	struct repository *repository, struct error *err)
{
	autofree char *joined = NULL;

	*repository = (struct repository){.head = head};
	repository->overrides.free_value = free_override;
	repository->configured = service_find_repository(&head->service, place);
	if (repository->configured)
		place = repository->configured->url;
	if (!strstr(place, "://") && place[0] != '/' && folder)
		place = joined = path_join(folder, place);
	if (strstr(place, "://") && !text_starts_with(place, "file://"))
		return fail(err, ERROR_CATALOG,
			"%s: kiln reads repositories of this machine, not remote ones, yet", place);
	repository->place = source_canonical_path(place, err);
	if (!repository->place || source_open(repository->place, &repository->source, err) < 0 ||
		recall(repository, err) < 0 || read_secrets(repository, err) < 0) {
		repository_close(repository);
		return -1;
	}
	if (repository->configured)
		strings_add_all(&repository->grants, &repository->configured->allow);
	set_evaluator(repository);
	return 0;
}

void repository_close(struct repository *repository)
{
	free(repository->name);
	free(repository->place);
	free(repository->ref);
	free(repository->secrets_digest);
	source_free(repository->source);
	strings_clear(&repository->grants);
	map_clear(&repository->overrides);
	map_clear(&repository->secrets);
	*repository = (struct repository){0};
}

/* A name that no other repository has. */
static int unique_name(struct repository *repository, struct error *err)
{
	for (int n = 2;; n++) {
		struct repository_record other;
		int taken = repository_find_by_name(
			repository->head->store, repository->name, &other, err);
		if (taken <= 0)
			return taken;
		repository_record_clear(&other);
		if (repository->configured)
			return fail(err, ERROR_CATALOG,
				"a repository called %s was applied from another place: give this one "
				"another name in service.json",
				repository->name);
		autofree char *base = service_repository_name(repository->place);
		free(repository->name);
		repository->name = memory_printf("%s-%d", base, n);
	}
}

/*
 * With a second repository the catalog keeps each one's images under its name. The first, if it was alone when it came,
 * stays where it is: what is published never moves.
 */
static int is_prefixed(struct repository *repository, bool *prefixed, struct error *err)
{
	CLEANUP(repository_records_clear) struct repository_records known = {0};

	if (repositories_list(repository->head->store, &known, err) < 0)
		return -1;
	*prefixed = known.count > 0 || repository->head->service.repository_count > 1;
	return 0;
}

int repository_register(struct repository *repository, struct error *err)
{
	if (repository->id)
		return 0;
	if (unique_name(repository, err) < 0 ||
		is_prefixed(repository, &repository->prefixed, err) < 0)
		return -1;
	return repository_add(repository->head->store, repository->name, repository->place,
		repository->ref, repository->prefixed, &repository->id, err);
}

int repository_resolve(struct repository *repository, const char *revision, struct commit *commit,
	struct error *err)
{
	if (revision)
		return source_resolve(repository->source, revision, commit, err);
	/* a branch that has no commit yet is said better by HEAD */
	return source_resolve(repository->source,
		source_is_unborn(repository->source) ? "HEAD" : repository->ref, commit, err);
}

int head_find_places(struct head *head, const char *named, const char *folder,
	struct strings *places, struct error *err)
{
	if (named) {
		if (named[0] == '~' && (named[1] == '/' || !named[1])) {
			const char *home = getenv("HOME");
			strings_addf(places, "%s%s", home ? home : "", named + 1);
		} else {
			strings_add(places, named);
		}
		return 0;
	}
	for (size_t i = 0; i < head->service.repository_count; i++)
		strings_add(places, head->service.repositories[i].url);
	if (places->count)
		return 0;
	char *around = source_discover(folder);
	if (!around)
		return fail(err, ERROR_CATALOG,
			"no repository: none is configured, and %s lies in none (name one: kiln VERB "
			"/path/to/repository)",
			folder);
	strings_add_taken(places, around);
	return 0;
}

int head_find_image(struct head *head, const char *name, struct image_record *image,
	struct error *err)
{
	CLEANUP(image_records_clear) struct image_records images = {0};
	const char *slash = strrchr(name, '/');

	if (images_list(head->store, 0, slash ? slash + 1 : name, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.count; i++) {
		size_t size = slash ? (size_t)(slash - name) : 0;
		const char *repository = images.items[i].repository_name;
		if (slash && (strlen(repository) != size || memcmp(repository, name, size) != 0))
			continue;
		if (!slash && images.count > 1)
			return fail(err, ERROR_CATALOG,
				"%s and %s have an image called %s: write REPOSITORY/NAME",
				images.items[0].repository_name, images.items[1].repository_name, name);
		*image = images.items[i];
		images.items[i] = (struct image_record){0};
		return 1;
	}
	return 0;
}
