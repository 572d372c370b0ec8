/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/elsewhere.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/journal.h"
#include "backends/packer/traces.h"
#include "backends/plugin.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/redact.h"
#include "reconciler/describe.h"
#include "reconciler/world.h"
#include "state/event.h"

#define LEDGER_KIND "elsewhere"

/* ---- the intent ---- */

static void add_value(const struct json *value, const struct redactor *secrets, struct json *where,
	const char *option)
{
	CLEANUP(text_clear) struct text text = {0}, shown = {0};

	if (json_kind(value) == JSON_TEXT)
		text_add(&text, json_text(value, ""));
	else if (value)
		json_write(value, JSON_LINE, &text);
	if (!text.size || strcmp(text_get(&text), "[]") == 0 || strcmp(text_get(&text), "0") == 0)
		return;
	redactor_apply(secrets, text_get(&text), text.size, &shown);
	json_set_text(where, option, text_get(&shown));
}

/* PART of the order, if what it makes lies elsewhere. */
static void add_part(const struct json *part, enum plugin_kind kind, const struct redactor *secrets,
	struct json *makes)
{
	const struct plugin *plugin = plugin_find(kind, json_get_text(part, "type", ""));
	const struct json *options = json_get(part, "options");
	CLEANUP(strings_clear) struct strings names = {0};

	/* of one that nobody here knows anything may be */
	if (plugin &&
		(!plugin->elsewhere || !plugin_holds(plugin, options, plugin->elsewhere_when)))
		return;
	struct json *about = json_new_object(), *where = json_new_object();
	autofree char *called =
		memory_printf("%s %s", plugin_kind_name(kind), json_get_text(part, "type", ""));
	strings_split(&names, plugin ? plugin->elsewhere : "", ' ');
	strings_each (name, &names)
		add_value(json_get(options, name), secrets, where, name);
	json_set_text(about, "plugin", called);
	json_set(about, "where", where);
	json_add(makes, about);
}

/* What the plugins of ORDER make elsewhere; of a template in HCL2 nobody here knows what it has. */
static struct json *list_makes(const struct json *order)
{
	CLEANUP(redactor_clear) struct redactor redactor = {0};
	CLEANUP(strings_clear) struct strings secrets = {0};
	const struct json *sequences = json_get(order, "post_processors");
	struct json *makes = json_new_list();

	json_get_texts(order, "secrets", &secrets);
	strings_each (secret, &secrets)
		redactor_add_secret(&redactor, secret, "<sensitive>");
	if (!json_has(order, "builder")) {
		struct json *about = json_new_object();
		json_set_text(about, "plugin", "whatever the template has");
		json_set(about, "where", json_new_object());
		json_add(makes, about);
		return makes;
	}
	add_part(json_get(order, "builder"), PLUGIN_BUILDER, &redactor, makes);
	for (size_t s = 0; s < json_count(sequences); s++)
		for (size_t i = 0; i < json_count(json_item(sequences, s)); i++)
			add_part(json_item(json_item(sequences, s), i), PLUGIN_POST_PROCESSOR,
				&redactor, makes);
	return makes;
}

int elsewhere_intend(struct replacement *replacement, const struct json *order, struct error *err)
{
	autojson struct json *tag = json_new_object();

	if (!json_has(order, "packer"))
		return 0;
	struct json *makes = list_makes(order);
	json_set_integer(tag, "serial", json_get_integer(order, "serial", 0));
	json_set(tag, "makes", makes);
	if (!json_count(makes))
		return 0;
	autofree char *line = json_to_line(tag);
	return ledger_add(replacement->head->store, replacement->build.id, LEDGER_KIND, line,
		world->now_usec(), err);
}

/* ---- what the journal says of a run ---- */

struct run {
	int64_t serial;
	bool began, alive, last; /* its worker; no other build job was begun after it */
	bool started, ended;     /* packer */
	char *trouble;
	struct strings made, said;
};

static void run_clear(struct run *run)
{
	free(run->trouble);
	strings_clear(&run->made);
	strings_clear(&run->said);
}

static void read_packer(const struct json *entry, struct run *run)
{
	const char *state = json_get_text(entry, "state", "");

	if (strcmp(state, "begins") == 0)
		run->started = true;
	if (strcmp(state, "says") == 0)
		strings_add(&run->said, json_get_text(entry, "text", ""));
	if (strcmp(state, "ends") != 0)
		return;
	const char *trouble = json_get_text(entry, "trouble", NULL);
	run->ended = true;
	free(run->trouble);
	run->trouble = trouble ? memory_copy_text(trouble) : NULL;
	json_get_texts(entry, "made", &run->made);
}

static void read_entry(const struct json *entry, struct run *run)
{
	const char *event = json_get_text(entry, "event", "");
	bool own = json_get_integer(entry, "serial", -1) == run->serial;
	bool begins = strcmp(event, "begin") == 0;

	if (begins && own)
		run->began = run->last = true;
	else if (begins && strcmp(json_get_text(entry, "job", ""), "build") == 0)
		run->last = false;
	if (begins)
		run->alive = own;
	if (own && strcmp(event, "end") == 0)
		run->alive = false;
	if (own && strcmp(event, PACKER_TRACES_EVENT) == 0)
		read_packer(entry, run);
}

static int read_run(
	struct head *head, const char *build, int64_t serial, struct run *run, struct error *err)
{
	autofree char *path = memory_printf("%s/builds/%s", head->state, build);
	autojson struct json *entries = NULL;
	struct error missing;
	autoclose int folder = folder_open(AT_FDCWD, path, &missing);

	*run = (struct run){.serial = serial};
	if (folder < 0) /* it lies elsewhere all the same, and nothing says what became of it */
		run->began = run->started = true;
	if (folder < 0)
		return 0;
	if (journal_read(folder, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(entries); i++)
		read_entry(json_item(entries, i), run);
	run->alive = run->alive && journal_owner(folder);
	return 0;
}

/* ---- what became of it ---- */

enum fate { FATE_OPEN, FATE_NOTHING, FATE_LEFT };

/* Of what a run of BUILD made well: it is the build's result as long as there can be one. */
static enum fate fate_of_result(const struct run *run, const struct build_record *build)
{
	if (!run->last)
		return FATE_LEFT;
	if (build->phase == PHASE_FAILED || build->phase == PHASE_CANCELLED)
		return FATE_LEFT;
	return build->phase == PHASE_BUILDING || build->phase == PHASE_VALIDATING ? FATE_OPEN
	                                                                          : FATE_NOTHING;
}

static enum fate fate_of(const struct run *run, const struct build_record *build)
{
	bool awaited = build->attempts == run->serial && build->phase == PHASE_BUILDING;

	if (run->alive || (!run->began && awaited))
		return FATE_OPEN;
	if (!run->started)
		return FATE_NOTHING;
	if (!run->ended || run->trouble)
		return FATE_LEFT;
	return run->made.count ? fate_of_result(run, build) : FATE_NOTHING;
}

/* The ledger's entry, as it is understood. */
struct trace {
	const struct ledger_entry *entry;
	struct json *tag;
	struct build_record build;
	struct run run;
	enum fate fate;
};

static void trace_clear(struct trace *trace)
{
	json_free(trace->tag);
	build_record_clear(&trace->build);
	run_clear(&trace->run);
}

static int read_trace(
	struct head *head, const struct ledger_entry *entry, struct trace *trace, struct error *err)
{
	*trace = (struct trace){.entry = entry};
	int found = build_find(head->store, entry->build, &trace->build, err);
	if (found < 0 || json_parse_bytes(entry->tag, strlen(entry->tag), &trace->tag, err) < 0 ||
		read_run(head, entry->build, json_get_integer(trace->tag, "serial", 0), &trace->run,
			err) < 0) {
		trace_clear(trace);
		return fail_while(err, "the ledger's entry %" PRId64, entry->id);
	}
	trace->fate = fate_of(&trace->run, &trace->build);
	return 0;
}

/* WORK with every entry of BUILD, or of all builds (NULL). */
static int each_trace(struct head *head, const char *build, void *context, struct error *err,
	int (*work)(struct head *head, const struct trace *trace, void *context, struct error *err))
{
	CLEANUP(ledger_entries_clear) struct ledger_entries entries = {0};

	if (ledger_list(head->store, build, &entries, err) < 0)
		return -1;
	for (size_t i = 0; i < entries.count; i++) {
		CLEANUP(trace_clear) struct trace trace = {0};
		if (strcmp(entries.items[i].kind, LEDGER_KIND) != 0)
			continue;
		if (read_trace(head, &entries.items[i], &trace, err) < 0 ||
			work(head, &trace, context, err) < 0)
			return -1;
	}
	return 0;
}

static int settle_one(
	struct head *head, const struct trace *trace, void *context, struct error *err)
{
	bool *left = context;

	*left |= trace->fate == FATE_LEFT;
	return trace->fate == FATE_NOTHING ? ledger_remove(head->store, trace->entry->id, err) : 0;
}

int elsewhere_settle(
	struct head *head, const struct build_record *build, bool *left, struct error *err)
{
	*left = false;
	return each_trace(head, build->id, left, err, settle_one);
}

int elsewhere_settle_all(struct head *head, struct error *err)
{
	bool left = false;

	return each_trace(head, NULL, &left, err, settle_one);
}

static int find_one(struct head *head, const struct trace *trace, void *context, struct error *err)
{
	bool *has = context;

	(void)head;
	(void)err;
	*has |= trace->fate == FATE_LEFT;
	return 0;
}

int elsewhere_has(struct head *head, const char *build, bool *has, struct error *err)
{
	*has = false;
	return each_trace(head, build, has, err, find_one);
}

/* ---- telling of it ---- */

static const char *why_left(const struct trace *trace)
{
	if (!trace->run.ended)
		return "packer was ended before it could remove what it had made";
	if (trace->run.trouble)
		return trace->run.trouble;
	return "the build came to nothing after packer had made its result";
}

/*
 * Names that packer makes up for machines, keys and groups have a UUID whose first eight digits are the time. Source:
 * Packer 1.6.6 packer-plugin-sdk/uuid/uuid.go.
 */
static char *describe_names(const struct trace *trace)
{
	int64_t since = trace->entry->created_usec, until = trace->build.ended_usec;

	if (until < since)
		until = world->now_usec();
	return memory_printf(
		"names that packer made up begin with packer- or packer_, then %08" PRIx64
		" to %08" PRIx64,
		since / 1000000, until / 1000000);
}

static struct json *list_texts(const struct strings *texts)
{
	struct json *list = json_new_list();

	strings_each (text, texts)
		json_add_text(list, text);
	return list;
}

static int tell_one(struct head *head, const struct trace *trace, void *context, struct error *err)
{
	struct json *list = context, *about;
	CLEANUP(image_record_clear) struct image_record image = {0};
	autofree char *name = NULL, *names = NULL;
	char since[MOMENT_TEXT_SIZE];

	if (trace->fate != FATE_LEFT)
		return 0;
	int found = image_find_by_id(head->store, trace->build.image, &image, err);
	if (found < 0 || (found && describe_image(head, &image, &name, err) < 0))
		return -1;
	names = describe_names(trace);
	about = json_new_object();
	json_set_text(about, "build", trace->entry->build);
	json_set_text(about, "image", name);
	json_set_text(about, "since", moment_text(trace->entry->created_usec, since));
	json_set_text(about, "why", why_left(trace));
	json_set(about, "makes", json_copy(json_get(trace->tag, "makes")));
	json_set(about, "made", list_texts(&trace->run.made));
	json_set(about, "said", list_texts(&trace->run.said));
	json_set_text(about, "names", names);
	json_add(list, about);
	return 0;
}

int elsewhere_list(struct head *head, struct json *list, struct error *err)
{
	return each_trace(head, NULL, list, err, tell_one);
}

/* ---- a person's word ---- */

static int forget_one(
	struct head *head, const struct trace *trace, void *context, struct error *err)
{
	size_t *count = context;

	if (trace->fate != FATE_LEFT)
		return 0;
	(*count)++;
	return ledger_remove(head->store, trace->entry->id, err);
}

static int forget_all(struct head *head, const char *build, struct error *err)
{
	size_t count = 0;

	if (each_trace(head, build, &count, err, forget_one) < 0)
		return -1;
	if (!count)
		return fail(err, ERROR_CATALOG,
			"build %s left nothing elsewhere that is known (kiln doctor lists what "
			"there is)",
			build);
	return event_add(head->store, world->now_usec(), "forgotten", "", build, NULL, err);
}

int elsewhere_forget(struct head *head, const char *build, struct error *err)
{
	if (store_begin(head->store, err) < 0)
		return -1;
	if (forget_all(head, build, err) < 0) {
		store_rollback(head->store);
		return -1;
	}
	return store_commit(head->store, err);
}
