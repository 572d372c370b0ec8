/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a JSON document: read, walked, placed, written, read as a template, fixed. The first byte chooses the flags. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "reconciler/template/fix.h"
#include "reconciler/template/template.h"
#include "tests/fuzz/fuzz.h"

enum { PLACES_MOST = 64 }; /* finding one reads the document again */

static void see(const struct json_source *source, const struct json *value, unsigned *places)
{
	if ((json_kind(value) != JSON_LIST && json_kind(value) != JSON_OBJECT) ||
		++*places > PLACES_MOST)
		return;
	FUZZ_CHECK(json_place(source, value).offset < source->size);
	json_each_member (member, value) {
		struct json_place key = json_place_key(source, value, member.key);
		struct json_place behind = json_place_value(source, value, member.key);
		FUZZ_CHECK(key.offset <= behind.offset && behind.offset < source->size);
		see(source, member.value, places);
	}
	for (size_t i = 0; json_kind(value) == JSON_LIST && i < json_count(value); i++) {
		FUZZ_CHECK(json_place_item(source, value, i).offset < source->size);
		see(source, json_item(value, i), places);
		if (*places > PLACES_MOST)
			return;
	}
}

/* What is written reads back as the same. */
static void write_and_read(const struct json *root)
{
	autofree char *line = json_to_line(root);
	autojson struct json *copy = json_copy(root), *again = NULL;
	struct error err;

	FUZZ_CHECK(json_equal(copy, root));
	FUZZ_CHECK(json_parse_bytes(line, strlen(line), &again, &err) == 0);
	autofree char *second = json_to_line(again);
	FUZZ_CHECK(strcmp(line, second) == 0);
}

static void fix(const char *bytes, size_t size)
{
	CLEANUP(text_clear) struct text fixed = {0};
	autojson struct json *root = NULL;
	struct error err;

	if (fix_template("t.json", bytes, size, &fixed, &err) < 0)
		return;
	FUZZ_CHECK(json_parse_bytes(fixed.data, fixed.size, &root, &err) == 0);
	fix_check("t.json", &fixed, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(template_freep) struct template *template = NULL;
	autojson struct json *root = NULL;
	struct error err;
	unsigned places = 0;

	if (size < 1)
		return 0;
	unsigned flags = data[0] & 15;
	autofree char *bytes = memory_copy_bytes(data + 1, --size);
	struct json_source source = {"t.json", bytes, size};
	if (json_parse(&source, flags, &root, &err) == 0) {
		if (!(flags & JSON_LAST_KEY_WINS))
			see(&source, root, &places);
		write_and_read(root);
	} else {
		FUZZ_CHECK(strncmp(err.text, "t.json:", 7) == 0);
	}
	template_recognise(bytes, size);
	if (template_parse("t.json", bytes, size, &template, &err) == 0)
		template_check(template, &err);
	fix(bytes, size);
	return 0;
}
