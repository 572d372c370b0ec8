/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/artifact.h"
#include "base/cleanup.h"
#include "base/memory.h"

enum {
	ARTIFACTS_MOST = 1000,
	FILES_MOST = 100 * 1000, /* of one artifact */
	WORDS_MOST = 900,        /* bytes of a failure */
	SHOWN_MOST = 5,          /* lines of garbage that are shown */
};

void packer_report_clear(struct packer_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->artifacts[i].target);
		free(report->artifacts[i].builder_id);
		free(report->artifacts[i].id);
		free(report->artifacts[i].text);
		strings_clear(&report->artifacts[i].files);
	}
	free(report->artifacts);
	packer_lines_clear(&report->lines);
	text_clear(&report->errors);
	text_clear(&report->said);
	packer_traces_clear(&report->traces);
	if (report->job->log.step == report->step)
		report->job->log.step = NULL;
}

/* ---- steps ---- */

/* How a provisioner begins to speak. Source: Packer 1.6.6 provisioner/. */
static const struct {
	const char *begins, *type;
} beginnings[] = {
	{"Provisioning with shell script", "shell"},
	{"Running local shell script", "shell-local"},
	{"Running local command", "shell-local"},
	{"Uploading ", "file"},
	{"Downloading ", "file"},
	{"Provisioning with Powershell", "powershell"},
	{"Provisioning with powershell", "powershell"},
	{"Provisioning with windows-shell", "windows-shell"},
	{"Provisioning with Ansible", "ansible-local"},
	{"Executing Ansible", "ansible"},
	{"Provisioning with Puppet", "puppet-masterless"},
	{"Provisioning with Salt", "salt-masterless"},
	{"Provisioning with chef-solo", "chef-solo"},
	{"Provisioning with chef-client", "chef-client"},
	{"Restarting Machine", "windows-restart"},
};

/* How often the provisioner says that it begins: once for each script or file. */
static int64_t parts_of(const struct json *about)
{
	const struct json *options = json_get(about, "options");
	size_t scripts = json_count(json_get(options, "scripts"));
	size_t sources = json_count(json_get(options, "sources"));
	size_t most = scripts > sources ? scripts : sources;

	return most ? (int64_t)most : 1;
}

/* A provisioner of TYPE begins: the one at work with its next part, or the next of that type. */
static void begin_provisioner(struct packer_report *report, const char *type)
{
	const struct json *list = job_order(report->job, "provisioners");
	size_t at = report->provisioner;

	if (at && strcmp(json_get_text(json_item(list, at - 1), "type", ""), type) == 0 &&
		report->parts < parts_of(json_item(list, at - 1))) {
		report->parts++;
		return;
	}
	while (at < json_count(list) &&
		strcmp(json_get_text(json_item(list, at), "type", ""), type) != 0)
		at++;
	if (at == json_count(list))
		return;
	report->provisioner = at + 1;
	report->parts = 1;
	snprintf(report->step, sizeof(report->step), "provisioner %zu (%s)", at + 1, type);
	report->job->log.step = report->step;
}

static void recognise_step(struct packer_report *report, const char *text)
{
	static const char post[] = "Running post-processor: ";

	if (text_starts_with(text, post)) {
		/* "NAME (type TYPE)" where it has a name of its own */
		const char *named = strstr(text, "(type ");
		const char *type = named ? named + strlen("(type ") : text + strlen(post);
		snprintf(report->step, sizeof(report->step), "post-processor (%.*s)",
			(int)strcspn(type, " )"), type);
		report->job->log.step = report->step;
		return;
	}
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (text_starts_with(text, beginnings[i].begins)) {
			begin_provisioner(report, beginnings[i].type);
			return;
		}
}

/* ---- what it says ---- */

/*
 * LINE without "==> NAME: " or "    NAME: ", which every line of a build has; the name may be "TYPE.NAME", and that of a
 * post-processor stand behind it. *OWN: it had it; *HEAD: with an arrow.
 */
static const char *skip_prefix(
	const struct packer_report *report, const char *line, bool *own, bool *head)
{
	const char *name = json_get_text(report->job->order, "packer_build_name", "");
	const char *type = json_get_text(report->job->order, "build_type", "");
	const char *at = line;

	*own = *head = false;
	if (!text_starts_with(at, "==> ") && !text_starts_with(at, "--> ") &&
		!text_starts_with(at, "    "))
		return line;
	bool arrow = *at == '=';
	at += 4;
	if (text_starts_with(at, type) && at[strlen(type)] == '.' &&
		text_starts_with(at + strlen(type) + 1, name))
		at += strlen(type) + 1;
	if (!json_has(report->job->order, "builder")) /* of HCL2: any that has the form */
		at += strcspn(at, " :");
	else if (text_starts_with(at, name))
		at += strlen(name);
	else
		return line;
	bool post = text_starts_with(at, " (") && strchr(at, ')');
	if (post)
		at = strchr(at, ')') + 1;
	if (*at != ':')
		return line;
	*own = true;
	*head = arrow && !post;
	return at[1] == ' ' ? at + 2 : at + 1;
}

static void keep_words(struct text *words, const char *text, bool last)
{
	if (last && words->size > WORDS_MOST / 2)
		text_reset(words);
	if (words->size)
		text_add(words, "; ");
	for (const char *at = text; *at; at++) {
		bool space = strchr(" \t\r\n", *at) != NULL;
		if (words->size >= WORDS_MOST)
			return;
		if (!space)
			text_add_char(words, *at);
		else if (words->size && words->data[words->size - 1] != ' ')
			text_add_char(words, ' ');
	}
}

static int say_line(
	struct packer_report *report, enum log_stream stream, const char *line, struct error *err)
{
	bool own, head;
	const char *text = skip_prefix(report, line, &own, &head);

	report->began |= own;
	if (head)
		recognise_step(report, text);
	build_log_add(&report->job->log, stream, text, strlen(text));
	build_log_add(&report->job->log, stream, "\n", 1);
	if (stream == LOG_STDERR)
		keep_words(&report->said, text, true);
	return packer_traces_line(&report->traces, text, head, stream == LOG_STDERR, err);
}

static int take_ui(
	struct packer_report *report, const struct packer_record *record, struct error *err)
{
	bool error = strcmp(packer_record_get(record, 0), "error") == 0;
	CLEANUP(strings_clear) struct strings lines = {0};

	strings_split(&lines, packer_record_get(record, 1), '\n');
	strings_each (line, &lines)
		if (*line && say_line(report, error ? LOG_STDERR : LOG_STDOUT, line, err) < 0)
			return -1;
	return 0;
}

/* ---- what it made ---- */

static int take_artifact(
	struct packer_report *report, const struct packer_record *record, struct error *err)
{
	const char *key = packer_record_get(record, 1), *value = packer_record_get(record, 2);
	char *end;
	unsigned long index = strtoul(packer_record_get(record, 0), &end, 10);
	size_t first = report->count;

	/* those of a build come one behind the other */
	while (first && strcmp(report->artifacts[first - 1].target, record->target) == 0)
		first--;
	index += first;
	if (*end || end == packer_record_get(record, 0) || index > report->count ||
		index >= ARTIFACTS_MOST || record->cut)
		return fail(err, ERROR_BROKEN,
			"what packer tells of its artifacts cannot be understood");
	if (strcmp(key, "nil") == 0)
		return 0;
	if (index == report->count) {
		MEMORY_GROW(report->artifacts, report->count, report->room);
		report->artifacts[report->count++] =
			(struct packer_artifact){.target = memory_copy_text(record->target)};
	}
	struct packer_artifact *artifact = &report->artifacts[index];
	char **const texts[] = {&artifact->builder_id, &artifact->id, &artifact->text};
	static const char *const keys[] = {"builder-id", "id", "string"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(key, keys[i]) == 0) {
			free(*texts[i]);
			*texts[i] = memory_copy_text(value);
		}
	if (strcmp(key, "file") != 0)
		return 0;
	if (artifact->files.count >= FILES_MOST)
		return fail(err, ERROR_CATALOG, "an artifact of more than %d files", FILES_MOST);
	strings_add(&artifact->files, packer_record_get(record, 3));
	return 0;
}

static int take_record(void *context, const struct packer_record *record, struct error *err)
{
	struct packer_report *report = context;

	report->cut += record->cut;
	if (strcmp(record->type, "ui") == 0) {
		return take_ui(report, record, err);
	} else if (strcmp(record->type, "artifact") == 0) {
		return take_artifact(report, record, err);
	} else if (strcmp(record->type, "artifact-count") == 0) {
		report->announced += strtol(packer_record_get(record, 0), NULL, 10);
	} else if (strcmp(record->type, "error") == 0) {
		keep_words(&report->errors, packer_record_get(record, 0), false);
	}
	return 0;
}

static int take_garbage(void *context, const char *line, size_t size, struct error *err)
{
	struct packer_report *report = context;

	(void)err;
	if (report->garbage++ < SHOWN_MOST) {
		build_log_add(&report->job->log, LOG_STDOUT, line, size < 4096 ? size : 4096);
		build_log_add(&report->job->log, LOG_STDOUT, "\n", 1);
	}
	return 0;
}

/* ---- the whole ---- */

void packer_report_init(struct packer_report *report, struct job *job)
{
	*report = (struct packer_report){
		.job = job, .lines = {.record = take_record, .garbage = take_garbage}};
	report->lines.context = report;
}

int packer_report_add(
	void *context, enum log_stream stream, const char *bytes, size_t size, struct error *err)
{
	struct packer_report *report = context;

	if (stream == LOG_STDOUT)
		return packer_lines_add(&report->lines, bytes, size, err);
	build_log_add(&report->job->log, stream, bytes, size);
	return 0;
}

int packer_report_end(struct packer_report *report, struct error *err)
{
	int result = packer_lines_end(&report->lines, err);

	build_log_flush(&report->job->log);
	report->job->log.step = NULL;
	if (report->garbage)
		build_log_say(&report->job->log,
			"packer said %zu lines that are not of its -machine-readable form",
			report->garbage);
	if (report->cut)
		build_log_say(&report->job->log,
			"packer said %zu lines of more than %d bytes: their ends are lost",
			report->cut, PACKER_LINE_MOST);
	return result;
}

void packer_report_list_elsewhere(const struct packer_report *report, struct strings *ids)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct packer_artifact *made = &report->artifacts[i];
		bool nothing = made->builder_id && strcmp(made->builder_id, ARTIFACT_NOTHING) == 0;
		if (!made->files.count && made->id && *made->id && !nothing)
			strings_add_once(ids, made->id);
	}
}

const char *packer_report_failure(const struct packer_report *report)
{
	return text_get(report->errors.size ? &report->errors : &report->said);
}
