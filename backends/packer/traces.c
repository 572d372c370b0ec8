/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/traces.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum {
	LINES_MOST = 100, /* of one run */
	SHOWN_MOST = 300, /* bytes of a line */
	PANIC_CODE = 2,   /* of a program in Go that fell over */
};

/*
 * How builders begin to tell of what they make. What is not said as a step may as well come out of the machine, so only
 * words that have an id behind them count there. Source: Packer 1.6.6 builder/.
 */
static const struct {
	const char *begins;
	bool step;
} makings[] = {
	{"Creating ", true},
	{"Created ", true},
	{"Launching ", true},
	{"Cloning ", true},
	{" -> ResourceGroupName", true},
	{" -> DeploymentName", true},
	{" -> ComputeName", true},
	{" -> Snapshot ID", true},
	{"Instance ID: ", false},
	{"Instance: ", false},
	{"Server ID: ", false},
	{"Container ID: ", false},
	{"Volume ID: ", false},
	{"Snapshot ID: ", false},
	{"Created floating IP: ", false},
	{"Copying to: ", false},
	{"AMI: ", false},
	{"OMI: ", false},
	{"Image: ", false},
};

/* What a builder says as an error when it cannot remove something, or when it is no longer there to do so. */
static const struct {
	const char *begins, *has;
} troubles[] = {
	{"error", "manually"},
	{"error", "still be around"},
	{"failed", "manually"},
	{"failed", "still be around"},
	{"", "unexpected EOF"},
	{"", "connection is shut down"},
};

static int add(
	struct packer_traces *traces, const char *state, struct json *details, struct error *err)
{
	struct job *job = traces->job;

	json_set_text(details, "state", state);
	json_set_integer(details, "serial", json_get_integer(job->order, "serial", 0));
	return journal_add(&job->journal, PACKER_TRACES_EVENT, details, err);
}

int packer_traces_begin(struct packer_traces *traces, struct job *job, struct error *err)
{
	traces->job = job;
	return add(traces, "begins", json_new_object(), err);
}

static bool tells_of_making(const char *line, bool said)
{
	for (size_t i = 0; i < sizeof(makings) / sizeof(*makings); i++)
		if ((said || !makings[i].step) && text_starts_with(line, makings[i].begins))
			return true;
	return false;
}

static bool tells_of_trouble(const char *line)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++)
		if (strncasecmp(line, troubles[i].begins, strlen(troubles[i].begins)) == 0 &&
			strstr(line, troubles[i].has))
			return true;
	return false;
}

static void add_trouble(struct packer_traces *traces, const char *text)
{
	text_addf(&traces->trouble, "%s%s", traces->trouble.size ? "; " : "", text);
}

int packer_traces_line(
	struct packer_traces *traces, const char *line, bool said, bool error, struct error *err)
{
	bool trouble = error && tells_of_trouble(line);
	CLEANUP(text_clear) struct text shown = {0};

	if (!trouble && (error || !tells_of_making(line, said)))
		return 0;
	redactor_apply(&traces->job->log.secrets, line, strnlen(line, SHOWN_MOST), &shown);
	if (trouble && !traces->trouble.size)
		add_trouble(traces, text_get(&shown));
	if (traces->told.count >= LINES_MOST || !strings_add_once(&traces->told, text_get(&shown)))
		return 0;
	struct json *details = json_new_object();
	json_set_text(details, "text", text_get(&shown));
	return add(traces, "says", details, err);
}

int packer_traces_end(
	struct packer_traces *traces, int code, const struct strings *made, struct error *err)
{
	bool abort = strcmp(json_get_text(traces->job->order, "on_error", ""), "abort") == 0;
	struct json *details, *ids;

	if (code < 0 || code > 128)
		return 0;
	if (code && abort)
		add_trouble(traces, "it was to leave all as it is (--on-error=abort)");
	if (code == PANIC_CODE)
		add_trouble(traces, "it fell over");
	details = json_new_object();
	ids = json_new_list();
	strings_each (id, made)
		json_add_text(ids, id);
	json_set_text(details, "trouble", traces->trouble.size ? text_get(&traces->trouble) : NULL);
	json_set(details, "made", ids);
	return add(traces, "ends", details, err);
}

void packer_traces_clear(struct packer_traces *traces)
{
	strings_clear(&traces->told);
	text_clear(&traces->trouble);
}
