/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/git/source.h"

enum { ORDER_SIZE_MOST = 64 * 1024 * 1024, DEADLINE_SEC = 300, DEADLINE_SEC_MOST = 24 * 3600 };
#define BYTES_MOST (4ll * 1024 * 1024 * 1024)

static int read_url(struct settings_reader *reader, void *into, const struct json *value)
{
	struct fetch_order *order = into;
	struct error err;

	remote_url_clear(&order->url);
	if (remote_url_parse(json_text(value, ""), &order->url, &err) < 0)
		return settings_fail(reader, "%s", err.text);
	return 0;
}

static int check_mirror(struct settings_reader *reader, void *into, const struct json *value)
{
	const char *path = json_text(value, "");

	(void)into;
	if (path[0] == '/' && path[1] && path[strlen(path) - 1] != '/')
		return 0;
	return settings_fail(reader, "must be an absolute path, without a '/' at its end");
}

/* What git calls valid, said briefly (git-check-ref-format(1)). */
bool fetch_order_is_ref(const char *ref)
{
	static const char *const wrong[] = {"..", "//", "@{", "/.", ".lock/"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (strstr(ref, wrong[i]))
			return false;
	for (const char *c = ref; *c; c++)
		if ((unsigned char)*c <= ' ' || strchr("\x7f~^:?*[\\", *c))
			return false;
	return text_starts_with(ref, "refs/") && ref[5] && !text_starts_with(ref, "refs/kiln/") &&
	       !text_ends_with(ref, "/") && !text_ends_with(ref, ".") &&
	       !text_ends_with(ref, ".lock");
}

static int check_refs(struct settings_reader *reader, void *into, const struct json *value)
{
	struct fetch_order *order = into;

	(void)value;
	strings_each (ref, &order->refs)
		if (!fetch_order_is_ref(ref))
			return settings_fail(
				reader, "'%s' is no full name of a ref (refs/heads/main)", ref);
	strings_sort(&order->refs);
	strings_unique(&order->refs);
	return 0;
}

static int check_pins(struct settings_reader *reader, void *into, const struct json *value)
{
	struct fetch_order *order = into;
	struct object_id id;

	(void)value;
	strings_each (pin, &order->pins) {
		if (!digest_read_hex(pin, id.bytes, sizeof(id.bytes)))
			return settings_fail(reader, "'%s' is no commit", pin);
		digest_write_hex(id.bytes, sizeof(id.bytes), pin);
	}
	strings_sort(&order->pins);
	strings_unique(&order->pins);
	return 0;
}

static int check_deadline(struct settings_reader *reader, void *into, const struct json *value)
{
	(void)into;
	if (json_integer(value, 0) <= DEADLINE_SEC_MOST)
		return 0;
	return settings_fail(reader, "must be at most %d", DEADLINE_SEC_MOST);
}

static int read_credentials(struct settings_reader *reader, void *into, const struct json *value)
{
	return credentials_read(reader, value, &((struct fetch_order *)into)->credentials);
}

static const struct setting table[] = {
	{"url", SETTING_TEXT, offsetof(struct fetch_order, written), .read = read_url},
	{"mirror", SETTING_TEXT, offsetof(struct fetch_order, mirror), .read = check_mirror},
	{"refs", SETTING_TEXTS, offsetof(struct fetch_order, refs), .read = check_refs},
	{"pins", SETTING_TEXTS, offsetof(struct fetch_order, pins), .read = check_pins},
	{"pins_of", SETTING_TEXT, offsetof(struct fetch_order, pins_of)},
	{"deadline_sec", SETTING_NUMBER, offsetof(struct fetch_order, deadline_sec), 1,
		.read = check_deadline},
	{"most_bytes", SETTING_NUMBER, offsetof(struct fetch_order, most_bytes), 1},
	{"check", SETTING_BOOLEAN, offsetof(struct fetch_order, check)},
	{"credentials", SETTING_OBJECT, .read = read_credentials}, {0}};

static int check_whole(const struct fetch_order *order, struct error *err)
{
	const char *key, *wrong;

	if (!order->url.call || !order->mirror)
		return fail(err, ERROR_CATALOG, "the order has no %s",
			order->url.call ? "mirror" : "url");
	wrong = credentials_check(order->credentials, &order->url, &key);
	if (wrong && key)
		return fail(
			err, ERROR_CATALOG, "%s: credentials.%s: %s", order->url.shown, key, wrong);
	if (wrong)
		return fail(err, ERROR_CATALOG, "%s: %s", order->url.shown, wrong);
	return 0;
}

int fetch_order_read(int fd, struct fetch_order *order, struct error *err)
{
	CLEANUP(text_clear) struct text text = {0};
	autojson struct json *root = NULL;

	*order = (struct fetch_order){.deadline_sec = DEADLINE_SEC, .most_bytes = BYTES_MOST};
	if (file_read_fd(fd, ORDER_SIZE_MOST, &text, err) < 0)
		return fail_while(err, "the order");
	struct settings_reader reader = {{"the order", text_get(&text), text.size}, .err = err};
	if (json_parse(&reader.source, JSON_STRICT, &root, err) < 0)
		return -1;
	if (json_kind(root) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "the order must be an object");
	if (settings_read(&reader, root, table, order) < 0)
		return -1;
	if (check_whole(order, err) < 0)
		return -1;
	if (!order->pins_of)
		order->pins_of = memory_copy_text(order->written);
	return 0;
}

void fetch_order_clear(struct fetch_order *order)
{
	remote_url_clear(&order->url);
	free(order->written);
	free(order->mirror);
	free(order->pins_of);
	strings_clear(&order->refs);
	strings_clear(&order->pins);
	credentials_free(order->credentials);
	*order = (struct fetch_order){0};
}
