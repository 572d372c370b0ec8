/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/power.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

static const struct {
	const char *name;
	bool has_argument;
	const char *help;
} powers[POWER_COUNT] = {
	[POWER_NONE] = {"", false, ""},
	[POWER_SHELL_LOCAL] = {"shell-local", false,
		"run commands on this machine, in a sandbox that sees the build's folder"},
	[POWER_HOST_NETWORK] = {"host-network", false,
		"reach the network that this machine reaches"},
	[POWER_HOST_ANSIBLE] = {"host-ansible", false, "run ansible-playbook on this machine"},
	[POWER_QEMU_ARGS] = {"qemu-args", false, "give QEMU any argument"},
	[POWER_PACKER_ENGINE] = {"packer-engine", false,
		"be built by an installed packer, in a sandbox with this machine's network"},
	[POWER_OUTSIDE_PATH] = {"outside-path", true, "read files of this machine below a path"},
	[POWER_ENV] = {"env", true, "read a variable of kiln's environment"},
};

const char *power_name(enum power power)
{
	return powers[power].name;
}

const char *power_help(enum power power)
{
	return powers[power].help;
}

bool power_parse(const char *grant, enum power *power, const char **argument)
{
	const char *colon = strchrnul(grant, ':');

	for (enum power p = POWER_NONE + 1; p < POWER_COUNT; p++) {
		if (strlen(powers[p].name) != (size_t)(colon - grant) ||
			memcmp(powers[p].name, grant, colon - grant) != 0)
			continue;
		if (powers[p].has_argument ? !*colon || !colon[1] : *colon != '\0')
			return false;
		*power = p;
		*argument = *colon ? colon + 1 : NULL;
		return true;
	}
	return false;
}

/* Both made clean: neither a slash more nor a ".." may decide. */
static bool covers(const char *folder, const char *path)
{
	autofree char *clean_folder = path_clean(folder), *clean_path = path_clean(path);

	return path_is_within(clean_path, strcmp(clean_folder, "/") == 0 ? "" : clean_folder);
}

bool power_is_granted(const struct strings *grants, const char *need)
{
	enum power needed, granted;
	const char *wanted, *given;

	if (!power_parse(need, &needed, &wanted))
		return false;
	strings_each (grant, grants) {
		if (!power_parse(grant, &granted, &given) || granted != needed)
			continue;
		if (!wanted || strcmp(wanted, given) == 0)
			return true;
		if (needed == POWER_OUTSIDE_PATH && covers(given, wanted))
			return true;
	}
	return false;
}
