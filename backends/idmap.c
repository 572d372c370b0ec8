/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/idmap.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"

/* The first range of at least 65,535 ids that FILE gives to the user, by name or number; 0 if none. */
static uint32_t find_range(const char *file, const char *user, uid_t uid)
{
	autofclose FILE *stream = fopen(file, "re");
	char line[512], number[16];

	snprintf(number, sizeof(number), "%u", uid);
	while (stream && fgets(line, sizeof(line), stream)) {
		char *first = strchr(line, ':');
		char *count = first ? strchr(first + 1, ':') : NULL;
		if (!count)
			continue;
		*first++ = '\0';
		*count++ = '\0';
		if ((strcmp(line, number) == 0 || (user && strcmp(line, user) == 0)) &&
			strtoul(count, NULL, 10) >= IDMAP_COUNT - 1)
			return strtoul(first, NULL, 10);
	}
	return 0;
}

static bool in_path(const char *program)
{
	static const char *const folders[] = {"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		autofree char *path = memory_printf("%s/%s", folders[i], program);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

void idmap_find(uint32_t root_base, struct idmap *map)
{
	uid_t uid = geteuid();
	const struct passwd *entry;

	*map = (struct idmap){.uid = uid, .gid = getegid()};
	if (uid == 0) {
		*map = (struct idmap){true, false, root_base, root_base, root_base, root_base};
		return;
	}
	if (!in_path("newuidmap") || !in_path("newgidmap"))
		return;
	entry = getpwuid(uid);
	map->first_uid = find_range("/etc/subuid", entry ? entry->pw_name : NULL, uid);
	map->first_gid = find_range("/etc/subgid", entry ? entry->pw_name : NULL, uid);
	map->many = map->helpers = map->first_uid && map->first_gid;
}

bool idmap_has_many(void)
{
	struct idmap map;

	idmap_find(1, &map);
	return map.many;
}

static int write_file(pid_t pid, const char *name, const char *text, struct error *err)
{
	autofree char *path = memory_printf("/proc/%d/%s", pid, name);
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	return 0;
}

static int run_helper(
	const char *helper, pid_t pid, uint32_t own, uint32_t first, struct error *err)
{
	autofree char *process = memory_printf("%d", pid);
	autofree char *zero = memory_printf("%u", own);
	autofree char *one = memory_printf("%u", first);
	const char *const arguments[] = {helper, process, "0", zero, "1", "1", one, "65535", NULL};
	struct process_options options = PROCESS_OPTIONS;
	CLEANUP(text_clear) struct text said = {0};

	options.arguments = arguments;
	int code = process_run(&options, 10, 4096, &said, err);
	if (code < 0)
		return -1;
	if (code != 0)
		return fail(err, ERROR_BROKEN, "%s: %s", helper, text_get(&said));
	return 0;
}

int idmap_write(const struct idmap *map, pid_t pid, struct error *err)
{
	if (map->helpers) {
		if (run_helper("newuidmap", pid, map->uid, map->first_uid, err) < 0)
			return -1;
		return run_helper("newgidmap", pid, map->gid, map->first_gid, err);
	}
	autofree char *uids = memory_printf("0 %u %d\n", map->uid, map->many ? IDMAP_COUNT : 1);
	autofree char *gids = memory_printf("0 %u %d\n", map->gid, map->many ? IDMAP_COUNT : 1);
	/* without privileges a group map is allowed only once setgroups is given up */
	if (!map->many && write_file(pid, "setgroups", "deny", err) < 0)
		return -1;
	if (write_file(pid, "uid_map", uids, err) < 0)
		return -1;
	return write_file(pid, "gid_map", gids, err);
}
