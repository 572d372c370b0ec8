/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/service.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/power.h"
#include "base/calendar.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/credentials.h"
#include "reconciler/definition.h"
#include "reconciler/git/fetch/url.h"
#include "reconciler/settings.h"

enum { SERVICE_SIZE_MOST = 4 * 1024 * 1024, POLL_SEC = 60 };

/* ---- repositories ---- */

static int check_name(struct settings_reader *reader, void *into, const struct json *value)
{
	(void)into;
	if (definition_is_name(json_text(value, "")))
		return 0;
	return settings_fail(reader,
		"must be letters, digits, '.', '_' and '-', at most 100: it names a folder of the "
		"catalogs");
}

static int check_powers(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service_repository *repository = into;
	const char *argument;
	enum power power;

	(void)value;
	strings_each (grant, &repository->allow)
		if (!power_parse(grant, &power, &argument))
			return settings_fail(reader,
				"there is no power '%s': they are shell-local, host-network, "
				"host-ansible, qemu-args, packer-engine, outside-path:PREFIX and "
				"env:NAME",
				grant);
	return 0;
}

static void free_secret(void *pointer)
{
	struct service_secret *secret = pointer;

	free(secret->file);
	free(secret->version);
	free(secret);
}

static void *new_secret(void *into, const char *name)
{
	struct service_repository *repository = into;
	struct service_secret *secret = memory_new(sizeof(*secret));

	map_set(&repository->secrets, name, secret);
	return secret;
}

static int read_secrets(struct settings_reader *reader, void *into, const struct json *value)
{
	static const struct setting table[] = {
		{"file", SETTING_FILE, offsetof(struct service_secret, file)},
		{"version", SETTING_TEXT, offsetof(struct service_secret, version)}, {0}};
	struct service_repository *repository = into;

	repository->secrets.free_value = free_secret;
	if (settings_read_map(reader, value, table, new_secret, into) < 0)
		return -1;
	map_each (entry, &repository->secrets) {
		reader->object = value;
		reader->key = entry->key;
		if (!((struct service_secret *)entry->value)->file)
			return settings_fail(reader, "names no file");
	}
	return 0;
}

static int read_credentials(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service_repository *repository = into;

	return credentials_read(reader, value, &repository->credentials);
}

/* A remote's url, and whether the credentials are such that it can be asked; ITEM is the repository's object. */
static int check_remote(struct settings_reader *reader, const struct service_repository *repository,
	const struct json *item)
{
	CLEANUP(remote_url_clear) struct remote_url url = {.scheme = REMOTE_FILE};
	const struct settings_reader outer = *reader;
	const char *key, *wrong;
	struct error err;

	reader->object = item;
	reader->key = "url";
	if (remote_url_is_remote(repository->url) &&
		remote_url_parse(repository->url, &url, &err) < 0)
		return settings_fail(reader, "%s", err.text);
	wrong = credentials_check(repository->credentials, &url, &key);
	if (!wrong) {
		*reader = outer;
		return 0;
	}
	if (key) {
		reader->object = json_get(item, "credentials");
		reader->key = key;
	}
	return settings_fail(reader, "%s", wrong);
}

static int read_verify(struct settings_reader *reader, void *into, const struct json *value)
{
#define RULE(member) offsetof(struct service_repository, verify.member)
	static const struct setting table[] = {
		{"ssh_allowed_signers_file", SETTING_FILE, RULE(ssh_allowed_signers_file)},
		{"openpgp_keyring_file", SETTING_FILE, RULE(openpgp_keyring_file)}, {0}};
#undef RULE
	const struct service_repository *repository = into;

	if (settings_read(reader, value, table, into) < 0)
		return -1;
	if (signature_rules_ask(&repository->verify))
		return 0;
	return settings_fail(reader, "names no keys, so that no commit could be accepted: give "
				     "ssh_allowed_signers_file, "
				     "openpgp_keyring_file or both");
}

static const struct setting repository_table[] = {
	{"name", SETTING_TEXT, offsetof(struct service_repository, name), .read = check_name},
	{"url", SETTING_TEXT, offsetof(struct service_repository, url)},
	{"ref", SETTING_TEXT, offsetof(struct service_repository, ref)},
	{"poll", SETTING_DURATION, offsetof(struct service_repository, poll_sec)},
	{"allow", SETTING_TEXTS, offsetof(struct service_repository, allow), .read = check_powers},
	{"prune", SETTING_BOOLEAN, offsetof(struct service_repository, prune)},
	{"secrets", SETTING_OBJECT, .read = read_secrets},
	{"credentials", SETTING_OBJECT, .read = read_credentials},
	{"verify", SETTING_OBJECT, .read = read_verify}, {0}};

static int read_repository(struct settings_reader *reader, struct service *service,
	const struct json *list, size_t index)
{
	struct service_repository *repository = memory_new(sizeof(*repository));

	service->repositories[service->repository_count++] = repository;
	repository->references = 1;
	repository->poll_sec = POLL_SEC;
	if (json_kind(json_item(list, index)) != JSON_OBJECT)
		return settings_fail(reader, "must be a list of objects");
	if (settings_read(reader, json_item(list, index), repository_table, repository) < 0)
		return -1;
	if (!repository->url)
		return settings_fail(reader, "repository %zu has no url", index + 1);
	if (!repository->name)
		repository->name = service_repository_name(repository->url);
	for (size_t other = 0; other < index; other++)
		if (strcmp(service->repositories[other]->name, repository->name) == 0)
			return settings_fail(reader,
				"two repositories are called %s: give one a name",
				repository->name);
	return check_remote(reader, repository, json_item(list, index));
}

static int read_repositories(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service *service = into;

	service->repositories = memory_new(json_count(value) * sizeof(*service->repositories));
	for (size_t i = 0; i < json_count(value); i++)
		if (read_repository(reader, service, value, i) < 0)
			return -1;
	return 0;
}

/* ---- catalogs ---- */

static int check_catalog_type(struct settings_reader *reader, void *into, const struct json *value)
{
	(void)into;
	if (strcmp(json_text(value, ""), "directory") == 0)
		return 0;
	return settings_fail(reader, "there is only the type directory yet");
}

static int check_catalog_path(struct settings_reader *reader, void *into, const struct json *value)
{
	(void)into;
	if (json_text(value, "")[0] == '/')
		return 0;
	return settings_fail(reader, "must be an absolute path");
}

static int check_catalog_url(struct settings_reader *reader, void *into, const struct json *value)
{
	const char *url = json_text(value, "");

	(void)into;
	if (text_starts_with(url, "http://") || text_starts_with(url, "https://") ||
		text_starts_with(url, "file:///"))
		return 0;
	return settings_fail(reader, "must begin with http://, https:// or file:///");
}

static void free_catalog(void *pointer)
{
	struct service_catalog *catalog = pointer;

	free(catalog->type);
	free(catalog->path);
	free(catalog->url);
	free(catalog);
}

static void *new_catalog(void *into, const char *name)
{
	struct service_catalog *catalog = memory_new(sizeof(*catalog));

	map_set(&((struct service *)into)->catalogs, name, catalog);
	return catalog;
}

static int read_catalogs(struct settings_reader *reader, void *into, const struct json *value)
{
	static const struct setting table[] = {
		{"type", SETTING_TEXT, offsetof(struct service_catalog, type),
			.read = check_catalog_type},
		{"path", SETTING_TEXT, offsetof(struct service_catalog, path),
			.read = check_catalog_path},
		{"url", SETTING_TEXT, offsetof(struct service_catalog, url),
			.read = check_catalog_url},
		{0}};
	struct service *service = into;

	if (settings_read_map(reader, value, table, new_catalog, into) < 0)
		return -1;
	map_each (entry, &service->catalogs) {
		reader->object = value;
		reader->key = entry->key;
		if (!((struct service_catalog *)entry->value)->path)
			return settings_fail(reader, "names no path");
	}
	return 0;
}

/* ---- the rest ---- */

static int read_limits(struct settings_reader *reader, void *into, const struct json *value)
{
#define LIMIT(member) offsetof(struct service, limits.member)
	static const struct setting table[] = {{"builds", SETTING_NUMBER, LIMIT(builds), 1},
		{"build_timeout", SETTING_DURATION, LIMIT(build_timeout_sec)},
		{"retire_per_pass", SETTING_NUMBER, LIMIT(retire_per_pass)},
		{"cache_bytes", SETTING_NUMBER, LIMIT(cache_bytes)},
		{"log_days", SETTING_NUMBER, LIMIT(log_days)},
		{"subid_base", SETTING_NUMBER, LIMIT(subid_base), 65536},
		{"log_bytes", SETTING_NUMBER, LIMIT(log_bytes), 4096},
		{"disk_reserve_bytes", SETTING_NUMBER, LIMIT(disk_reserve_bytes)}, {0}};
#undef LIMIT

	return settings_read(reader, value, table, into);
}

static int check_timezone(struct settings_reader *reader, void *into, const struct json *value)
{
	(void)into;
	if (calendar_zone_is_known(json_text(value, "")))
		return 0;
	return settings_fail(reader,
		"the time zone %s is not known here (tzdata has them: Europe/Berlin)",
		json_text(value, ""));
}

static int check_events(struct settings_reader *reader, void *into, const struct json *value)
{
	const struct service_notify *notify = into;

	(void)value;
	strings_each (event, &notify->on)
		if (strcmp(event, "live") != 0 && strcmp(event, "failed") != 0 &&
			strcmp(event, "blocked") != 0 && strcmp(event, "recovered") != 0)
			return settings_fail(reader,
				"there is no event '%s': they are live, failed, blocked and "
				"recovered",
				event);
	return 0;
}

static int check_notify_url(struct settings_reader *reader, void *into, const struct json *value)
{
	const char *url = json_text(value, "");

	(void)into;
	if (text_starts_with(url, "https://") || text_starts_with(url, "http://"))
		return 0;
	return settings_fail(reader, "must begin with https:// or http://");
}

static int read_notify(struct settings_reader *reader, void *into, const struct json *value)
{
	static const struct setting table[] = {
		{"on", SETTING_TEXTS, offsetof(struct service_notify, on), .read = check_events},
		{"url", SETTING_TEXT, offsetof(struct service_notify, url),
			.read = check_notify_url},
		{"secret_file", SETTING_FILE, offsetof(struct service_notify, secret_file)},
		{"command", SETTING_TEXTS, offsetof(struct service_notify, command)}, {0}};
	struct service *service = into;

	service->notify = memory_new((json_count(value) + 1) * sizeof(*service->notify));
	for (size_t i = 0; i < json_count(value); i++) {
		struct service_notify *notify = &service->notify[service->notify_count++];
		if (json_kind(json_item(value, i)) != JSON_OBJECT)
			return settings_fail(reader, "must be a list of objects");
		if (settings_read(reader, json_item(value, i), table, notify) < 0)
			return -1;
		if (!notify->url == !notify->command.count)
			return settings_fail(
				reader, "entry %zu must have either url or command", i + 1);
	}
	return 0;
}

static int read_span_calendar(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service_span *span = into;
	struct error err;

	calendar_free(span->calendar);
	span->calendar = NULL;
	if (calendar_parse(json_text(value, ""), &span->calendar, &err) < 0)
		return settings_fail(reader, "%s", err.text);
	return 0;
}

static int read_spans(
	struct settings_reader *reader, struct service_spans *spans, const struct json *value)
{
	static const struct setting table[] = {
		{"calendar", SETTING_OTHER, .read = read_span_calendar},
		{"for", SETTING_DURATION, offsetof(struct service_span, for_sec)},
		{"repositories", SETTING_TEXTS, offsetof(struct service_span, repositories)}, {0}};

	spans->items = memory_new((json_count(value) + 1) * sizeof(*spans->items));
	for (size_t i = 0; i < json_count(value); i++) {
		struct service_span *span = &spans->items[spans->count++];
		if (json_kind(json_item(value, i)) != JSON_OBJECT)
			return settings_fail(reader, "must be a list of objects");
		if (settings_read(reader, json_item(value, i), table, span) < 0)
			return -1;
		if (!span->calendar || span->for_sec <= 0)
			return settings_fail(
				reader, "entry %zu must have both calendar and for", i + 1);
	}
	return 0;
}

static int read_freezes(struct settings_reader *reader, void *into, const struct json *value)
{
	return read_spans(reader, &((struct service *)into)->freezes, value);
}

static int read_windows(struct settings_reader *reader, void *into, const struct json *value)
{
	return read_spans(reader, &((struct service *)into)->windows, value);
}

static void clear_spans(struct service_spans *spans)
{
	for (size_t i = 0; i < spans->count; i++) {
		calendar_free(spans->items[i].calendar);
		strings_clear(&spans->items[i].repositories);
	}
	free(spans->items);
}

static int read_listen(struct settings_reader *reader, void *into, const struct json *value)
{
	return service_listen_read(reader, &((struct service *)into)->listen, value);
}

static int read_packer(struct settings_reader *reader, void *into, const struct json *value)
{
	return service_packer_read(reader, &((struct service *)into)->packer, value);
}

static const struct setting service_table[] = {
	{"repositories", SETTING_LIST, .read = read_repositories},
	{"state", SETTING_TEXT, offsetof(struct service, state)},
	{"catalogs", SETTING_OBJECT, .read = read_catalogs},
	{"limits", SETTING_OBJECT, .read = read_limits},
	{"timezone", SETTING_TEXT, offsetof(struct service, timezone), .read = check_timezone},
	{"listen", SETTING_OBJECT, .read = read_listen},
	{"packer", SETTING_OBJECT, .read = read_packer},
	{"freezes", SETTING_LIST, .read = read_freezes},
	{"windows", SETTING_LIST, .read = read_windows},
	{"notify", SETTING_LIST, .read = read_notify}, {0}};

/* A hook of a repository that is not there would be taken, and never do anything. */
static int check_hooks(
	struct settings_reader *reader, const struct json *root, const struct service *service)
{
	reader->object = root;
	reader->key = "listen";
	for (size_t i = 0; i < service->listen.hook_count; i++) {
		const char *name = service->listen.hooks[i].repository;
		const struct service_repository *repository =
			service_find_repository(service, name);
		if (!repository || strcmp(repository->name, name) != 0)
			return settings_fail(reader,
				"hook %zu is for the repository %s, which is none of the "
				"repositories here",
				i + 1, name);
	}
	return 0;
}

static int read_service(
	struct settings_reader *reader, const struct json *root, struct service *service)
{
	if (json_kind(root) != JSON_OBJECT)
		return fail(reader->err, ERROR_CATALOG, "%s:1:1: must be an object",
			reader->source.name);
	if (settings_read(reader, root, service_table, service) < 0)
		return -1;
	return check_hooks(reader, root, service);
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
	struct settings_reader reader = {.err = err};
	if (file_read(AT_FDCWD, service->path, SERVICE_SIZE_MOST, &text, &size, err) < 0) {
		service_clear(service);
		return -1;
	}
	reader.source = (struct json_source){service->path, text, size};
	if (json_parse(&reader.source, JSON_COMMENTS, &root, err) < 0 ||
		read_service(&reader, root, service) < 0) {
		service_clear(service);
		return -1;
	}
	return 0;
}

struct service_repository *service_repository_hold(struct service_repository *repository)
{
	repository->references++;
	return repository;
}

void service_repository_release(struct service_repository *repository)
{
	if (!repository || --repository->references)
		return;
	free(repository->name);
	free(repository->url);
	free(repository->ref);
	strings_clear(&repository->allow);
	map_clear(&repository->secrets);
	credentials_free(repository->credentials);
	signature_rules_clear(&repository->verify);
	free(repository);
}

void service_clear(struct service *service)
{
	for (size_t i = 0; i < service->repository_count; i++)
		service_repository_release(service->repositories[i]);
	free(service->repositories);
	free(service->path);
	free(service->state);
	free(service->timezone);
	clear_spans(&service->freezes);
	clear_spans(&service->windows);
	for (size_t i = 0; i < service->notify_count; i++) {
		strings_clear(&service->notify[i].on);
		strings_clear(&service->notify[i].command);
		free(service->notify[i].url);
		free(service->notify[i].secret_file);
	}
	free(service->notify);
	map_clear(&service->catalogs);
	service_listen_clear(&service->listen);
	service_packer_clear(&service->packer);
	*service = (struct service){0};
}

char *service_repository_name(const char *url)
{
	autofree char *clean = path_clean(url);
	const char *name = path_name(clean), *colon = strrchr(name, ':');
	struct text result = {0};

	if (colon && remote_url_is_remote(url)) /* git@example.org:images.git */
		name = colon + 1;
	size_t size = strlen(name);

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

struct service_repository *service_find_repository(
	const struct service *service, const char *url_or_name)
{
	for (size_t i = 0; i < service->repository_count; i++)
		if (strcmp(service->repositories[i]->url, url_or_name) == 0 ||
			strcmp(service->repositories[i]->name, url_or_name) == 0)
			return service->repositories[i];
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
