/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/service_listen.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/listen_address.h"

static const char *const kind_names[HOOK_KIND_COUNT] = {
	[HOOK_GITHUB] = "github",
	[HOOK_GITEA] = "gitea",
	[HOOK_GITLAB] = "gitlab",
	[HOOK_PLAIN] = "plain",
};

static int check_address(struct settings_reader *reader, void *into, const struct json *value)
{
	struct listen_address address;

	(void)into;
	if (listen_address_parse(json_text(value, ""), &address))
		return 0;
	return settings_fail(reader,
		"must be an address and a port, 127.0.0.1:8480 or [::1]:8480, or unix:/path");
}

static int read_kind(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service_hook *hook = into;

	for (enum hook_kind kind = HOOK_NONE + 1; kind < HOOK_KIND_COUNT; kind++)
		if (strcmp(json_text(value, ""), kind_names[kind]) == 0)
			hook->kind = kind;
	if (hook->kind)
		return 0;
	return settings_fail(reader,
		"there is no kind '%s': they are github, gitea, gitlab and plain",
		json_text(value, ""));
}

/* The names of credentials become the paths that they have. */
static int find_secret_files(struct settings_reader *reader, void *into, const struct json *value)
{
	struct strings *files = &((struct service_hook *)into)->secret_files;

	(void)value;
	for (size_t i = 0; i < files->count; i++) {
		char *path = settings_file_path(files->items[i]);
		if (!path)
			return settings_fail(reader,
				"'%s' must be an absolute path, or the name of a credential that "
				"systemd loads (LoadCredential=)",
				files->items[i]);
		free(files->items[i]);
		files->items[i] = path;
	}
	return 0;
}

static int read_hook(
	struct settings_reader *reader, struct service_listen *listen, const struct json *item)
{
	static const struct setting table[] = {
		{"repository", SETTING_TEXT, offsetof(struct service_hook, repository)},
		{"kind", SETTING_TEXT, offsetof(struct service_hook, kind_name), .read = read_kind},
		{"secret_files", SETTING_TEXTS, offsetof(struct service_hook, secret_files),
			.read = find_secret_files},
		{0}};
	struct service_hook *hook = &listen->hooks[listen->hook_count++];

	if (json_kind(item) != JSON_OBJECT)
		return settings_fail(reader, "must be a list of objects");
	if (settings_read(reader, item, table, hook) < 0)
		return -1;
	if (!hook->repository || !hook->kind || !hook->secret_files.count)
		return settings_fail(reader, "hook %zu has no %s", listen->hook_count,
			!hook->repository ? "repository"
			: !hook->kind     ? "kind"
					  : "secret_files");
	return 0;
}

static int read_hooks(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service_listen *listen = into;

	listen->hooks = memory_new(json_count(value) * sizeof(*listen->hooks));
	for (size_t i = 0; i < json_count(value); i++)
		if (read_hook(reader, listen, json_item(value, i)) < 0)
			return -1;
	return 0;
}

int service_listen_read(
	struct settings_reader *reader, struct service_listen *listen, const struct json *value)
{
	static const struct setting table[] = {
		{"address", SETTING_TEXT, offsetof(struct service_listen, address),
			.read = check_address},
		{"token_file", SETTING_FILE, offsetof(struct service_listen, token_file)},
		{"hosts", SETTING_TEXTS, offsetof(struct service_listen, hosts)},
		{"hooks", SETTING_LIST, .read = read_hooks}, {0}};
	struct listen_address address;

	if (settings_read(reader, value, table, listen) < 0)
		return -1;
	if (!listen->address)
		return settings_fail(reader, "has no address");
	if (listen_address_parse(listen->address, &address) && !address.is_local &&
		!listen->token_file)
		return settings_fail(reader,
			"other machines reach %s: name a token_file, or listen at 127.0.0.1",
			listen->address);
	return 0;
}

void service_listen_clear(struct service_listen *listen)
{
	for (size_t i = 0; i < listen->hook_count; i++) {
		free(listen->hooks[i].repository);
		free(listen->hooks[i].kind_name);
		strings_clear(&listen->hooks[i].secret_files);
	}
	free(listen->hooks);
	free(listen->address);
	free(listen->token_file);
	strings_clear(&listen->hosts);
	*listen = (struct service_listen){0};
}
