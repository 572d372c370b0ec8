/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"
#include "reconciler/git/fetch/mirror.h"
#include "reconciler/git/fetch/pins.h"
#include "reconciler/git/fetch/url.h"

enum { SECRET_SIZE_MOST = 1024 * 1024 };

void build_settings_clear(struct build_settings *settings)
{
	map_clear(&settings->overrides);
	strings_clear(&settings->allow);
	free(settings->on_error);
	*settings = (struct build_settings){0};
}

bool build_settings_decide(const struct build_settings *settings)
{
	return settings->overrides.count || settings->allow.count;
}

static const char *get_secret(void *context, const char *name, const char **version)
{
	struct repository *repository = context;
	const struct service_secret *secret =
		repository->configured ? map_find(&repository->configured->secrets, name) : NULL;

	if (!secret)
		return NULL;
	*version = secret->version;
	return map_find(&repository->secrets, name);
}

static bool is_same_reference(const struct image_reference *a, const struct image_reference *b)
{
	const char *channel = a->channel ? a->channel : "current";

	return strcmp(a->image, b->image) == 0 && a->version == b->version &&
	       (a->version || strcmp(channel, b->channel ? b->channel : "current") == 0);
}

/* The version that a build recorded for REFERENCE; 0: it recorded none. */
static int64_t find_pinned(const struct json *pinned, const struct image_reference *reference)
{
	for (size_t i = 0; i < json_count(pinned); i++) {
		const struct json *base = json_item(pinned, i);
		const char *text = json_get_text(base, "text", ""), *colon = strchr(text, ':');
		struct image_reference recorded;
		if (!colon || !image_reference_parse(colon + 1, &recorded))
			continue;
		bool same = is_same_reference(reference, &recorded);
		image_reference_clear(&recorded);
		if (same)
			return json_get_integer(base, "version", 0);
	}
	return 0;
}

int repository_find_version(struct repository *repository, const struct image_reference *reference,
	struct build_record *build, struct error *err)
{
	struct image_reference exact = *reference;
	int64_t version = find_pinned(repository->pinned, reference);

	if (version)
		exact.version = version;
	return facts_find_version(repository->head->store, repository->id, &exact, build, err);
}

static bool find_base(void *context, const struct image_reference *reference, struct digest *digest)
{
	struct repository *repository = context;
	struct build_record build;
	struct error ignored;

	if (!repository->id ||
		repository_find_version(repository, reference, &build, &ignored) <= 0)
		return false;
	bool known = build.has_digest;
	*digest = build.digest;
	build_record_clear(&build);
	return known;
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
		.catalogs = &head->service.catalogs,
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

/* What the store and the configuration know of PLACE, which is canonical. */
static int recall(struct repository *repository, struct error *err)
{
	struct head *head = repository->head;
	struct repository_record record;
	int found = repository_find_by_place(head->store, repository->place, &record, err);

	if (found < 0)
		return -1;
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
	repository->name = repository->configured ? memory_copy_text(repository->configured->name)
	                                          : service_repository_name(repository->place);
	if (!repository->ref)
		return source_head_ref(repository->source, &repository->ref, err);
	return 0;
}

char *repository_mirror(
	const struct head *head, const char *url, const struct service_repository *configured)
{
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	if (configured)
		return memory_printf("%s/mirrors/%s.git", head->state, configured->name);
	autofree char *name = service_repository_name(url);
	digest_of(url, strlen(url), &digest);
	return memory_printf("%s/mirrors/%s-%.8s.git", head->state, name, digest_hex(&digest, hex));
}

/* Nobody fetches into it meanwhile: kiln-fetch holds its folder (git/fetch/mirror.c). */
static int move_folder(const char *from, const char *to, struct error *err)
{
	autoclose int folder = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return errno == ENOENT ? 0 : fail_errno(err, ERROR_BROKEN, "%s", from);
	if (flock(folder, LOCK_EX | LOCK_NB) < 0)
		return fail(err, ERROR_TRANSIENT, "%s is being fetched, and is moved after that",
			from);
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s cannot become %s", from, to);
	return 0;
}

static bool is_named_mirror(const struct head *head, const char *name)
{
	for (size_t i = 0; i < head->service.repository_count; i++) {
		autofree char *file = memory_printf("%s.git", head->service.repositories[i]->name);
		if (strcmp(file, name) == 0)
			return true;
	}
	return false;
}

/* How many of COMMITS are pinned in the mirror at PATH, below FOLDER. */
static size_t count_pins(const char *path, const char *folder, const struct strings *commits)
{
	CLEANUP(strings_clear) struct strings pins = {0};
	autofree char *whole = memory_printf("%s/%s", path, folder);
	struct error ignored;
	size_t count = 0;

	if (folder_list(AT_FDCWD, whole, &pins, &ignored) < 0)
		return 0;
	strings_each (pin, &pins)
		count += strings_has(commits, pin);
	return count;
}

/* Of the mirrors that are not called after a repository that is configured, the one that has most of what PLACE pins; the caller frees. */
static char *find_mirror_of(
	const struct head *head, const char *place, const struct strings *commits)
{
	CLEANUP(strings_clear) struct strings names = {0};
	autofree char *mirrors = memory_printf("%s/mirrors", head->state);
	autofree char *folder = pins_folder(place);
	char *best = NULL;
	size_t most = 0;
	struct error ignored;

	if (folder_list(AT_FDCWD, mirrors, &names, &ignored) < 0)
		return NULL;
	strings_each (name, &names) {
		autofree char *path = memory_printf("%s/%s", mirrors, name);
		size_t count = is_named_mirror(head, name) ? 0 : count_pins(path, folder, commits);
		if (count <= most)
			continue;
		most = count;
		free(best);
		best = TAKE(path);
	}
	return best;
}

int repository_move_mirror(struct head *head, const char *url,
	const struct service_repository *configured, struct error *err)
{
	autofree char *mirror = repository_mirror(head, url, configured);
	autofree char *place = repository_place(head, url, configured);
	CLEANUP(strings_clear) struct strings commits = {0};
	struct repository_record record;
	int found;

	if (file_exists(AT_FDCWD, mirror))
		return 0;
	found = repository_find_by_place(head->store, place, &record, err);
	if (found <= 0)
		return found;
	int result = builds_commits(head->store, record.id, &commits, err);
	repository_record_clear(&record);
	if (result < 0)
		return -1;
	autofree char *from = find_mirror_of(head, place, &commits);
	return from ? move_folder(from, mirror, err) : 0;
}

static bool is_same_place(const char *url, const char *other)
{
	struct error ignored;

	if (strcmp(url, other) == 0)
		return true;
	if (remote_url_is_remote(url) || remote_url_is_remote(other))
		return false;
	autofree char *path = source_canonical_path(url, &ignored);
	autofree char *other_path = source_canonical_path(other, &ignored);
	return path && other_path && strcmp(path, other_path) == 0;
}

/* Who gives a path may mean a repository that is configured. */
static void find_configured(struct repository *repository, const char *place)
{
	const struct service *service = &repository->head->service;

	for (size_t i = 0; i < service->repository_count && !repository->configured; i++)
		if (is_same_place(service->repositories[i]->url, place))
			repository->configured = service_repository_hold(service->repositories[i]);
}

char *repository_place(
	const struct head *head, const char *place, const struct service_repository *configured)
{
	const struct service *service = &head->service;

	for (size_t i = 0; configured && i < service->repository_count; i++) {
		const struct service_repository *other = service->repositories[i];
		if (strcmp(other->name, configured->name) == 0)
			break;
		if (is_same_place(other->url, configured->url))
			return memory_printf("%s#%s", place, configured->name);
	}
	return memory_copy_text(place);
}

/* Sets place and mirror, and opens what has the commits. */
static int open_source(struct repository *repository, const char *place, struct error *err)
{
	if (!remote_url_is_remote(place)) {
		autofree char *path = source_canonical_path(place, err);
		if (!path)
			return -1;
		repository->place = memory_copy_text(path);
		return source_open(path, &repository->source, err);
	}
	repository->place = memory_copy_text(place);
	repository->mirror = repository_mirror(repository->head, place, repository->configured);
	if (!repository->head->has_state || !file_exists(AT_FDCWD, repository->mirror))
		return fail(err, ERROR_TRANSIENT,
			"%s was not fetched yet (kiln apply, or the daemon, does that)", place);
	if (source_open(repository->mirror, &repository->source, err) < 0)
		return -1;
	autofree char *note = memory_printf("%s/" MIRROR_NOTE, repository->mirror);
	source_set_mirror_note(repository->source, note);
	return 0;
}

/* By its name, its url, or what repository_place gives for it. */
static struct service_repository *find_by_place(const struct head *head, const char *place)
{
	struct service_repository *found = service_find_repository(&head->service, place);
	const char *mark = strrchr(place, '#');

	if (found || !mark)
		return found;
	autofree char *before = memory_copy_bytes(place, mark - place);
	found = service_find_repository(&head->service, mark + 1);
	return found && is_same_place(found->url, before) ? found : NULL;
}

int repository_open(struct head *head, const char *place, const char *folder,
	struct repository *repository, struct error *err)
{
	autofree char *joined = NULL;

	*repository = (struct repository){.head = head};
	struct service_repository *configured = find_by_place(head, place);
	if (configured) {
		repository->configured = service_repository_hold(configured);
		place = configured->url;
	}
	if (!strstr(place, "://") && !remote_url_is_remote(place) && place[0] != '/' && folder)
		place = joined = path_join(folder, place);
	int started = source_start(err); /* which is libgit2's own time, not the plan's */
	repository->opened_usec = moment_elapsed_usec();
	if (started < 0 || open_source(repository, place, err) < 0) {
		repository_close(repository);
		return -1;
	}
	if (!repository->configured)
		find_configured(repository, place);
	char *known = repository_place(head, repository->place, repository->configured);
	free(repository->place);
	repository->place = known;
	if (recall(repository, err) < 0 || read_secrets(repository, err) < 0) {
		repository_close(repository);
		return -1;
	}
	if (repository->configured)
		strings_add_all(&repository->grants, &repository->configured->allow);
	if (repository->configured && signature_rules_ask(&repository->configured->verify))
		source_hash_objects(repository->source);
	set_evaluator(repository);
	return 0;
}

void repository_close(struct repository *repository)
{
	free(repository->name);
	free(repository->place);
	free(repository->mirror);
	free(repository->ref);
	free(repository->secrets_digest);
	source_free(repository->source);
	strings_clear(&repository->grants);
	map_clear(&repository->secrets);
	map_clear(&repository->evaluations);
	service_repository_release(repository->configured);
	*repository = (struct repository){0};
}

void repository_apply(struct repository *repository, const struct build_settings *settings)
{
	repository->settings = settings;
	map_clear(&repository->evaluations);
	if (!settings)
		return;
	strings_add_all(&repository->grants, &settings->allow);
	repository->evaluator.overrides = &settings->overrides;
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
				"a repository called %s was applied from another place: give this "
				"one "
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
	if (source_resolve(repository->source, repository->ref, commit, err) == 0)
		return 0;
	/* a branch that has no commit yet is said better by HEAD */
	autofree char *head = NULL;
	struct error ignored;
	if (source_is_unborn(repository->source) &&
		source_head_ref(repository->source, &head, &ignored) == 0 &&
		strcmp(head, repository->ref) == 0)
		return source_resolve(repository->source, "HEAD", commit, err);
	return -1;
}
