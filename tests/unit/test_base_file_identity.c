/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_identity.h"
#include "tests/unit/check.h"

enum { ROUNDS = 20 }; /* what hangs on the clock's ticks is tried often */

static void write_file(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
}

/* Changed in the same moment, to the same size, with its old time put back. */
static bool is_change_seen(const char *path)
{
	struct stat status;

	write_file(path, "some");
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	autojson struct json *before = file_identity_at_rest(fd), *same = file_identity(fd);
	if (!before || !json_equal(before, same) || fstat(fd, &status) < 0)
		return false;
	autoclose int writer = open(path, O_WRONLY | O_CLOEXEC);
	const struct timespec times[2] = {status.st_atim, status.st_mtim};
	if (write(writer, "SOME", 4) != 4 || futimens(writer, times) < 0)
		return false;
	autojson struct json *after = file_identity(fd);
	return !json_equal(before, after);
}

static void test_writers(const char *path)
{
	write_file(path, "some");
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	int writer = open(path, O_RDWR | O_CLOEXEC);
	void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
	autojson struct json *open_for_writing = file_identity_at_rest(fd);

	CHECK(!file_is_at_rest(fd) && !open_for_writing, "one that is open for writing is not at rest");
	close(writer);
	CHECK(!file_is_at_rest(fd), "nor is one that is mapped");
	munmap(mapped, 4096);
	CHECK(file_is_at_rest(fd), "it is when nobody can write");
	CHECK(!file_identity(-1) && !file_identity_at_rest(-1), "what is not open has no identity");
}

int main(void)
{
	char folder[] = "/tmp/kiln-identity-XXXXXX", path[64];
	int seen = 0;

	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/file", folder);
	for (int i = 0; i < ROUNDS; i++)
		seen += is_change_seen(path);
	CHECK_NUMBER(seen, ROUNDS, "a change is seen, however soon it comes");
	test_writers(path);
	unlink(path);
	rmdir(folder);
	return check_done();
}
