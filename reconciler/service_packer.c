/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/service_packer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

static int check_path(struct settings_reader *reader, void *into, const struct json *value)
{
	(void)into;
	if (json_text(value, "")[0] == '/')
		return 0;
	return settings_fail(reader, "must be an absolute path");
}

static int check_share(struct settings_reader *reader, void *into, const struct json *value)
{
	struct service_packer *packer = into;

	(void)value;
	for (size_t i = 0; i < packer->share.count; i++) {
		char *clean = path_clean(packer->share.items[i]);
		free(packer->share.items[i]);
		packer->share.items[i] = clean;
		if (clean[0] != '/' || !clean[1])
			return settings_fail(
				reader, "'%s' must be an absolute path below /", clean);
	}
	return 0;
}

int service_packer_read(
	struct settings_reader *reader, struct service_packer *packer, const struct json *value)
{
	static const struct setting table[] = {
		{"program", SETTING_TEXT, offsetof(struct service_packer, program),
			.read = check_path},
		{"plugins", SETTING_TEXT, offsetof(struct service_packer, plugins),
			.read = check_path},
		{"share", SETTING_TEXTS, offsetof(struct service_packer, share),
			.read = check_share},
		{0}};

	return settings_read(reader, value, table, packer);
}

void service_packer_clear(struct service_packer *packer)
{
	free(packer->program);
	free(packer->plugins);
	strings_clear(&packer->share);
	*packer = (struct service_packer){0};
}

char *service_packer_program(const struct service_packer *packer)
{
	const char *path = getenv("PATH");
	CLEANUP(strings_clear) struct strings folders = {0};

	if (packer->program)
		return memory_copy_text(packer->program);
	strings_split(&folders, path && *path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
	strings_each (folder, &folders) {
		/* a relative one would be of whoever's folder we were started in */
		if (folder[0] != '/')
			continue;
		char *program = path_join(folder, "packer");
		if (access(program, X_OK) == 0)
			return program;
		free(program);
	}
	return NULL;
}
