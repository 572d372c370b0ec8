/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/compare/listing.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/check.h"

static const struct digest some = {{1, 2, 3}};

/* ---- lines ---- */

static void lines_say_what_counts(void)
{
	static const struct {
		struct listing_entry entry;
		const char *wanted;
	} cases[] = {
		{{.mode = S_IFREG | 04755, .owner = 1, .group = 2, .size = 3, .digest = &some},
			"file 4755 1:2 3 bytes "
			"sha256:"
			"0102030000000000000000000000000000000000000000000000000000000000"},
		{{.mode = S_IFREG | 0644, .size = 3}, "file 0644 0:0 3 bytes"},
		{{.mode = S_IFDIR | 01777, .size = 4096}, "folder 1777 0:0"},
		{{.mode = S_IFLNK | 0777, .owner = 5, .size = 9, .target = "there"},
			"link 5:0 to there"},
		{{.mode = S_IFCHR | 0600, .major = 1, .minor = 3}, "character device 0600 0:0 1:3"},
		{{.mode = S_IFBLK | 0600, .major = 8, .minor = 0}, "block device 0600 0:0 8:0"},
		{{.mode = S_IFIFO | 0600}, "fifo 0600 0:0"},
		{{.mode = S_IFSOCK | 0600}, "socket 0600 0:0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		autofree char *line = listing_describe(&cases[i].entry);
		CHECK_TEXT(line, cases[i].wanted, "a line: %s", cases[i].wanted);
	}
}

/* ---- comparing ---- */

static void put(struct listing *listing, const char *path, const char *line)
{
	listing_add(listing, path, memory_copy_text(line));
}

static void differences_are_told(void)
{
	CLEANUP(listing_clear) struct listing a = {0}, b = {0};
	autojson struct json *list = json_new_list();

	put(&a, "/same", "x");
	put(&b, "/same", "x");
	put(&a, "/z", "old");
	put(&b, "/z", "new");
	put(&a, "/gone", "x");
	put(&b, "/come", "x");
	put(&b, "/taken", "x");
	listing_remove(&b, "/taken", true);
	listing_compare(&a, &b, list);
	autofree char *text = json_to_line(list);
	CHECK_TEXT(text,
		"[{\"path\":\"/come\",\"expected\":null,\"found\":\"x\"},"
		"{\"path\":\"/gone\",\"expected\":\"x\",\"found\":null},"
		"{\"path\":\"/z\",\"expected\":\"old\",\"found\":\"new\"}]",
		"what differs, what is gone and what came, by path");
}

/* ---- archives ---- */

/* One entry of an archive to be; CONTENT NULL: a folder. */
struct item {
	const char *path, *content, *link;
};

static int make_archive(const struct item *items, size_t count, bool compressed)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	struct archive *archive = archive_write_new();

	archive_write_set_format_pax_restricted(archive);
	if (compressed)
		archive_write_add_filter_zstd(archive);
	archive_write_open_fd(archive, fd);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_copy_pathname(entry, items[i].path);
		archive_entry_set_mode(entry, items[i].content ? S_IFREG | 0644 : S_IFDIR | 0755);
		if (items[i].link)
			archive_entry_copy_hardlink(entry, items[i].link);
		else if (items[i].content)
			archive_entry_set_size(entry, (int64_t)strlen(items[i].content));
		archive_write_header(archive, entry);
		if (items[i].content && !items[i].link)
			archive_write_data(archive, items[i].content, strlen(items[i].content));
		archive_entry_free(entry);
	}
	archive_write_free(archive);
	return fd;
}

static int read_items(const struct item *items, size_t count, bool layer, struct listing *listing)
{
	struct job job = {0};
	struct error err;
	autoclose int fd = make_archive(items, count, !layer);

	return listing_read_archive(&job, fd, layer, listing, &err);
}

static void archives_are_read(void)
{
	static const struct item items[] = {{"./", NULL, NULL}, {"./etc/", NULL, NULL},
		{"./etc/a", "hello", NULL}, {"./etc/b", "", "./etc/a"}};
	CLEANUP(listing_clear) struct listing listing = {0};
	struct job job = {0};
	struct error err;
	autoclose int text = memfd_create("text", MFD_CLOEXEC);

	CHECK_NUMBER(read_items(items, 4, false, &listing), 1, "a compressed tar is an archive");
	CHECK_TEXT(listing_find(&listing, "/"), "folder 0755 0:0", "its root is /");
	CHECK_TEXT(listing_find(&listing, "/etc/a"),
		"file 0644 0:0 5 bytes "
		"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		"a file has its digest");
	CHECK_TEXT(listing_find(&listing, "/etc/b"), listing_find(&listing, "/etc/a"),
		"a second name of a file is what the first is");
	CHECK(write(text, "no archive at all\n", 18) == 18, "there is a file");
	CHECK_NUMBER(listing_read_archive(&job, text, false, &listing, &err), 0,
		"what is no archive is told");
}

static void layers_lie_over_each_other(void)
{
	static const struct item below[] = {{"etc", NULL, NULL}, {"etc/a", "a", NULL},
		{"etc/b", "b", NULL}, {"srv", NULL, NULL}, {"srv/old", "x", NULL},
		{"opt", NULL, NULL}, {"opt/in", "x", NULL}};
	static const struct item above[] = {{"etc/.wh.a", "", NULL}, {"srv", NULL, NULL},
		{"srv/new", "y", NULL}, {"srv/.wh..wh..opq", "", NULL}, {"opt", "file", NULL}};
	CLEANUP(listing_clear) struct listing listing = {0};

	read_items(below, 7, true, &listing);
	CHECK_NUMBER(read_items(above, 5, true, &listing), 1, "a layer is an archive");
	CHECK(!listing_find(&listing, "/etc/a"), "what it hides is gone");
	CHECK(listing_find(&listing, "/etc/b"), "what it does not hide is there");
	CHECK(!listing_find(&listing, "/srv/old"), "of an opaque folder nothing is left");
	CHECK(listing_find(&listing, "/srv/new") && listing_find(&listing, "/srv"),
		"but what the layer itself has, before or behind that");
	CHECK(!listing_find(&listing, "/opt/in"), "a file in a folder's place takes all of it");
}

/* ---- machines ---- */

static void machines_are_read(void)
{
	static const char said[] =
		"hello from a login\nkiln-stats\n41ed 0 0 4096 0 0 /\n"
		"81a4 1000 100 5 0 0 /a b\na1ff 0 0 7 0 0 /bin/sh\na1ff 0 0 4 0 0 /l\n"
		"2180 0 0 0 5 1 /dev/console\nkiln-links\n/bin/sh//'/bin/sh' -> 'busybox'\n"
		"/l///l -> a -> b\nkiln-sums\n"
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  /a "
	        "b\nkiln-done\n";
	CLEANUP(listing_clear) struct listing listing = {0};
	struct error err;

	CHECK(listing_parse_machine(said, &listing, &err) == 0, "what a machine says is read");
	CHECK_TEXT(listing_find(&listing, "/a b"),
		"file 0644 1000:100 5 bytes "
		"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		"a file with a space in its name");
	CHECK_TEXT(listing_find(&listing, "/bin/sh"), "link 0:0 to busybox", "a quoted link");
	CHECK_TEXT(listing_find(&listing, "/l"), "link 0:0 to a -> b", "one that is not");
	CHECK_TEXT(listing_find(&listing, "/dev/console"), "character device 0600 0:0 5:1",
		"a device");
	CHECK(listing_parse_machine(
		      "kiln-stats\n41ed 0 0 4096 0 0 /\nkiln-links\n", &listing, &err) < 0,
		"a list that breaks off is none");
}

int main(void)
{
	lines_say_what_counts();
	differences_are_told();
	archives_are_read();
	layers_lie_over_each_other();
	machines_are_read();
	return check_done();
}
