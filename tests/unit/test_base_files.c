/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strings.h"
#include "tests/unit/check.h"

static struct error err;
static int here; /* the folder of the test */

/* The content, or "?" where it cannot be read. */
static const char *content(const char *path)
{
	static char *last;

	free(last);
	last = NULL;
	return file_read(here, path, 1000, &last, NULL, &err) < 0 ? "?" : last;
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	return fstatat(here, path, &status, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : status.st_mode & 07777;
}

static const char *list(const char *path)
{
	static char *last;
	CLEANUP(strings_clear) struct strings names = {0};

	free(last);
	last = NULL;
	if (folder_list(here, path, &names, &err) < 0)
		return "?";
	return last = strings_join(&names, " ");
}

static void reads(void)
{
	autofree char *bytes = NULL;
	size_t size = 0;

	CHECK(file_write_new(here, "ten", 0600, "0123\00056789", 10, &err) == 0, "ten bytes");
	CHECK(file_read(here, "ten", 10, &bytes, &size, &err) == 0 && size == 10 &&
			memcmp(bytes, "0123\00056789", 11) == 0,
		"are read whole, with a NUL behind");
	char *none = NULL;
	CHECK(file_read(here, "ten", 9, &none, NULL, &err) < 0 && err.kind == ERROR_CATALOG &&
			!none,
		"not more than are allowed");
	CHECK(file_read(here, "none", 9, &none, NULL, &err) < 0 && strstr(err.text, "none"),
		"a file that is not there is named");
	size_t large = 100000;
	autofree char *many = memory_new(large);
	memset(many, 'x', large);
	CHECK(file_write_new(here, "large", 0600, many, large, &err) == 0, "a large file");
	free(TAKE(bytes));
	CHECK(file_read(here, "large", large, &bytes, &size, &err) == 0 && size == large &&
			memcmp(bytes, many, large) == 0 && bytes[large] == '\0',
		"is read whole");
	CHECK(file_read(here, "large", large - 1, &none, NULL, &err) < 0,
		"and not if it is too large");
}

static void writes(void)
{
	umask(077);
	CHECK(file_write_new(here, "new", 0664, "one", 3, &err) == 0, "a new file");
	CHECK_NUMBER(mode_of("new"), 0664, "has its mode whatever the umask");
	CHECK(file_write_new(here, "new", 0600, "two", 3, &err) < 0, "is not written twice");
	CHECK_TEXT(content("new"), "one", "and stays as it was");
	CHECK(symlinkat("nowhere", here, "dangling") == 0 &&
			file_write_new(here, "dangling", 0600, "x", 1, &err) < 0 &&
			!file_exists(here, "nowhere"),
		"a link is not followed to write a new file");
	CHECK(file_exists(here, "dangling"), "though the link is there");
	CHECK(file_write_new(here, "no/folder", 0600, "x", 1, &err) < 0,
		"without a folder none is written");

	CHECK(file_replace(here, "new", 0640, "three", 5, &err) == 0, "a file is replaced");
	CHECK_TEXT(content("new"), "three", "by another content");
	CHECK_NUMBER(mode_of("new"), 0640, "and mode");
	CHECK(file_replace(here, "fresh", 0600, "", 0, &err) == 0 && file_exists(here, "fresh"),
		"also where none was");
	CHECK(file_replace(here, "dangling", 0600, "link", 4, &err) == 0 &&
			!file_exists(here, "nowhere"),
		"a link is replaced, not what it names");
	CHECK_TEXT(list("."), "dangling fresh large new ten", "nothing else is left behind");
	int fd = openat(here, "new", O_RDONLY | O_CLOEXEC);
	CHECK(file_replace(here, "new", 0600, "four", 4, &err) == 0, "while one reads it");
	CLEANUP(text_clear) struct text old = {0};
	CHECK(file_read_fd(fd, 100, &old, &err) == 0 && strcmp(text_get(&old), "three") == 0,
		"he reads the old one whole");
	close(fd);
	CHECK(mkdirat(here, "folder", 0700) == 0 &&
			file_replace(here, "folder", 0600, "x", 1, &err) < 0,
		"a folder is not replaced by a file");
	CHECK_TEXT(
		list("."), "dangling folder fresh large new ten", "and nothing is left of the try");
	umask(022);
}

static void makes_folders(void)
{
	autoclose int made = folder_make(here, "a/b/c", 0755, &err);

	CHECK(made >= 0 && mode_of("a/b/c") == 0755, "a folder and those above it");
	autoclose int again = folder_make(here, "a/b/c", 0755, &err);
	CHECK(again >= 0, "one that is there is opened");
	CHECK(folder_make(here, "ten/x", 0755, &err) < 0, "none below a file");
	CHECK(folder_make(here, "ten", 0755, &err) < 0, "nor in its place");
	CHECK(folder_open(here, "a/none", &err) < 0, "one that is not there is not opened");
	CHECK(file_write_new(made, "z", 0600, "", 0, &err) == 0 &&
			file_write_new(made, "A", 0600, "", 0, &err) == 0 &&
			file_write_new(made, ".hidden", 0600, "", 0, &err) == 0,
		"files in it");
	CHECK_TEXT(list("a/b/c"), ".hidden A z", "are listed, sorted");
	CHECK_TEXT(list("a/b/none"), "?", "no folder has no list");
}

static void removes(void)
{
	CHECK(file_write_new(here, "a/keep", 0600, "kept", 4, &err) == 0 &&
			mkdirat(here, "gone", 0700) == 0 &&
			symlinkat("../a", here, "gone/link") == 0 &&
			symlinkat("a", here, "outer") == 0,
		"links to a folder, one within another");
	CHECK(folder_remove(here, "gone", &err) == 0 && !file_exists(here, "gone"),
		"a folder goes");
	CHECK_TEXT(content("a/keep"), "kept", "what its links name stays");
	CHECK(folder_remove(here, "outer", &err) == 0 && !file_exists(here, "outer"),
		"a link goes");
	CHECK_TEXT(content("a/keep"), "kept", "alone");
	CHECK(folder_remove(here, "gone", &err) == 0, "what is not there is no error");
	CHECK(folder_remove(here, "a/keep", &err) == 0 && !file_exists(here, "a/keep"),
		"a file goes");
	CHECK(folder_remove(here, "a", &err) == 0 && !file_exists(here, "a"),
		"a folder with folders goes");
	CHECK(mkdirat(here, "shut", 0700) == 0 && mkdirat(here, "shut/in", 0700) == 0 &&
			mkdirat(here, "shut/in/file", 0700) == 0 &&
			fchmodat(here, "shut/in", 0, 0) == 0 &&
			fchmodat(here, "shut", 0500, 0) == 0,
		"folders that are shut");
	CHECK(folder_remove(here, "shut", &err) == 0 && !file_exists(here, "shut"), "go too");
}

static void removes_deep(int depth)
{
	int fd = openat(here, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < depth && fd >= 0; i++) {
		int below =
			mkdirat(fd, "d", 0700) < 0 ? -1 : openat(fd, "d", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = below;
	}
	CHECK(fd >= 0, "a tree %d folders deep", depth);
	close(fd);
	CHECK(folder_remove(here, "d", &err) == 0 && !file_exists(here, "d"), "goes");
}

static void stays_beneath(void)
{
	autoclose int inside = folder_make(here, "in/sub", 0755, &err);
	autoclose int root = folder_open(here, "in", &err);

	CHECK(file_write_new(inside, "plain", 0600, "x", 1, &err) == 0 &&
			symlinkat("sub/plain", root, "link") == 0 &&
			symlinkat("../../../etc/passwd", inside, "out") == 0 &&
			symlinkat("/etc", inside, "etc") == 0 && mkfifoat(root, "fifo", 0600) == 0,
		"files, links and a fifo");
	autoclose int plain = file_open_beneath(root, "sub/plain", O_RDONLY, 0);
	autoclose int link = file_open_beneath(root, "link", O_RDONLY, 0);
	autoclose int itself = file_open_beneath(root, "", O_RDONLY | O_DIRECTORY, 0);
	autoclose int made = file_open_beneath(root, "sub/made", O_WRONLY | O_CREAT, 0640);
	CHECK(plain >= 0 && link >= 0 && itself >= 0 && made >= 0, "what lies beneath is opened");
	CHECK(file_open_beneath(root, "sub/out", O_RDONLY, 0) < 0 && errno == EXDEV,
		"a link that leads out is not");
	CHECK(file_open_beneath(root, "sub/etc/passwd", O_RDONLY, 0) < 0 && errno == EXDEV,
		"nor through a folder");
	CHECK(file_open_beneath(root, "../in/link", O_RDONLY, 0) < 0 && errno == EXDEV, "nor ..");
	CHECK(file_open_beneath(root, "link", O_RDONLY | O_NOFOLLOW, 0) < 0 && errno == ELOOP,
		"no link at all where none is wanted");
	CHECK(file_open_beneath(root, "fifo", O_RDONLY, 0) < 0 && errno == ENXIO,
		"a fifo is not waited for by a reader");
	CHECK(file_open_beneath(root, "fifo", O_WRONLY, 0) < 0, "nor by a writer");
}

int main(void)
{
	char folder[] = "/tmp/kiln-test-files-XXXXXX";

	if (!CHECK(mkdtemp(folder), "a folder"))
		return check_done();
	here = folder_open(AT_FDCWD, folder, &err);
	reads();
	writes();
	makes_folders();
	stays_beneath();
	removes();
	removes_deep(300);
	struct rlimit few = {64, 64};
	setrlimit(RLIMIT_NOFILE, &few);
	removes_deep(5000);
	close(here);
	CHECK(folder_remove(AT_FDCWD, folder, &err) == 0 && !file_exists(AT_FDCWD, folder),
		"the folder goes with all that is left");
	return check_done();
}
