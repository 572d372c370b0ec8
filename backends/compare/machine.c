/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/compare/listing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/communicator.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/strings.h"

enum { OUTPUT_MOST = 64 * 1024 * 1024 };

#define STATS "kiln-stats"
#define LINKS "kiln-links"
#define SUMS "kiln-sums"
#define DONE "kiln-done"

/*
 * It must hold no single quote. Of GNU's and busybox's tools only what both have. What the kernel makes up (proc, tmpfs ...) is on no disk:
 * /proc/filesystems calls it nodev. The second name of a file that something is mounted over is seen as what is mounted.
 */
static const char script[] =
	"for tool in find xargs stat sha256sum; do command -v $tool > /dev/null || "
	"{ echo \"there is no $tool\" >&2; exit 1; }; done\n"
	"export LC_ALL=C QUOTING_STYLE=literal\n"
	"places=/\n"
	"while read -r device place type rest; do\n"
	"case $place in / | /proc/* | /sys/* | /dev/*) continue ;; esac\n"
	"while read -r kind name; do [ \"$kind\" = \"$type\" ] && [ -z \"$name\" ] && "
	"places=\"$places $place\"; done < /proc/filesystems\n"
	"done < /proc/mounts\n"
	"echo " STATS "\n"
	"for place in $places; do find \"$place\" -xdev -print0 | "
	"xargs -0 -r stat -c \"%f %u %g %s %t %T %n\"; done\n"
	"echo " LINKS "\n"
	"for place in $places; do find \"$place\" -xdev -type l -print0 | "
	"xargs -0 -r stat -c \"%n//%N\"; done\n"
	"echo " SUMS "\n"
	"for place in $places; do find \"$place\" -xdev -type f -print0 | xargs -0 -r sha256sum; "
	"done\n"
	"echo " DONE "\n";

/* ---- what they say ---- */

/* One path while its three lines come. */
struct piece {
	struct listing_entry entry;
	struct digest digest;
	char *target;
};

static void free_piece(void *value)
{
	struct piece *piece = value;

	free(piece->target);
	free(piece);
}

/* "81a4 0 0 1234 0 0 /etc/passwd" */
static void read_stat(const char *line, struct map *pieces)
{
	struct piece *piece;
	unsigned mode, major, minor;
	long long owner, group, size;
	int at = 0;

	if (sscanf(line, "%x %lld %lld %lld %x %x %n", &mode, &owner, &group, &size, &major, &minor,
		    &at) < 6 ||
		line[at] != '/')
		return;
	piece = memory_new(sizeof(*piece));
	piece->entry = (struct listing_entry){.mode = mode,
		.owner = owner,
		.group = group,
		.size = size,
		.major = major,
		.minor = minor};
	map_set(pieces, line + at, piece);
}

/* "/bin/sh//'/bin/sh' -> 'dash'": quoted or not, as both images' tools have it; no path has two slashes. */
static void read_link(const char *line, struct map *pieces)
{
	const char *end = strstr(line, "//"), *arrow = end ? strstr(end, " -> ") : NULL;
	autofree char *path = end ? memory_copy_bytes(line, (size_t)(end - line)) : NULL;
	struct piece *piece = path ? map_find(pieces, path) : NULL;

	if (!piece || !arrow)
		return;
	const char *target = arrow + strlen(" -> ");
	size_t size = strlen(target);
	if (size >= 2 && target[0] == '\'' && target[size - 1] == '\'') {
		target++;
		size -= 2;
	}
	free(piece->target);
	piece->target = memory_copy_bytes(target, size);
	piece->entry.target = piece->target;
}

/* "HEX  /etc/passwd" */
static void read_sum(const char *line, struct map *pieces)
{
	const char *path = strstr(line, "  ");
	autofree char *hex = path ? memory_copy_bytes(line, (size_t)(path - line)) : NULL;
	struct piece *piece = path ? map_find(pieces, path + 2) : NULL;

	if (piece && digest_parse(hex, &piece->digest))
		piece->entry.digest = &piece->digest;
}

int listing_parse_machine(const char *said, struct listing *listing, struct error *err)
{
	static const struct {
		const char *name;
		void (*read)(const char *line, struct map *pieces);
	} parts[] = {{STATS, read_stat}, {LINKS, read_link}, {SUMS, read_sum}, {DONE, NULL}};
	enum { PARTS = sizeof(parts) / sizeof(*parts) };
	autofree char *lines = memory_copy_text(said);
	struct map pieces = {.free_value = free_piece};
	size_t part = PARTS;

	for (char *rest = lines, *line; (line = strsep(&rest, "\n"));) {
		size_t next = part == PARTS ? 0 : part + 1;
		if (next < PARTS && strcmp(line, parts[next].name) == 0)
			part = next;
		else if (part < PARTS && parts[part].read)
			parts[part].read(line, &pieces);
	}
	bool whole = part == PARTS - 1 && pieces.count;
	map_each (piece, &pieces)
		if (whole)
			listing_add(listing, piece->key,
				listing_describe(&((struct piece *)piece->value)->entry));
	map_clear(&pieces);
	return whole ? 0
	             : fail(err, ERROR_CATALOG,
			       "the list of the machine's files did not come to its end");
}

/* ---- asking ---- */

int listing_read_machine(
	struct communicator *communicator, struct listing *listing, struct error *err)
{
	/* another than root sees little: where sudo asks nothing it helps */
	autofree char *command =
		memory_printf("list='%s'\nif [ \"$(id -u)\" = 0 ]; then eval \"$list\"; else sudo "
			      "-n /bin/sh -c \"$list\"; fi",
			script);
	struct build_log *log = &communicator->job->log;
	CLEANUP(text_clear) struct text said = {0};
	int code = -1;

	log->output = &said;
	log->output_most = OUTPUT_MOST;
	log->output_only = true;
	int result = communicator->ops->run(communicator, command, &code, err);
	log->output = NULL;
	log->output_most = 0;
	log->output_only = false;
	if (result < 0)
		return fail_while(err, "listing the machine's files");
	if (listing_parse_machine(text_get(&said), listing, err) == 0)
		return 0;
	return fail(err, ERROR_CATALOG,
		"its files cannot be listed: that takes find, xargs, stat and sha256sum in it, and "
		"root or sudo without a password (exit code %d)",
		code);
}
