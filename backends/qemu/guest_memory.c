/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "backends/qemu/guest_memory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

#define MAGIC "kiln-memory 1\n"

enum { PAGE_SIZE = 4096, BLOCK_SIZE = 1024 * 1024, ROOM_SIZE = 128 * 1024 };
enum { LEVEL = -3, WINDOW_LOG = 20 }; /* half the time of level 1 for a tenth more bytes */
enum run_kind { RUN_END, RUN_BYTES, RUN_ZEROS };
static const int64_t size_most = 1LL << 50, state_size_most = 4LL << 30;

/* All zeros: the sum of a page of zeros. */
struct page_sum {
	uint64_t low, high;
};

struct run {
	uint64_t first;
	uint32_t count, kind;
};

/* ---- the file ---- */

int guest_memory_open(struct guest_memory *memory, int64_t size, struct error *err)
{
	static const char zeros[PAGE_SIZE];

	*memory = (struct guest_memory)GUEST_MEMORY_NONE;
	if (size <= 0 || size > size_most || size % PAGE_SIZE)
		return fail(
			err, ERROR_CATALOG, "a guest's memory has no %lld bytes", (long long)size);
	if (getrandom(&memory->seed, sizeof(memory->seed), 0) != sizeof(memory->seed))
		return fail_errno(err, ERROR_BROKEN, "no random numbers");
	XXH128_hash_t sum = XXH3_128bits_withSeed(zeros, PAGE_SIZE, memory->seed);
	memory->zeros[0] = sum.low64;
	memory->zeros[1] = sum.high64;
	memory->fd = memfd_create("guest", MFD_CLOEXEC);
	if (memory->fd < 0 || ftruncate(memory->fd, size) < 0) {
		guest_memory_close(memory);
		return fail_errno(err, ERROR_RESOURCE, "no memory for the guest");
	}
	memory->size = size;
	memory->pages = memory_new((size_t)(size / PAGE_SIZE) * sizeof(*memory->pages));
	return 0;
}

void guest_memory_close(struct guest_memory *memory)
{
	cleanup_close(&memory->fd);
	free(memory->pages);
	*memory = (struct guest_memory)GUEST_MEMORY_NONE;
}

static struct page_sum sum_of(const struct guest_memory *memory, const void *page)
{
	XXH128_hash_t sum = XXH3_128bits_withSeed(page, PAGE_SIZE, memory->seed);

	return (struct page_sum){sum.low64 ^ memory->zeros[0], sum.high64 ^ memory->zeros[1]};
}

static bool is_zero(struct page_sum sum)
{
	return !sum.low && !sum.high;
}

/* ---- writing ---- */

struct writer {
	struct guest_memory *memory;
	struct job *job;
	ZSTD_CCtx *zstd;
	int out;
	char *room, *block;
	struct error *err;
};

static int put(struct writer *writer, const void *bytes, size_t size, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = {bytes, size, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {writer->room, ROOM_SIZE, 0};
		left = ZSTD_compressStream2(writer->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return fail(writer->err, ERROR_BROKEN, "compression: %s",
				ZSTD_getErrorName(left));
		if (file_write_all(writer->out, writer->room, out.pos, writer->err) < 0)
			return -1;
	} while (in.pos < in.size || (how == ZSTD_e_end && left));
	return 0;
}

static int put_run(struct writer *writer, struct run run, const void *bytes)
{
	struct run written = {htole64(run.first), htole32(run.count), htole32(run.kind)};

	if (put(writer, &written, sizeof(written), ZSTD_e_continue) < 0)
		return -1;
	return run.kind != RUN_BYTES
	               ? 0
	               : put(writer, bytes, (size_t)run.count * PAGE_SIZE, ZSTD_e_continue);
}

/* What is to be written of a page with that content, NULL for zeros; RUN_END: nothing, it is what it was. */
static enum run_kind note_page(struct guest_memory *memory, uint64_t page, const char *bytes)
{
	struct page_sum *known = &memory->pages[page];
	struct page_sum sum = bytes ? sum_of(memory, bytes) : (struct page_sum){0};

	if (sum.low == known->low && sum.high == known->high)
		return RUN_END;
	*known = sum;
	return is_zero(sum) ? RUN_ZEROS : RUN_BYTES;
}

/* Of COUNT pages at BYTES (NULL: zeros), the first being FIRST, those that changed. */
static int put_pages(struct writer *writer, uint64_t first, size_t count, const char *bytes)
{
	struct run run = {0};

	for (size_t i = 0; i <= count; i++) {
		const char *page = bytes ? bytes + i * PAGE_SIZE : NULL;
		enum run_kind kind =
			i < count ? note_page(writer->memory, first + i, page) : RUN_END;
		if (run.count && kind != (enum run_kind)run.kind) {
			const char *from = bytes ? bytes + (run.first - first) * PAGE_SIZE : NULL;
			if (put_run(writer, run, from) < 0)
				return -1;
			run.count = 0;
		}
		if (kind == RUN_END)
			continue;
		if (!run.count)
			run = (struct run){first + i, 0, kind};
		run.count++;
	}
	return 0;
}

/* What was never touched has no bytes in the file. */
static int put_hole(struct writer *writer, int64_t from, int64_t to)
{
	for (; from < to; from += (int64_t)BLOCK_SIZE) {
		int64_t size = to - from < BLOCK_SIZE ? to - from : BLOCK_SIZE;
		if (put_pages(writer, (uint64_t)(from / PAGE_SIZE), (size_t)(size / PAGE_SIZE),
			    NULL) < 0)
			return -1;
	}
	return 0;
}

static int put_data(struct writer *writer, int64_t from, int64_t to)
{
	for (; from < to; from += (int64_t)BLOCK_SIZE) {
		size_t size = (size_t)(to - from < BLOCK_SIZE ? to - from : BLOCK_SIZE);
		if (job_check(writer->job, writer->err) < 0)
			return -1;
		if (pread(writer->memory->fd, writer->block, size, from) != (ssize_t)size)
			return fail_errno(writer->err, ERROR_BROKEN, "the guest's memory");
		if (put_pages(writer, (uint64_t)(from / PAGE_SIZE), size / PAGE_SIZE,
			    writer->block) < 0)
			return -1;
	}
	return 0;
}

static int put_memory(struct writer *writer)
{
	int64_t size = writer->memory->size;
	uint64_t written = htole64((uint64_t)size);

	if (put(writer, MAGIC, strlen(MAGIC), ZSTD_e_continue) < 0 ||
		put(writer, &written, sizeof(written), ZSTD_e_continue) < 0)
		return -1;
	for (int64_t at = 0; at < size;) {
		int64_t data = lseek(writer->memory->fd, at, SEEK_DATA);
		if (data < 0)
			data = size; /* ENXIO: there is nothing more */
		int64_t end = data < size ? lseek(writer->memory->fd, data, SEEK_HOLE) : size;
		if (end < 0)
			return fail_errno(writer->err, ERROR_BROKEN, "the guest's memory");
		if (put_hole(writer, at, data) < 0 || put_data(writer, data, end) < 0)
			return -1;
		at = end;
	}
	return put_run(writer, (struct run){.kind = RUN_END}, NULL);
}

static int put_state(struct writer *writer, int state)
{
	off_t at = 0;
	ssize_t got;

	while ((got = pread(state, writer->block, BLOCK_SIZE, at)) > 0) {
		if (put(writer, writer->block, (size_t)got, ZSTD_e_continue) < 0)
			return -1;
		at += got;
	}
	if (got < 0)
		return fail_errno(writer->err, ERROR_BROKEN, "the machine's state");
	return put(writer, NULL, 0, ZSTD_e_end);
}

static void free_compressor(ZSTD_CCtx **zstd)
{
	ZSTD_freeCCtx(*zstd);
}

int guest_memory_write(
	struct guest_memory *memory, struct job *job, int state, int out, struct error *err)
{
	CLEANUP(free_compressor) ZSTD_CCtx *zstd = ZSTD_createCCtx();
	autofree char *room = memory_new(ROOM_SIZE);
	autofree char *block = memory_new(BLOCK_SIZE);
	struct writer writer = {memory, job, zstd, out, room, block, err};

	if (!zstd)
		return fail(err, ERROR_RESOURCE, "no memory for compression");
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	return put_memory(&writer) < 0 ? -1 : put_state(&writer, state);
}

/* ---- reading ---- */

struct reader {
	struct guest_memory *memory;
	struct job *job;
	ZSTD_DCtx *zstd;
	int file;
	char *room, *block;
	ZSTD_inBuffer in;
	bool over; /* the frame is */
	struct error *err;
};

static int fail_format(struct reader *reader, const char *what)
{
	return fail(reader->err, ERROR_BROKEN, "the memory of a checkpoint: %s", what);
}

/* Up to SIZE bytes; fewer at the end of the frame. */
static int64_t take_some(struct reader *reader, void *bytes, size_t size)
{
	ZSTD_outBuffer out = {bytes, size, 0};

	while (out.pos < size && !reader->over) {
		if (reader->in.pos == reader->in.size) {
			ssize_t got = read(reader->file, reader->room, ROOM_SIZE);
			if (got < 0)
				return fail_errno(reader->err, ERROR_BROKEN, "a checkpoint");
			if (got == 0)
				return fail_format(reader, "it ends too early");
			reader->in = (ZSTD_inBuffer){reader->room, (size_t)got, 0};
		}
		size_t left = ZSTD_decompressStream(reader->zstd, &out, &reader->in);
		if (ZSTD_isError(left))
			return fail_format(reader, ZSTD_getErrorName(left));
		reader->over = left == 0;
	}
	return (int64_t)out.pos;
}

static int take(struct reader *reader, void *bytes, size_t size)
{
	int64_t got = take_some(reader, bytes, size);

	return got < 0 ? -1 : got == (int64_t)size ? 0 : fail_format(reader, "it ends too early");
}

static int take_zeros(struct reader *reader, const struct run *run)
{
	struct guest_memory *memory = reader->memory;

	memset(memory->pages + run->first, 0, run->count * sizeof(*memory->pages));
	if (fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)run->first * PAGE_SIZE, (off_t)run->count * PAGE_SIZE) < 0)
		return fail_errno(reader->err, ERROR_BROKEN, "the guest's memory");
	return 0;
}

static int take_bytes(struct reader *reader, const struct run *run)
{
	struct guest_memory *memory = reader->memory;

	for (uint64_t done = 0; done < run->count;) {
		uint64_t count = run->count - done, most = BLOCK_SIZE / PAGE_SIZE;
		uint64_t first = run->first + done;
		count = count < most ? count : most;
		size_t size = count * PAGE_SIZE;
		if (job_check(reader->job, reader->err) < 0 ||
			take(reader, reader->block, size) < 0)
			return -1;
		if (pwrite(memory->fd, reader->block, size, (off_t)first * PAGE_SIZE) !=
			(ssize_t)size)
			return fail_errno(reader->err, ERROR_RESOURCE, "the guest's memory");
		for (uint64_t i = 0; i < count; i++)
			memory->pages[first + i] = sum_of(memory, reader->block + i * PAGE_SIZE);
		done += count;
	}
	return 0;
}

static int take_memory(struct reader *reader)
{
	uint64_t pages = (uint64_t)(reader->memory->size / PAGE_SIZE), size;
	char magic[sizeof(MAGIC) - 1];
	struct run run;

	if (take(reader, magic, sizeof(magic)) < 0 || take(reader, &size, sizeof(size)) < 0)
		return -1;
	if (memcmp(magic, MAGIC, sizeof(magic)) != 0 ||
		le64toh(size) != (uint64_t)reader->memory->size)
		return fail_format(reader, "it is another machine's");
	for (;;) {
		if (take(reader, &run, sizeof(run)) < 0)
			return -1;
		run = (struct run){le64toh(run.first), le32toh(run.count), le32toh(run.kind)};
		if (run.kind == RUN_END)
			return 0;
		if (run.first >= pages || run.count > pages - run.first || run.kind > RUN_ZEROS)
			return fail_format(reader, "it names pages that there are not");
		if ((run.kind == RUN_ZEROS ? take_zeros(reader, &run) : take_bytes(reader, &run)) <
			0)
			return -1;
	}
}

static int take_state(struct reader *reader, int state)
{
	int64_t got, all = 0;

	if (ftruncate(state, 0) < 0 || lseek(state, 0, SEEK_SET) < 0)
		return fail_errno(reader->err, ERROR_BROKEN, "the machine's state");
	while ((got = take_some(reader, reader->block, BLOCK_SIZE)) > 0) {
		all += got;
		if (all > state_size_most)
			return fail_format(reader, "the machine's state has no end");
		if (file_write_all(state, reader->block, (size_t)got, reader->err) < 0)
			return -1;
	}
	return got < 0 || lseek(state, 0, SEEK_SET) < 0 ? -1 : 0;
}

static void free_decompressor(ZSTD_DCtx **zstd)
{
	ZSTD_freeDCtx(*zstd);
}

int guest_memory_read(struct guest_memory *memory, struct job *job, const int *files, size_t count,
	int state, struct error *err)
{
	CLEANUP(free_decompressor) ZSTD_DCtx *zstd = ZSTD_createDCtx();
	autofree char *room = memory_new(ROOM_SIZE);
	autofree char *block = memory_new(BLOCK_SIZE);
	struct reader reader = {.memory = memory,
		.job = job,
		.zstd = zstd,
		.room = room,
		.block = block,
		.err = err};

	if (!zstd)
		return fail(err, ERROR_RESOURCE, "no memory for decompression");
	ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	memset(memory->pages, 0, (size_t)(memory->size / PAGE_SIZE) * sizeof(*memory->pages));
	if (fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, memory->size) < 0)
		return fail_errno(err, ERROR_BROKEN, "the guest's memory");
	for (size_t i = 0; i < count; i++) {
		ZSTD_DCtx_reset(zstd, ZSTD_reset_session_only);
		reader.file = files[i];
		reader.in = (ZSTD_inBuffer){0};
		reader.over = false;
		if (lseek(files[i], 0, SEEK_SET) < 0 || take_memory(&reader) < 0 ||
			take_state(&reader, state) < 0)
			return -1;
	}
	return 0;
}

/* ---- QEMU's arguments ---- */

/* "256", "256M", "1G", "size=256": bytes; 0 for anything else. */
static int64_t read_size(const char *text)
{
	static const char units[] = "KMGT";
	char *end;

	if (strncmp(text, "size=", strlen("size=")) == 0)
		text += strlen("size=");
	errno = 0;
	long long number = strtoll(text, &end, 10);
	const char *unit = *end ? strchr(units, *end & ~0x20) : &units[1];
	if (end == text || errno || number <= 0 || number > size_most >> 20 || !unit ||
		(*end && end[1]))
		return 0;
	int shift = 10 * (int)(unit - units + 1);
	int64_t size = number > size_most >> shift ? 0 : (int64_t)number << shift;
	return size % PAGE_SIZE ? 0 : size;
}

int64_t guest_memory_size(const struct strings *arguments)
{
	int64_t size = 0;

	for (size_t i = 0; i < arguments->count; i++) {
		const char *switch_name = arguments->items[i];
		const char *value = i + 1 < arguments->count ? arguments->items[i + 1] : "";
		if (strcmp(switch_name, "-m") == 0) {
			if (size)
				return 0;
			size = read_size(value);
			if (!size)
				return 0;
		}
		if (strcmp(switch_name, "-numa") == 0 || strncmp(switch_name, "-mem-", 5) == 0 ||
			strncmp(value, "memory-backend", 14) == 0 ||
			strstr(value, "memory-backend="))
			return 0;
	}
	return size;
}

void guest_memory_add(const struct guest_memory *memory, int fd, struct strings *arguments)
{
	strings_add(arguments, "-object");
	strings_addf(arguments,
		"memory-backend-file,id=kiln-memory,size=%lld,mem-path=/proc/self/fd/%d,share=on",
		(long long)memory->size, fd);
	strings_add(arguments, "-machine");
	strings_add(arguments, "memory-backend=kiln-memory");
}
