/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/known_hosts.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

enum { KNOWN_HOSTS_SIZE_MOST = 16 * 1024 * 1024, SSH_PORT = 22 };

/* ---- reading ---- */

/* The next word of *LINE, which the caller frees; NULL at the end. */
static char *next_word(const char **line)
{
	*line += strspn(*line, " \t");
	size_t size = strcspn(*line, " \t\r");
	char *word = size ? memory_copy_bytes(*line, size) : NULL;
	*line += size;
	return word;
}

static void read_line(struct known_hosts *hosts, const char *line)
{
	autofree char *names = next_word(&line);
	struct known_host found = {0};

	if (!names || names[0] == '#')
		return;
	if (names[0] == '@') {
		found.revoked = strcmp(names, "@revoked") == 0;
		if (!found.revoked)
			return;
		free(names);
		names = next_word(&line);
	}
	autofree char *type = next_word(&line), *key = next_word(&line);
	if (key)
		found.key = base64_decode(key, strlen(key), &found.key_size);
	if (!found.key)
		return;
	found.names = TAKE(names);
	found.type = TAKE(type);
	MEMORY_GROW(hosts->lines, hosts->count, hosts->room);
	hosts->lines[hosts->count++] = found;
}

int known_hosts_read(const char *path, struct known_hosts *hosts, struct error *err)
{
	CLEANUP(strings_clear) struct strings lines = {0};
	autofree char *text = NULL;

	if (file_read(AT_FDCWD, path, KNOWN_HOSTS_SIZE_MOST, &text, NULL, err) < 0)
		return fail_while(err, "known_hosts_file");
	*hosts = (struct known_hosts){.path = memory_copy_text(path)};
	strings_split(&lines, text, '\n');
	strings_each (line, &lines)
		read_line(hosts, line);
	return 0;
}

void known_hosts_clear(struct known_hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++) {
		free(hosts->lines[i].names);
		free(hosts->lines[i].type);
		free(hosts->lines[i].key);
	}
	free(hosts->lines);
	free(hosts->path);
	*hosts = (struct known_hosts){0};
}

/* ---- whose line it is ---- */

/* "|1|SALT|HASH": the HMAC-SHA1 of the name under the salt. */
static bool matches_hashed(const char *hashed, const char *name)
{
	CLEANUP(strings_clear) struct strings parts = {0};
	unsigned char wanted[DIGEST_SHA1_SIZE];
	size_t salt_size = 0, hash_size = 0;

	strings_split(&parts, hashed, '|');
	if (parts.count != 4 || strcmp(parts.items[1], "1") != 0)
		return false;
	autofree unsigned char *salt =
		base64_decode(parts.items[2], strlen(parts.items[2]), &salt_size);
	autofree unsigned char *hash =
		base64_decode(parts.items[3], strlen(parts.items[3]), &hash_size);
	if (!salt || !hash || hash_size != sizeof(wanted))
		return false;
	digest_hmac_sha1(salt, salt_size, name, strlen(name), wanted);
	return memcmp(wanted, hash, sizeof(wanted)) == 0;
}

/* "[" is a bracket of "[host]:port" here, not of a set: ssh's patterns have * and ? alone. */
static bool matches_pattern(const char *pattern, const char *name)
{
	CLEANUP(text_clear) struct text escaped = {0};

	for (const char *c = pattern; *c; c++) {
		if (*c == '[' || *c == ']' || *c == '\\')
			text_add_char(&escaped, '\\');
		text_add_char(&escaped, *c);
	}
	return fnmatch(text_get(&escaped), name, FNM_CASEFOLD) == 0;
}

static bool matches_name(const struct known_host *line, const char *name)
{
	CLEANUP(strings_clear) struct strings patterns = {0};
	bool found = false;

	if (line->names[0] == '|')
		return matches_hashed(line->names, name);
	strings_split(&patterns, line->names, ',');
	strings_each (pattern, &patterns) {
		if (pattern[0] == '!' && matches_pattern(pattern + 1, name))
			return false;
		found = found || matches_pattern(pattern, name);
	}
	return found;
}

struct place {
	char *host;         /* in small letters: hashes know no case */
	char *name;         /* "host", or "[host]:port" */
	const char *listed; /* the one of both whose lines count */
};

static void place_clear(struct place *place)
{
	free(place->host);
	free(place->name);
}

static bool has_line(const struct known_hosts *hosts, const char *name)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (!hosts->lines[i].revoked && matches_name(&hosts->lines[i], name))
			return true;
	return false;
}

/* As OpenSSH does it (sshconnect.c, check_host_key): one line of "[host]:port", of any type, and those of "host" say nothing. */
static struct place place_of(const struct known_hosts *hosts, const char *host, int port)
{
	struct place place = {memory_copy_text(host)};

	for (char *c = place.host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	place.name = port == SSH_PORT ? memory_copy_text(place.host)
	                              : memory_printf("[%s]:%d", place.host, port);
	place.listed = has_line(hosts, place.name) ? place.name : place.host;
	return place;
}

static bool same_key(const struct known_host *line, const unsigned char *key, size_t key_size)
{
	return line->key_size == key_size && memcmp(line->key, key, key_size) == 0;
}

/* ---- asking ---- */

/* The type stands at the key's beginning, behind its length; "" if it does not. */
static const char *type_of(const unsigned char *key, size_t key_size, char type[static 64])
{
	size_t size = key_size >= 4 && !key[0] && !key[1] ? key[2] << 8 | key[3] : 64;

	type[0] = '\0';
	if (size < 64 && size <= key_size - 4) {
		memcpy(type, key + 4, size);
		type[size] = '\0';
	}
	return type;
}

/* "ssh-ed25519 SHA256:..." as ssh-keygen -l shows it; the caller frees. */
static char *describe(const unsigned char *key, size_t key_size)
{
	struct digest digest;
	char type[64];

	digest_of(key, key_size, &digest);
	autofree char *encoded = base64_encode(digest.bytes, sizeof(digest.bytes));
	encoded[strcspn(encoded, "=")] = '\0';
	return memory_printf("%s SHA256:%s", type_of(key, key_size, type), encoded);
}

static int fail_unknown(const struct known_hosts *hosts, const char *name, const unsigned char *key,
	size_t key_size, bool same_type, bool other_type, struct error *err)
{
	autofree char *shown = describe(key, key_size);

	if (same_type)
		return fail(err, ERROR_CATALOG,
			"the host key of %s is not the one of %s: it is %s. Either the host has a "
			"new key, or somebody is in between",
			name, hosts->path, shown);
	if (other_type)
		return fail(err, ERROR_CATALOG,
			"the host key of %s, %s, is not in %s, which has keys of another type for "
			"it",
			name, shown, hosts->path);
	return fail(err, ERROR_CATALOG,
		"%s is not in %s; its host key is %s. Compare that with what the host's owner says "
		"and add it (ssh-keyscan)",
		name, hosts->path, shown);
}

static bool revokes(const struct known_host *line, const struct place *place)
{
	return line->revoked &&
	       (matches_name(line, place->name) || matches_name(line, place->host));
}

int known_hosts_check(const struct known_hosts *hosts, const char *host, int port,
	const unsigned char *key, size_t key_size, struct error *err)
{
	CLEANUP(place_clear) struct place place = place_of(hosts, host, port);
	bool known = false, same_type = false, other_type = false;
	char type[64];

	type_of(key, key_size, type);
	for (size_t i = 0; i < hosts->count; i++) {
		const struct known_host *line = &hosts->lines[i];
		bool same = same_key(line, key, key_size);
		if (same && revokes(line, &place))
			return fail(err, ERROR_CATALOG, "the host key of %s is revoked in %s",
				place.name, hosts->path);
		if (line->revoked || !matches_name(line, place.listed))
			continue;
		/* as ssh: a key of the host at its usual port is taken, but its absence says nothing */
		bool here = strcmp(place.listed, place.name) == 0;
		known = known || same;
		same_type = same_type || (here && strcmp(line->type, type) == 0);
		other_type = other_type || here;
	}
	if (known)
		return 0;
	return fail_unknown(hosts, place.name, key, key_size, same_type, other_type, err);
}

void known_hosts_types(
	const struct known_hosts *hosts, const char *host, int port, struct strings *types)
{
	CLEANUP(place_clear) struct place place = place_of(hosts, host, port);

	for (size_t i = 0; i < hosts->count; i++)
		if (!hosts->lines[i].revoked && matches_name(&hosts->lines[i], place.listed))
			strings_add_once(types, hosts->lines[i].type);
}

char *known_hosts_line(
	const struct known_hosts *hosts, const char *host, int port, const char *type)
{
	CLEANUP(place_clear) struct place place = place_of(hosts, host, port);

	for (size_t i = 0; i < hosts->count; i++) {
		const struct known_host *line = &hosts->lines[i];
		if (line->revoked || strcmp(line->type, type) != 0 ||
			!matches_name(line, place.listed))
			continue;
		autofree char *key = base64_encode(line->key, line->key_size);
		return memory_printf("%s %s %s\n", place.name, type, key);
	}
	return NULL;
}
