/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/installed.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

int packer_version_read(const char *text, char **version, struct error *err)
{
	unsigned major, minor, patch;
	int size = 0;
	const char *at = text;

	if (text_starts_with(at, "Packer "))
		at += strlen("Packer ");
	at += *at == 'v';
	if (sscanf(at, "%4u.%4u.%4u%n", &major, &minor, &patch, &size) < 3)
		return fail(err, ERROR_BROKEN, "it says no version of Packer but \"%.*s\"",
			(int)(strcspn(text, "\n") < 80 ? strcspn(text, "\n") : 80), text);
	if (major < 1 || (major == 1 && minor < 6))
		return fail(err, ERROR_BROKEN,
			"it is version %.*s, and kiln needs " PACKER_OLDEST " or later", size, at);
	*version = memory_copy_bytes(at, size);
	return 0;
}

bool packer_is_plugin(const char *name, bool below)
{
	static const struct {
		const char *prefix;
		bool below;
	} prefixes[] = {{"packer-builder-", false}, {"packer-provisioner-", false},
		{"packer-post-processor-", false}, {"packer-datasource-", false},
		{"packer-plugin-", true}};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (prefixes[i].below >= below &&
			strncasecmp(name, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0)
			return true;
	return false;
}
