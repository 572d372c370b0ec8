/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/screen.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* By either name it is what it begins with. */
static const struct kind {
	const char *type, *begin;
} kinds[] = {
	{"image/png", "\x89PNG\r\n\x1a\n"},
	{"image/x-portable-pixmap", "P6\n"},
};

static const char *find_type(int fd)
{
	char begin[8] = {0};
	ssize_t size = pread(fd, begin, sizeof(begin), 0);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t wanted = strlen(kinds[i].begin);
		if (size >= (ssize_t)wanted && memcmp(begin, kinds[i].begin, wanted) == 0)
			return kinds[i].type;
	}
	return NULL;
}

static bool open_at(int folder, const char *name, struct screen *screen)
{
	autoclose int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1 ||
		status.st_size > SCREEN_SIZE_MOST)
		return false;
	const char *type = find_type(fd);
	if (!type)
		return false;
	*screen = (struct screen){TAKE_FD(fd), type, status.st_size,
		(int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000};
	return true;
}

struct screen screen_open(const char *folder)
{
	static const char *const names[] = {"screen.png", "screen.ppm"};
	autoclose int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct screen screen = {.fd = -1};

	for (size_t i = 0; fd >= 0 && i < sizeof(names) / sizeof(*names); i++)
		if (open_at(fd, names[i], &screen))
			break;
	return screen;
}
