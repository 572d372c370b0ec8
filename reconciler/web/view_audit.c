/* SPDX-License-Identifier: Apache-2.0 */
/* GET /audit?q=: from a digest, a commit, a version or a path to the versions that it has to do with. */
#include "reconciler/web/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { TRACES_MOST = 50, WORD_SIZE_MOST = 300 };

static void add_inputs(const struct json *trace, struct json *item)
{
	const struct json *inputs = json_get(trace, "inputs");
	struct json *list = json_new_list();
	int64_t options = 0;

	json_set(item, "inputs", list);
	for (size_t i = 0; i < json_count(inputs); i++) {
		const struct json *input = json_item(inputs, i);
		if (strcmp(json_get_text(input, "kind", ""), "option") == 0) {
			options++;
			continue;
		}
		struct json *shown = json_new_object();
		json_set_text(shown, "kind", json_get_text(input, "kind", ""));
		json_set_text(shown, "key", json_get_text(input, "key", ""));
		json_set_text(shown, "value", json_get_text(input, "value", ""));
		json_add(list, shown);
	}
	json_set_integer(item, "options", options);
}

static void add_bases(const struct json *trace, struct json *item)
{
	const struct json *bases = json_get(trace, "base");
	struct json *list = json_new_list();

	json_set(item, "bases", list);
	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *base = json_item(bases, i);
		struct json *shown = json_new_object();
		autofree char *word = memory_printf("%s@%lld", json_get_text(base, "image", ""),
			(long long)json_get_integer(base, "version", 0));
		json_set_text(shown, "name", word);
		view_link(shown, "href", "/audit?q=", json_get_text(base, "digest", ""));
		json_add(list, shown);
	}
}

static void add_texts(const struct json *from, const char *key, struct json *item)
{
	struct json *list = json_get(from, key);

	json_set(item, key, list ? json_copy(list) : json_new_list());
}

static struct json *describe(const struct json *trace)
{
	struct json *item = json_new_object();
	const struct json *phases = json_get(trace, "phases");

	json_set_text(item, "image", json_get_text(trace, "image", ""));
	view_link(item, "href", "/image/", json_get_text(trace, "image", ""));
	json_set_integer(item, "version", json_get_integer(trace, "version", 0));
	json_set_text(item, "phase", json_get_text(trace, "phase", ""));
	view_id(item, "digest", json_get_text(trace, "digest", NULL));
	view_id(item, "commit", json_get_text(trace, "commit", NULL));
	view_id(item, "closure", json_get_text(trace, "closure", NULL));
	json_set_text(item, "author", json_get_text(trace, "author", ""));
	json_set_text(item, "builder", json_get_text(trace, "builder", ""));
	view_moment_text(item, "authored", json_get_text(trace, "authored", NULL));
	view_moment_text(
		item, "last", json_get_text(json_item(phases, json_count(phases) - 1), "at", NULL));
	add_texts(trace, "channels", item);
	add_inputs(trace, item);
	add_bases(trace, item);
	return item;
}

/* kiln audit takes a file of this machine too; here that would be reading it for whoever asks. */
static int check(const char *word, struct error *err)
{
	if (*word == '/' || *word == '~' || strstr(word, ".."))
		return fail(err, ERROR_CATALOG,
			"files of the machine are not read from here: give the digest (sha256sum "
			"FILE), "
			"or a path below the root of the repository");
	if (strlen(word) > WORD_SIZE_MOST)
		return fail(err, ERROR_CATALOG, "that is too long to be any of these");
	return 0;
}

static const char *began(const struct json *trace)
{
	return json_get_text(json_item(json_get(trace, "phases"), 0), "at", "");
}

/* The newest first. */
static int by_age(const void *a, const void *b)
{
	const struct json *left = *(const struct json *const *)a;
	const struct json *right = *(const struct json *const *)b;
	int order = strcmp(began(right), began(left));

	return order ? order
	             : (int)(json_get_integer(right, "version", 0) -
			       json_get_integer(left, "version", 0));
}

static void add_traces(const struct json *answer, struct json *list)
{
	size_t count = json_count(answer);
	autofree const struct json **traces = memory_new((count + 1) * sizeof(*traces));

	for (size_t i = 0; i < count; i++)
		traces[i] = json_item(answer, i);
	qsort(traces, count, sizeof(*traces), by_age);
	for (size_t i = 0; i < count && i < TRACES_MOST; i++)
		json_add(list, describe(traces[i]));
}

static int find(struct web *web, const char *word, struct json *data, struct error *err)
{
	struct json *arguments = json_new_object(), *list = json_new_list();
	autojson struct json *answer = NULL;

	json_set(data, "traces", list);
	json_set_text(arguments, "word", word);
	if (check(word, err) < 0) {
		json_free(arguments);
		return -1;
	}
	if (kilnd_ask(&web->kilnd, "audit", arguments, &answer, err) < 0)
		return -1;
	add_traces(answer, list);
	json_set_integer(data, "count", (int64_t)json_count(answer));
	return 0;
}

/* What is copied has blanks around it. */
static char *trim(const char *text)
{
	text += strspn(text, " \t\r\n");
	size_t size = strlen(text);

	while (size && strchr(" \t\r\n", text[size - 1]))
		size--;
	return memory_copy_bytes(text, size);
}

void view_audit(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	const char *asked = request_query(request, "q");
	autofree char *word = trim(asked ? asked : "");
	struct json *data = json_new_object();
	struct error err;
	int status = 200;

	json_set_text(data, "word", word);
	json_set_text(data, "problem", "");
	json_set_integer(data, "count", 0);
	json_set(data, "traces", NULL);
	if (*word && find(web, word, data, &err) < 0) {
		status = err.kind == ERROR_CATALOG ? 404 : 503;
		json_set_text(data, "problem", err.text);
		json_set(data, "traces", NULL);
	}
	view_page(web, request, response, status, "audit", "Audit", data);
}
