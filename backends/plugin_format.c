/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugin_format.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- addresses ---- */

static int address_bits(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return 32;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 128 : -1;
}

/* Go's strconv.Atoi, without a sign. */
static bool is_decimal(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

static int check_network(const char *text, struct error *err)
{
	const char *slash = strchr(text, '/');
	autofree char *address = slash ? memory_copy_bytes(text, slash - text) : NULL;
	int bits = slash ? address_bits(address) : -1;

	if (bits < 0 || !is_decimal(slash + 1) || atoi(slash + 1) > bits)
		return fail(err, ERROR_CATALOG,
			"be a range of addresses such as 10.0.0.0/8, not \"%.60s\"", text);
	return 0;
}

static int check_address(const char *text, struct error *err)
{
	struct error ignored;

	if (address_bits(text) < 0 && check_network(text, &ignored) < 0)
		return fail(err, ERROR_CATALOG,
			"be an address or a range of addresses, not \"%.60s\"", text);
	return 0;
}

static bool is_port(const char *text)
{
	return is_decimal(text + (*text == '-' || *text == '+'));
}

/* PORT:HOST:PORT; a host with colons stands in brackets. Source: Packer 1.6.6 communicator/ssh/tunnel.go. */
static int check_tunnel(const char *text, struct error *err)
{
	const char *colon = strchr(text, ':'), *host = colon ? colon + 1 : "";
	const char *last = strrchr(host, ':');
	autofree char *from = colon ? memory_copy_bytes(text, colon - text) : NULL;
	bool good = last && is_port(from) && is_port(last + 1);

	if (good && *host == '[')
		good = last[-1] == ']';
	else if (good)
		good = strchr(host, ':') == last && !memchr(host, ']', last - host);
	if (!good)
		return fail(err, ERROR_CATALOG, "be PORT:HOST:PORT, not \"%.60s\"", text);
	return 0;
}

/* ---- checksums ---- */

static const struct {
	const char *name;
	size_t digits;
} checksum_types[] = {{"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"sha512", 128}};

enum { CHECKSUM_TYPES = sizeof(checksum_types) / sizeof(*checksum_types) };

static bool is_hex(const char *text)
{
	size_t size = strlen(text);

	return size % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") == size;
}

/* Source: go-getter v2.0.0 checksum.go, which Packer 1.6.6 asks. */
static int check_checksum(const char *text, struct error *err)
{
	const char *colon = strchr(text, ':'), *digits = colon ? colon + 1 : text;
	autofree char *type = memory_copy_bytes(text, colon ? (size_t)(colon - text) : 0);
	size_t i = 0;

	if (strcmp(text, "none") == 0 || strcmp(type, "file") == 0)
		return 0;
	while (i < CHECKSUM_TYPES && (colon ? !text_equal_case(type, checksum_types[i].name)
					    : strlen(digits) != checksum_types[i].digits))
		i++;
	if (i == CHECKSUM_TYPES && colon)
		return fail(err, ERROR_CATALOG,
			"be none, file:PATH, or TYPE:HEX with a type of md5, sha1, sha256 and "
			"sha512, not of type \"%.60s\"",
			type);
	if (i == CHECKSUM_TYPES)
		return fail(err, ERROR_CATALOG,
			"be none, file:PATH or TYPE:HEX: \"%.140s\" has not the length of an md5, "
			"sha1, sha256 or sha512 sum",
			text);
	if (!is_hex(digits))
		return fail(err, ERROR_CATALOG,
			"be a checksum in hexadecimal digits, not \"%.140s\"", digits);
	return 0;
}

/* ---- boot commands ---- */

/* The waits of a boot_command that are not for a time; whatever is no wait is typed. Source: Packer 1.6.6 bootcommand. */
static int check_boot_command(const char *text, struct error *err)
{
	static const char wait[] = "<wait";

	while ((text = strstr(text, wait))) {
		const char *close;
		int64_t nsec;
		text += sizeof(wait) - 1;
		close = strchr(text, '>');
		if (!close)
			break;
		autofree char *time = memory_copy_bytes(text, close - text);
		/* <wait5> counts seconds, and 0 is read as the bare <wait> */
		bool has_unit = *time && isalpha((unsigned char)close[-1]);
		if (has_unit && duration_parse_go(time, &nsec) == 0 && nsec <= 0)
			return fail(err, ERROR_CATALOG,
				"wait for a time that is more than nothing, not <wait%s>", time);
	}
	return 0;
}

static int check_multiple(const char *text, struct error *err)
{
	if (strtoll(text, NULL, 10) % 60)
		return fail(err, ERROR_CATALOG, "be a multiple of 60, not %s", text);
	return 0;
}

/* ---- all of them ---- */

static const struct format {
	const char *name;
	int (*check)(const char *text, struct error *err);
	bool joins;
} formats[] = {
	{"address", check_address},
	{"boot-command", check_boot_command, .joins = true},
	{"checksum", check_checksum},
	{"multiple-of-60", check_multiple},
	{"network", check_network},
	{"tunnel", check_tunnel},
};

static const struct format *find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

bool plugin_format_is_known(const char *name)
{
	return find(name) != NULL;
}

bool plugin_format_joins(const char *name)
{
	const struct format *format = find(name);

	return format && format->joins;
}

int plugin_format_check(const char *name, const char *text, struct error *err)
{
	const struct format *format = find(name);

	return format ? format->check(text, err) : 0;
}
