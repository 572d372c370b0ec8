/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a guest's memory: the pages that changed, again and again, and what is made of them. */
#include "backends/qemu/guest_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "tests/unit/check.h"

enum { PAGE = 4096, PAGES = 1024, SIZE = PAGE * PAGES, FILES = 4 };

static struct job job;
static int files[FILES];

static void set_page(const struct guest_memory *memory, size_t page, unsigned seed)
{
	unsigned char bytes[PAGE];

	for (size_t i = 0; i < PAGE; i++)
		bytes[i] = seed ? (unsigned char)((seed = seed * 1103515245 + 12345) >> 16) : 0;
	if (pwrite(memory->fd, bytes, PAGE, (off_t)page * PAGE) != PAGE)
		exit(2);
}

static int file_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(2);
	return fd;
}

static bool is_equal(const struct guest_memory *a, const struct guest_memory *b)
{
	autofree char *left = memory_new(SIZE), *right = memory_new(SIZE);

	return pread(a->fd, left, SIZE, 0) == SIZE && pread(b->fd, right, SIZE, 0) == SIZE &&
	       memcmp(left, right, SIZE) == 0;
}

/* Four times, as a build does it; file N has what changed up to then. */
static void writes(struct guest_memory *memory)
{
	struct error err = {0};
	int result = 0;

	for (size_t i = 0; i < 600; i++)
		set_page(memory, i, (unsigned)i + 1);
	for (int n = 0; n < FILES; n++) {
		char text[16];
		snprintf(text, sizeof(text), "state %d", n);
		autoclose int state = file_with(text);
		files[n] = file_with("");
		if (n == 1) {
			set_page(memory, 3, 77);
			set_page(memory, 4, 0);
			set_page(memory, 900, 5);
		}
		if (n == 3)
			set_page(memory, 4, 99);
		result |= guest_memory_write(memory, &job, state, files[n], &err);
	}
	CHECK(result == 0, "a memory is written");
	CHECK(lseek(files[0], 0, SEEK_END) > 600 * PAGE / 2, "with all its pages");
	off_t second = lseek(files[1], 0, SEEK_END);
	CHECK(second > PAGE && second < 4 * PAGE, "then with those that changed");
	CHECK(lseek(files[2], 0, SEEK_END) < 200, "and with none where none did");
}

static void reads(const struct guest_memory *memory)
{
	struct guest_memory again;
	autoclose int state = file_with("what was here before, which is longer");
	char text[64] = {0};
	struct error err = {0};

	if (guest_memory_open(&again, SIZE, &err) < 0)
		exit(2);
	set_page(&again, 1000, 42); /* what starting QEMU may have put there */
	CHECK(guest_memory_read(&again, &job, files, FILES, state, &err) == 0, "they are read");
	CHECK(is_equal(memory, &again), "and make the memory that was");
	CHECK(read(state, text, sizeof(text)) == 7 && strcmp(text, "state 3") == 0,
		"with the last one's state");
	set_page(&again, 8, 1234);
	autoclose int more = file_with(""), none = file_with("");
	CHECK(guest_memory_write(&again, &job, state, more, &err) == 0 &&
			lseek(more, 0, SEEK_END) < 2 * PAGE,
		"what changes from there on is written alone");
	CHECK(guest_memory_read(&again, &job, files, 1, state, &err) == 0 &&
			!is_equal(memory, &again),
		"fewer make an earlier one");
	set_page(&again, 4, 0);
	CHECK(guest_memory_write(&again, &job, state, none, &err) == 0 &&
			lseek(none, 0, SEEK_END) < 200,
		"a page that becomes zeros is told, not written");
	guest_memory_close(&again);
}

/* Each of its bytes changed, each of its lengths: an error, or at least the same memory; never a crash. */
static void refuses(void)
{
	off_t size = lseek(files[1], 0, SEEK_END);
	autofree char *good = memory_new((size_t)size), *bad = memory_new((size_t)size);
	autoclose int state = file_with("");
	struct guest_memory memory, small;
	struct error err = {0};
	int missed = 0, accepted = 0;

	if (pread(files[1], good, (size_t)size, 0) != size ||
		guest_memory_open(&memory, SIZE, &err) < 0 ||
		guest_memory_open(&small, SIZE / 2, &err) < 0)
		exit(2);
	for (off_t i = 0; i < size; i += 7) {
		autoclose int flipped = file_with(""), cut = file_with("");
		memcpy(bad, good, (size_t)size);
		bad[i] ^= 0x10;
		if (write(flipped, bad, (size_t)size) != size || write(cut, good, (size_t)i) != i)
			exit(2);
		missed += guest_memory_read(&memory, &job, &flipped, 1, state, &err) == 0;
		accepted += guest_memory_read(&memory, &job, &cut, 1, state, &err) == 0;
	}
	CHECK(missed == 0, "a flipped byte is noticed");
	CHECK(accepted == 0, "a file that was cut is noticed");
	CHECK_TEXT(err.text, "the memory of a checkpoint: it ends too early", "and told");
	CHECK(guest_memory_read(&small, &job, &files[0], 1, state, &err) < 0,
		"another machine's memory is refused");
	CHECK_TEXT(err.text, "the memory of a checkpoint: it is another machine's", "and told so");
	guest_memory_close(&memory);
	guest_memory_close(&small);
}

static void sizes(void)
{
	static const struct {
		const char *arguments, *what;
		int64_t size;
	} rows[] = {
		{"-m 512M", "a size", 512LL << 20},
		{"-m 512", "which counts MiB by itself", 512LL << 20},
		{"-name x -m 2G", "or GiB", 2LL << 30},
		{"-m size=1g", "under its name", 1LL << 30},
		{"-m 1000K", "or KiB", 1000LL << 10},
		{"-m 512M,slots=2,maxmem=4G", "memory that grows is QEMU's own", 0},
		{"-m 1M -m 2M", "so is one that is said twice", 0},
		{"-m 1G -numa node", "or divided", 0},
		{"-m 1G -mem-path /dev/hugepages", "or somewhere else", 0},
		{"-m 1G -object memory-backend-ram,id=a,size=1G", "or made by hand", 0},
		{"-m 1G -machine q35,memory-backend=a", "or by the machine", 0},
		{"-m 0", "none is none", 0},
		{"-m 3K", "what is no whole page is none", 0},
		{"-m 99999999999999T", "nor what is too much", 0},
		{"-name x", "without a word QEMU decides", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEANUP(strings_clear) struct strings arguments = {0};
		strings_split(&arguments, rows[i].arguments, ' ');
		CHECK(guest_memory_size(&arguments) == rows[i].size, rows[i].what);
	}
}

int main(void)
{
	struct guest_memory memory;
	struct error err = {0};

	job = (struct job){.log = {.fd = -1}};
	if (guest_memory_open(&memory, SIZE, &err) < 0)
		exit(2);
	writes(&memory);
	reads(&memory);
	refuses();
	sizes();
	CHECK(guest_memory_open(&(struct guest_memory){0}, 1000, &err) < 0,
		"a memory has whole pages");
	guest_memory_close(&memory);
	for (int n = 0; n < FILES; n++)
		close(files[n]);
	return check_done();
}
