/* SPDX-License-Identifier: Apache-2.0 */
/* What the data of pages consist of. */
#include "reconciler/web/view.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/moment.h"

static struct json *escape_text(const char *text)
{
	CLEANUP(text_clear) struct text out = {0};

	for (; *text; text++) {
		switch (*text) {
		case '&':
			text_add(&out, "&amp;");
			break;
		case '<':
			text_add(&out, "&lt;");
			break;
		case '>':
			text_add(&out, "&gt;");
			break;
		case '"':
			text_add(&out, "&quot;");
			break;
		case '\'':
			text_add(&out, "&#39;");
			break;
		default:
			text_add_char(&out, *text);
		}
	}
	return json_new_text(text_get(&out));
}

struct json *view_escape(const struct json *value)
{
	struct json *escaped;

	switch (json_kind(value)) {
	case JSON_TEXT:
		return escape_text(json_text(value, ""));
	case JSON_LIST:
		escaped = json_new_list();
		for (size_t i = 0; i < json_count(value); i++)
			json_add(escaped, view_escape(json_item(value, i)));
		return escaped;
	case JSON_OBJECT:
		escaped = json_new_object();
		json_each_member (member, value)
			json_set(escaped, member.key, view_escape(member.value));
		return escaped;
	default:
		return json_copy(value);
	}
}

void view_write_duration(double seconds, struct text *out)
{
	int64_t whole = (int64_t)seconds;

	if (seconds < 0.01)
		text_add(out, "under 10 ms");
	else if (seconds < 10)
		text_addf(out, "%.*f s", seconds < 1 ? 2 : 1, seconds);
	else if (seconds < 60)
		text_addf(out, "%.0f s", seconds);
	else if (whole < 3600)
		text_addf(out, "%d min %d s", (int)(whole / 60), (int)(whole % 60));
	else
		text_addf(
			out, "%lld h %d min", (long long)(whole / 3600), (int)(whole % 3600 / 60));
}

void view_write_ago(int64_t usec, int64_t now_usec, struct text *out)
{
	static const struct {
		int64_t sec;
		const char *unit;
	} units[] = {{365 * 86400, "y"}, {86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	bool ahead = usec > now_usec;
	int64_t sec = (ahead ? usec - now_usec : now_usec - usec) / 1000000;

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (sec < units[i].sec)
			continue;
		text_addf(out, "%s%lld %s%s", ahead ? "in " : "", (long long)(sec / units[i].sec),
			units[i].unit, ahead ? "" : " ago");
		return;
	}
	text_add(out, "now");
}

void view_moment(struct json *object, const char *key, int64_t usec)
{
	CLEANUP(text_clear) struct text text = {0};
	char iso[MOMENT_TEXT_SIZE];

	if (!usec) {
		json_set(object, key, NULL);
		return;
	}
	struct json *moment = json_new_object();
	json_set(object, key, moment);
	json_set_text(moment, "iso", moment_text(usec, iso));
	moment_write_layout(usec / 1000000, 0, "2006-01-02 15:04:05 UTC", &text);
	json_set_text(moment, "utc", text_get(&text));
	text_reset(&text);
	view_write_ago(usec, moment_now_usec(), &text);
	json_set_text(moment, "ago", text_get(&text));
}

void view_moment_text(struct json *object, const char *key, const char *text)
{
	int64_t usec;

	view_moment(object, key, text && moment_parse(text, &usec) == 0 ? usec : 0);
}

void view_id(struct json *object, const char *key, const char *id)
{
	const char *digits = id && text_starts_with(id, "sha256:") ? id + 7 : id;
	char beginning[13];

	if (!id) {
		json_set(object, key, NULL);
		return;
	}
	struct json *both = json_new_object();
	snprintf(beginning, sizeof(beginning), "%s", digits);
	json_set(object, key, both);
	json_set_text(both, "full", id);
	json_set_text(both, "short", beginning);
}

void view_write_url(const char *text, struct text *out)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		             (c >= 'A' && c <= 'Z') || strchr("-._~/", c);
		if (plain)
			text_add_char(out, (char)c);
		else
			text_addf(out, "%%%02X", c);
	}
}

void view_link(struct json *object, const char *key, const char *prefix, const char *name)
{
	CLEANUP(text_clear) struct text url = {0};

	text_add(&url, prefix);
	view_write_url(name, &url);
	json_set_text(object, key, text_get(&url));
}
