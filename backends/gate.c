/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/gate.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/strings.h"

enum { LOOK_SEC = 60, FINDINGS_MOST = 200, SHOWN_MOST = 3 };

#define LOOKED "looked"

static const struct {
	const char *name, *advice;
} kinds[] = {
	{"ssh-host-key", "rm -f /etc/ssh/ssh_host_*"},
	{"machine-id", "truncate -s 0 /etc/machine-id"},
	{"random-seed", "rm -f /var/lib/systemd/random-seed"},
	{"authorized-keys", "rm -f /root/.ssh/authorized_keys"},
	{"history", "rm -f /root/.*_history"},
	{"cloud-init", "cloud-init clean --logs"},
	{"log", "find /var/log -type f -exec truncate -s 0 {} +"},
};
enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds) };

/* It must hold no single quote. Only a shell and its own commands are needed; without find(1), logs are seen one folder deep. */
static const char script[] =
	"say() { [ -f \"$2\" ] && [ -s \"$2\" ] && echo \"$1 $2\"; }\n"
	"for f in /etc/ssh/ssh_host_*_key; do say ssh-host-key \"$f\"; done\n"
	"id=; [ -s /etc/machine-id ] && read -r id < /etc/machine-id\n"
	"case $id in \"\" | uninitialized) ;; *) say machine-id /etc/machine-id ;; esac\n"
	"[ -L /var/lib/dbus/machine-id ] || say machine-id /var/lib/dbus/machine-id\n"
	"for f in /var/lib/systemd/random-seed /var/lib/urandom/random-seed "
	"/var/lib/random-seed /var/lib/seedrng/seed.*; do say random-seed \"$f\"; done\n"
	"for f in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do "
	"say authorized-keys \"$f\"; done\n"
	"for f in /root/.*_history /home/*/.*_history; do say history \"$f\"; done\n"
	"for f in /var/lib/cloud/instances/*/user-data.txt "
	"/var/lib/cloud/instances/*/obj.pkl; do say cloud-init \"$f\"; done\n"
	"if command -v find > /dev/null 2>&1; then\n"
	"find /var/log -type f -size +0 2> /dev/null | while read -r f; do say log \"$f\"; done\n"
	"else for f in /var/log/*; do say log \"$f\"; done; fi\n"
	"echo " LOOKED "\n";

/* ---- looking ---- */

static bool read_line(const char *line, struct json *list)
{
	const char *space = strchr(line, ' ');
	autofree char *name = space ? memory_copy_bytes(line, (size_t)(space - line)) : NULL;

	for (size_t i = 0; name && i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		struct json *finding = json_new_object();
		json_set_text(finding, "kind", name);
		json_set_text(finding, "path", space + 1);
		json_add(list, finding);
		return true;
	}
	return false;
}

/* The lines of the script; false if it did not come to its end. */
static bool read_output(const char *output, struct json *list)
{
	autofree char *lines = memory_copy_text(output);
	bool looked = false;

	for (char *rest = lines, *line; (line = strsep(&rest, "\n"));) {
		if (strcmp(line, LOOKED) == 0)
			looked = true;
		else if (json_count(list) < FINDINGS_MOST)
			read_line(line, list);
	}
	return looked;
}

/* Another than root sees little: where sudo asks nothing it helps. */
static bool run_script(struct communicator *communicator, struct text *output)
{
	autofree char *command = memory_printf(
		"look='%s'\nif [ \"$(id -u 2> /dev/null || echo 0)\" != 0 ] && sudo -n true "
		"2> /dev/null; then sudo -n /bin/sh -c \"$look\"; else eval \"$look\"; fi",
		script);
	struct build_log *log = &communicator->job->log;
	struct error ignored;
	int code = -1;

	log->output = output;
	log->output_only = true;
	communicator->deadline_usec = moment_elapsed_usec() + LOOK_SEC * 1000000LL;
	int result = communicator->ops->run(communicator, command, &code, &ignored);
	communicator->deadline_usec = 0;
	log->output = NULL;
	log->output_only = false;
	return result == 0;
}

static void say_findings(struct job *job, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++)
		build_log_say(&job->log, "%s %s", json_get_text(json_item(list, i), "kind", ""),
			json_get_text(json_item(list, i), "path", ""));
	if (json_count(list))
		build_log_say(
			&job->log, "%zu found that should not be in an image", json_count(list));
}

static int note(struct job *job, struct json *list, struct error *err)
{
	struct json *details = json_new_object();

	json_set(details, "list", list);
	return journal_add(&job->journal, "findings", details, err);
}

int gate_look(struct job *job, struct communicator *communicator, struct error *err)
{
	CLEANUP(text_clear) struct text output = {0};
	autojson struct json *list = json_new_list();

	if (strcmp(json_get_text(job->order, "gate", "report"), "off") == 0)
		return 0;
	job->log.step = "gate";
	bool looked = communicator && run_script(communicator, &output) &&
	              read_output(text_get(&output), list);
	if (looked)
		say_findings(job, list);
	else if (communicator)
		build_log_say(&job->log, "it cannot be looked into by a shell of its own");
	else
		build_log_say(&job->log, "it cannot be looked into: there is no communicator");
	job->log.step = NULL;
	return looked ? note(job, TAKE(list), err) : job_check(job, err);
}

/* ---- refusing ---- */

/* "ssh-host-key (/etc/ssh/..., ...): rm ..." */
static void describe(const struct json *findings, size_t kind, struct text *out)
{
	size_t count = 0;

	for (size_t i = 0; i < json_count(findings); i++) {
		const struct json *finding = json_item(findings, i);
		if (strcmp(json_get_text(finding, "kind", ""), kinds[kind].name) != 0)
			continue;
		if (++count == 1)
			text_addf(out, "%s%s (", out->size ? "; " : "", kinds[kind].name);
		if (count <= SHOWN_MOST)
			text_addf(out, "%s%s", count > 1 ? ", " : "",
				json_get_text(finding, "path", ""));
	}
	if (count > SHOWN_MOST)
		text_addf(out, " and %zu more", count - SHOWN_MOST);
	if (count)
		text_addf(out, "): %s", kinds[kind].advice);
}

int gate_check(struct job *job, struct error *err)
{
	const struct json *findings = json_get(job_order(job, "artifact"), "findings");
	CLEANUP(text_clear) struct text all = {0};

	if (strcmp(json_get_text(job->order, "gate", ""), "refuse") != 0)
		return 0;
	if (json_kind(findings) != JSON_LIST)
		return fail(err, ERROR_CATALOG,
			"gate: nobody looked into this image when it was built (the gate was off, "
			"or it has no communicator or no shell): kiln apply --force builds it "
			"again");
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		describe(findings, kind, &all);
	if (!all.size)
		return 0;
	build_log_say(&job->log, "gate: refused: %s", text_get(&all));
	return fail(
		err, ERROR_CATALOG, "gate: refused, a last step has to remove %s", text_get(&all));
}
