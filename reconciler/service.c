/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/power.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/path.h"
#include "reconciler/definition.h"

enum { SERVICE_SIZE_MOST = 4 * 1024 * 1024 };

struct reader {
	struct json_source source;
	struct service *service;
	const struct json *object; /* where the key at hand stands */
	const char *key;
	struct error *err;
};

static int fail_key(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail_key(struct reader *reader, const char *format, ...)
{
	struct json_place place = json_place_key(&reader->source, reader->object, reader->key);
	struct text message = {0};
	va_list args;

	va_start(args, format);
	text_addv(&message, format, args);
	va_end(args);
	error_set(reader->err, ERROR_CATALOG, "%s:%u:%u: %s: %s", reader->source.name, place.line,
		place.column, reader->key, text_get(&message));
	text_clear(&message);
	return -1;
}

static int want(struct reader *reader, const struct json *value, enum json_kind kind)
{
	if (json_kind(value) == kind)
		return 0;
	return fail_key(reader, "must be %s, not %s", json_kind_name(kind),
		json_kind_name(json_kind(value)));
}

struct key {
	const char *name;
	int (*read)(struct reader *reader, void *context, const struct json *value);
};

/* Every key of OBJECT by its row; what has none is an error. */
static int read_object(struct reader *reader, const struct json *object, const struct key *keys,
	size_t count, void *context)
{
	const struct json *outer = reader->object;
	const char *outer_key = reader->key;

	json_each_member (member, object) {
		const char *names[32];
		size_t k = 0;
		reader->object = object;
		reader->key = member.key;
		for (; k < count && strcmp(keys[k].name, member.key) != 0; k++)
			;
		if (k < count) {
			if (keys[k].read(reader, context, member.value) < 0)
				return -1;
			continue;
		}
		for (size_t i = 0; i < count; i++)
			names[i] = keys[i].name;
		const char *near = nearest_name(member.key, names, count);
		return fail_key(reader, "unknown key%s%s%s", near ? " (did you mean " : "",
			near ? near : "", near ? "?)" : "");
	}
	reader->object = outer;
	reader->key = outer_key;
	return 0;
}

static int read_text(struct reader *reader, char **text, const struct json *value)
{
	if (want(reader, value, JSON_TEXT) < 0)
		return -1;
	free(*text);
	*text = memory_copy_text(json_text(value, ""));
	return 0;
}

static int read_duration(struct reader *reader, int64_t *sec, const struct json *value)
{
	if (duration_parse(json_text(value, ""), sec) < 0)
		return fail_key(reader, "must be a duration: 90s, 15m, 24h or 30d");
	return 0;
}

static int read_number(
	struct reader *reader, int64_t *number, int64_t least, const struct json *value)
{
	if (want(reader, value, JSON_INTEGER) < 0)
		return -1;
	*number = json_integer(value, 0);
	if (*number < least)
		return fail_key(reader, "must be at least %lld", (long long)least);
	return 0;
}

static int not_built(struct reader *reader, void *context, const struct json *value)
{
	(void)context, (void)value;
	return fail_key(reader, "this part of kiln is not built yet");
}

/* ---- repositories ---- */

static int read_name(struct reader *reader, void *context, const struct json *value)
{
	if (read_text(reader, &((struct service_repository *)context)->name, value) < 0)
		return -1;
	if (!definition_is_name(json_text(value, "")))
		return fail_key(reader,
			"must be letters, digits, '.', '_' and '-', at most 100: it "
			"names a folder of the catalogs");
	return 0;
}

static int read_url(struct reader *reader, void *context, const struct json *value)
{
	return read_text(reader, &((struct service_repository *)context)->url, value);
}

static int read_ref(struct reader *reader, void *context, const struct json *value)
{
	return read_text(reader, &((struct service_repository *)context)->ref, value);
}

static int read_poll(struct reader *reader, void *context, const struct json *value)
{
	return read_duration(reader, &((struct service_repository *)context)->poll_sec, value);
}

static int read_allow(struct reader *reader, void *context, const struct json *value)
{
	struct service_repository *repository = context;
	const char *argument;
	enum power power;

	if (want(reader, value, JSON_LIST) < 0)
		return -1;
	for (size_t i = 0; i < json_count(value); i++) {
		const char *grant = json_text(json_item(value, i), "");
		if (!power_parse(grant, &power, &argument))
			return fail_key(reader,
				"there is no power '%s': they are shell-local, host-network, "
				"host-ansible, "
				"qemu-args, packer-engine, outside-path:PREFIX and env:NAME",
				grant);
		strings_add(&repository->allow, grant);
	}
	return 0;
}

static int read_prune(struct reader *reader, void *context, const struct json *value)
{
	if (want(reader, value, JSON_BOOL) < 0)
		return -1;
	((struct service_repository *)context)->prune = json_boolean(value, false);
	return 0;
}

static int read_secret_file(struct reader *reader, void *context, const struct json *value)
{
	return read_text(reader, &((struct service_secret *)context)->file, value);
}

static int read_secret_version(struct reader *reader, void *context, const struct json *value)
{
	return read_text(reader, &((struct service_secret *)context)->version, value);
}

static void free_secret(void *pointer)
{
	struct service_secret *secret = pointer;

	free(secret->file);
	free(secret->version);
	free(secret);
}

static int read_secrets(struct reader *reader, void *context, const struct json *value)
{
	static const struct key keys[] = {
		{"file", read_secret_file}, {"version", read_secret_version}};
	struct service_repository *repository = context;

	if (want(reader, value, JSON_OBJECT) < 0)
		return -1;
	repository->secrets.free_value = free_secret;
	json_each_member (member, value) {
		struct service_secret *secret = memory_new(sizeof(*secret));
		map_set(&repository->secrets, member.key, secret);
		reader->object = value;
		reader->key = member.key;
		if (want(reader, member.value, JSON_OBJECT) < 0 ||
			read_object(reader, member.value, keys, 2, secret) < 0)
			return -1;
		if (!secret->file)
			return fail_key(reader, "names no file");
	}
	return 0;
}

static int read_repositories(struct reader *reader, void *context, const struct json *value)
{
	static const struct key keys[] = {{"name", read_name}, {"url", read_url}, {"ref", read_ref},
		{"poll", read_poll}, {"allow", read_allow}, {"prune", read_prune},
		{"secrets", read_secrets}, {"credentials", not_built}, {"verify", not_built}};
	struct service *service = context;

	if (want(reader, value, JSON_LIST) < 0)
		return -1;
	service->repositories = memory_new(json_count(value) * sizeof(*service->repositories));
	for (size_t i = 0; i < json_count(value); i++) {
		struct service_repository *repository =
			&service->repositories[service->repository_count++];
		repository->poll_sec = 60;
		if (json_kind(json_item(value, i)) != JSON_OBJECT)
			return fail_key(reader, "must be a list of objects");
		if (read_object(reader, json_item(value, i), keys, sizeof(keys) / sizeof(*keys),
			    repository) < 0)
			return -1;
		if (!repository->url)
			return fail_key(reader, "repository %zu has no url", i + 1);
		if (!repository->name)
			repository->name = service_repository_name(repository->url);
		for (size_t other = 0; other < i; other++)
			if (strcmp(service->repositories[other].name, repository->name) == 0)
				return fail_key(reader,
					"two repositories are called %s: give one a name",
					repository->name);
	}
	return 0;
}

/* ---- the rest ---- */

static int read_state(struct reader *reader, void *context, const struct json *value)
{
	return read_text(reader, &((struct service *)context)->state, value);
}

static int read_timezone(struct reader *reader, void *context, const struct json *value)
{
	return read_text(reader, &((struct service *)context)->timezone, value);
}

static int read_catalog_type(struct reader *reader, void *context, const struct json *value)
{
	if (strcmp(json_text(value, ""), "directory") != 0)
		return fail_key(reader, "there is only the type directory yet");
	return read_text(reader, &((struct service_catalog *)context)->type, value);
}

static int read_catalog_path(struct reader *reader, void *context, const struct json *value)
{
	if (json_text(value, "")[0] != '/')
		return fail_key(reader, "must be an absolute path");
	return read_text(reader, &((struct service_catalog *)context)->path, value);
}

static void free_catalog(void *pointer)
{
	struct service_catalog *catalog = pointer;

	free(catalog->type);
	free(catalog->path);
	free(catalog);
}

static int read_catalogs(struct reader *reader, void *context, const struct json *value)
{
	static const struct key keys[] = {{"type", read_catalog_type}, {"path", read_catalog_path}};
	struct service *service = context;

	if (want(reader, value, JSON_OBJECT) < 0)
		return -1;
	json_each_member (member, value) {
		struct service_catalog *catalog = memory_new(sizeof(*catalog));
		map_set(&service->catalogs, member.key, catalog);
		reader->object = value;
		reader->key = member.key;
		if (want(reader, member.value, JSON_OBJECT) < 0 ||
			read_object(reader, member.value, keys, 2, catalog) < 0)
			return -1;
		if (!catalog->path)
			return fail_key(reader, "names no path");
	}
	return 0;
}

static int read_builds(struct reader *reader, void *context, const struct json *value)
{
	return read_number(reader, &((struct service *)context)->limits.builds, 1, value);
}

static int read_build_timeout(struct reader *reader, void *context, const struct json *value)
{
	return read_duration(reader, &((struct service *)context)->limits.build_timeout_sec, value);
}

static int read_retire_per_pass(struct reader *reader, void *context, const struct json *value)
{
	return read_number(reader, &((struct service *)context)->limits.retire_per_pass, 0, value);
}

static int read_cache_bytes(struct reader *reader, void *context, const struct json *value)
{
	return read_number(reader, &((struct service *)context)->limits.cache_bytes, 0, value);
}

static int read_log_days(struct reader *reader, void *context, const struct json *value)
{
	return read_number(reader, &((struct service *)context)->limits.log_days, 0, value);
}

static int read_log_bytes(struct reader *reader, void *context, const struct json *value)
{
	return read_number(reader, &((struct service *)context)->limits.log_bytes, 4096, value);
}

static int read_disk_reserve(struct reader *reader, void *context, const struct json *value)
{
	return read_number(
		reader, &((struct service *)context)->limits.disk_reserve_bytes, 0, value);
}

static int read_subid_base(struct reader *reader, void *context, const struct json *value)
{
	return read_number(reader, &((struct service *)context)->limits.subid_base, 65536, value);
}

static int read_limits(struct reader *reader, void *context, const struct json *value)
{
	static const struct key keys[] = {{"builds", read_builds},
		{"build_timeout", read_build_timeout}, {"retire_per_pass", read_retire_per_pass},
		{"cache_bytes", read_cache_bytes}, {"log_days", read_log_days},
		{"subid_base", read_subid_base}, {"log_bytes", read_log_bytes},
		{"disk_reserve_bytes", read_disk_reserve}};

	if (want(reader, value, JSON_OBJECT) < 0)
		return -1;
	return read_object(reader, value, keys, sizeof(keys) / sizeof(*keys), context);
}

static int read_service(struct reader *reader, const struct json *root)
{
	static const struct key keys[] = {{"repositories", read_repositories},
		{"state", read_state}, {"catalogs", read_catalogs}, {"limits", read_limits},
		{"timezone", read_timezone}, {"listen", not_built}, {"notify", not_built}};

	if (json_kind(root) != JSON_OBJECT)
		return fail(reader->err, ERROR_CATALOG, "%s:1:1: must be an object",
			reader->source.name);
	return read_object(reader, root, keys, sizeof(keys) / sizeof(*keys), reader->service);
}

static void set_defaults(struct service *service)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	*service = (struct service){0};
	service->catalogs.free_value = free_catalog;
	service->limits.builds = processors > 1 ? processors : 2;
	service->limits.build_timeout_sec = 4 * 3600;
	service->limits.retire_per_pass = 10;
	service->limits.cache_bytes = 20ll * 1000 * 1000 * 1000;
	service->limits.log_days = 90;
	service->limits.subid_base = 2000000000;
	service->limits.log_bytes = 100 * 1000 * 1000;
	service->limits.disk_reserve_bytes = 16 * 1024 * 1024;
	service->timezone = memory_copy_text("UTC");
}

int service_read(const char *path, struct service *service, struct error *err)
{
	autojson struct json *root = NULL;
	autofree char *text = NULL;
	size_t size;

	set_defaults(service);
	if (!path && access(SERVICE_PATH, F_OK) < 0)
		return 0;
	service->path = memory_copy_text(path ? path : SERVICE_PATH);
	struct reader reader = {.service = service, .err = err};
	if (file_read(AT_FDCWD, service->path, SERVICE_SIZE_MOST, &text, &size, err) < 0) {
		service_clear(service);
		return -1;
	}
	reader.source = (struct json_source){service->path, text, size};
	if (json_parse(&reader.source, JSON_COMMENTS, &root, err) < 0 ||
		read_service(&reader, root) < 0) {
		service_clear(service);
		return -1;
	}
	return 0;
}

void service_clear(struct service *service)
{
	for (size_t i = 0; i < service->repository_count; i++) {
		struct service_repository *repository = &service->repositories[i];
		free(repository->name);
		free(repository->url);
		free(repository->ref);
		strings_clear(&repository->allow);
		map_clear(&repository->secrets);
	}
	free(service->repositories);
	free(service->path);
	free(service->state);
	free(service->timezone);
	map_clear(&service->catalogs);
	*service = (struct service){0};
}

char *service_repository_name(const char *url)
{
	autofree char *clean = path_clean(url);
	const char *name = path_name(clean);
	size_t size = strlen(name);
	struct text result = {0};

	if (strcmp(name, ".git") == 0) { /* the folder around it */
		autofree char *folder = path_folder(clean);
		return service_repository_name(folder);
	}
	if (text_ends_with(name, ".git"))
		size -= 4;
	for (size_t i = 0; i < size; i++) {
		char c = name[i];
		bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		            (c >= 'A' && c <= 'Z') || (i && strchr("._-", c));
		text_add_char(&result, good ? c : '-');
	}
	if (!result.size || result.data[0] == '-') {
		text_reset(&result);
		text_add(&result, "repository");
	}
	return text_take(&result);
}

const struct service_repository *service_find_repository(
	const struct service *service, const char *url_or_name)
{
	for (size_t i = 0; i < service->repository_count; i++)
		if (strcmp(service->repositories[i].url, url_or_name) == 0 ||
			strcmp(service->repositories[i].name, url_or_name) == 0)
			return &service->repositories[i];
	return NULL;
}

char *service_state_folder(const char *option, const char *configured)
{
	const char *environment = getenv("KILN_STATE");
	const char *home = getenv("HOME"), *xdg = getenv("XDG_STATE_HOME");

	if (option)
		return memory_copy_text(option);
	if (environment && *environment)
		return memory_copy_text(environment);
	if (configured)
		return memory_copy_text(configured);
	if (geteuid() == 0)
		return memory_copy_text("/var/lib/kiln");
	if (xdg && xdg[0] == '/')
		return memory_printf("%s/kiln", xdg);
	return memory_printf("%s/.local/state/kiln", home ? home : "");
}
