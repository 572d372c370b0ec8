/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/lines.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

/* How a text's own commas and line ends are written. */
static const struct {
	const char *written;
	char meant;
} escapes[] = {{"%!(PACKER_COMMA)", ','}, {"\\n", '\n'}, {"\\r", '\r'}};

static char *unescape(const char *bytes, size_t size)
{
	struct text text = {0};

	for (size_t i = 0; i < size;) {
		size_t e = 0, length = 1;
		for (; e < sizeof(escapes) / sizeof(*escapes); e++) {
			length = strlen(escapes[e].written);
			if (size - i >= length &&
				memcmp(bytes + i, escapes[e].written, length) == 0)
				break;
		}
		if (e < sizeof(escapes) / sizeof(*escapes)) {
			text_add_char(&text, escapes[e].meant);
			i += length;
		} else {
			/* what is kept of it is text: it ends nowhere inside */
			text_add_char(&text, bytes[i] ? bytes[i] : ' ');
			i++;
		}
	}
	return text.size ? text_take(&text) : memory_copy_text("");
}

static bool is_time(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] < '0' || bytes[i] > '9')
			return false;
	return size > 0 && size < 20;
}

/* The line's fields; false if it is no record. */
static bool take_apart(const char *line, size_t size, struct strings *fields)
{
	const char *at = line, *end = line + size;
	const char *comma = memchr(line, ',', size);

	if (!comma || !is_time(line, comma - line))
		return false;
	for (at = comma + 1; at <= end; at = comma + 1) {
		comma = at < end ? memchr(at, ',', end - at) : NULL;
		if (!comma)
			comma = end;
		strings_add_taken(fields, unescape(at, comma - at));
	}
	return fields->count >= 2 && *fields->items[1];
}

static int tell(struct packer_lines *lines, struct error *err)
{
	CLEANUP(strings_clear) struct strings fields = {0};
	const char *line = text_get(&lines->partial);
	size_t size = lines->partial.size;

	if (size && line[size - 1] == '\r')
		size--;
	if (!take_apart(line, size, &fields))
		return size ? lines->garbage(lines->context, line, size, err) : 0;
	struct packer_record record = {.target = fields.items[0],
		.type = fields.items[1],
		.data = {.items = fields.items + 2, .count = fields.count - 2},
		.cut = lines->cut};
	return lines->record(lines->context, &record, err);
}

int packer_lines_end(struct packer_lines *lines, struct error *err)
{
	int result = tell(lines, err);

	text_reset(&lines->partial);
	lines->cut = false;
	return result;
}

int packer_lines_add(struct packer_lines *lines, const char *bytes, size_t size, struct error *err)
{
	while (size) {
		const char *end = memchr(bytes, '\n', size);
		size_t length = end ? (size_t)(end - bytes) : size;
		size_t room = PACKER_LINE_MOST - lines->partial.size;
		text_add_bytes(&lines->partial, bytes, length < room ? length : room);
		lines->cut |= length > room;
		bytes += length + (end != NULL);
		size -= length + (end != NULL);
		if (end && packer_lines_end(lines, err) < 0)
			return -1;
	}
	return 0;
}

void packer_lines_clear(struct packer_lines *lines)
{
	text_clear(&lines->partial);
	lines->cut = false;
}

const char *packer_record_get(const struct packer_record *record, size_t index)
{
	return index < record->data.count ? record->data.items[index] : "";
}
