/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/boot_check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/child.h"
#include "backends/qemu/arguments.h"
#include "backends/qemu/booted.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	TIMEOUT_SEC = 600,
	SERIAL_MOST = 1 << 20,
	SERIAL_LINES = 20,
	WAIT_NSEC = 200 * 1000 * 1000,
};

struct check {
	struct job *job;
	const struct json *entry;
	struct booted booted;
	struct text serial; /* all that came, as far as it is kept */
};

/* ---- what is waited for ---- */

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
		return false;
	bool found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

/* Of what is too much the first half goes. Bytes of zero would end the text for a pattern. */
static int read_serial(struct check *check, struct error *err)
{
	struct text *serial = &check->serial;
	size_t old = serial->size;

	if (qmp_read_ring(&check->booted.machine.qmp, QEMU_SERIAL_RING, serial, err) < 0)
		return -1;
	for (size_t i = old; i < serial->size; i++)
		if (serial->data[i] == '\0' || serial->data[i] == '\r')
			serial->data[i] = ' ';
	if (serial->size > SERIAL_MOST) {
		autofree char *rest = memory_copy_bytes(
			serial->data + SERIAL_MOST / 2, serial->size - SERIAL_MOST / 2);
		size_t size = serial->size - SERIAL_MOST / 2;
		text_reset(serial);
		text_add_bytes(serial, rest, size);
	}
	return 0;
}

static int wait_for_serial(struct check *check, const char *pattern, struct error *err)
{
	build_log_say(&check->job->log, "waiting for '%s' at the serial port", pattern);
	for (;;) {
		if (read_serial(check, err) < 0)
			return -1;
		if (matches(pattern, text_get(&check->serial)))
			return 0;
		if (machine_sleep(&check->booted.machine, WAIT_NSEC, err) < 0)
			return -1;
	}
}

static int connect_to(int port)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&place, sizeof(place)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* QEMU accepts before its guest does: whether that one did only its own list tells. PORT leads there and nowhere else. */
static int is_established(struct check *check, int port, struct error *err)
{
	autofree char *answer = NULL;
	char wanted[32];
	int found = 0;

	if (qmp_ask_monitor(&check->booted.machine.qmp, "info usernet", &answer, err) < 0)
		return -1;
	/* a line: TCP[ESTABLISHED] FD 127.0.0.1 PORT GUEST GUEST_PORT ... */
	snprintf(wanted, sizeof(wanted), " %d ", port);
	for (char *rest = answer, *line; (line = strsep(&rest, "\n"));)
		found |= strstr(line, "TCP[ESTABLISHED]") && strstr(line, wanted);
	return found;
}

static int wait_for_port(struct check *check, int64_t guest_port, struct error *err)
{
	int port;

	build_log_say(&check->job->log, "waiting for port %lld", (long long)guest_port);
	if (booted_forward(&check->booted, guest_port, &port, err) < 0)
		return -1;
	for (;;) {
		autoclose int fd = connect_to(port);
		/* a guest that is not up yet answers after a while, or never */
		for (int i = 0; fd >= 0 && i < 10; i++) {
			int established = is_established(check, port, err);
			if (established)
				return established < 0 ? -1 : 0;
			if (machine_sleep(&check->booted.machine, WAIT_NSEC, err) < 0)
				return -1;
		}
		if (fd < 0 && machine_sleep(&check->booted.machine, WAIT_NSEC, err) < 0)
			return -1;
	}
}

/* ---- ssh ---- */

static int run_command(struct check *check, struct communicator *communicator, const char *command,
	struct text *output, struct error *err)
{
	struct build_log *log = &check->job->log;
	int code = 0;

	build_log_say(log, "$ %s", command);
	log->output = output;
	int result = communicator->ops->run(communicator, command, &code, err);
	log->output = NULL;
	build_log_flush(log);
	if (result < 0)
		return fail_while(err, "%s", command);
	if (code == COMMUNICATOR_DISCONNECTED)
		return fail(err, ERROR_CATALOG, "the connection broke during '%s'", command);
	return code == 0 ? 0
	                 : fail(err, ERROR_CATALOG, "'%s' ended with exit code %d", command, code);
}

static int run_commands(struct check *check, struct communicator *communicator, struct error *err)
{
	const struct json *commands = json_get(check->entry, "inline");
	const char *wanted = json_get_text(check->entry, "expect", NULL);
	CLEANUP(text_clear) struct text output = {0};

	for (size_t i = 0; i < json_count(commands); i++)
		if (run_command(check, communicator, json_text(json_item(commands, i), ""), &output,
			    err) < 0)
			return -1;
	if (!wanted || matches(wanted, text_get(&output)))
		return 0;
	size_t size = output.size;
	while (size && output.data[size - 1] == '\n')
		size--;
	return fail(err, ERROR_CATALOG,
		"what the commands say does not match '%s'; they say '%.*s'", wanted,
		(int)(size < 200 ? size : 200), text_get(&output));
}

static int check_ssh(struct check *check, struct error *err)
{
	struct booted *booted = &check->booted;

	if (strcmp(json_get_text(booted->builder, "communicator", "ssh"), "ssh") != 0)
		return fail(err, ERROR_CATALOG,
			"it waits for ssh, and the builder's communicator is %s: say serial or "
			"port",
			json_get_text(booted->builder, "communicator", ""));
	return booted_connect(booted, err) < 0 ? -1
	                                       : run_commands(check, booted->communicator, err);
}

/* ---- the whole ---- */

/* What is given, each in its turn; where nothing is, ssh. */
static int wait_for_all(struct check *check, const char **waited_for, struct error *err)
{
	const char *serial = json_get_text(check->entry, "serial", NULL);
	int64_t port = json_get_integer(check->entry, "port", 0);

	*waited_for = "a line at the serial port";
	if (serial && wait_for_serial(check, serial, err) < 0)
		return fail_while(err, "waiting for '%s' at the serial port", serial);
	*waited_for = "its port";
	if (port && wait_for_port(check, port, err) < 0)
		return fail_while(err, "waiting for port %lld", (long long)port);
	*waited_for = "ssh";
	if ((serial || port) && !json_has(check->entry, "inline"))
		return 0;
	return check_ssh(check, err);
}

static void show_serial(struct check *check)
{
	struct build_log *log = &check->job->log;
	const char *data = text_get(&check->serial);
	struct error ignored;
	size_t lines = 0, from;

	read_serial(check, &ignored);
	data = text_get(&check->serial);
	for (from = check->serial.size; from > 0; from--)
		if (data[from - 1] == '\n' && from != check->serial.size && ++lines == SERIAL_LINES)
			break;
	if (!check->serial.size)
		return;
	build_log_say(log, "the end of what the machine said at its serial port:");
	build_log_add(log, LOG_STDOUT, data + from, check->serial.size - from);
	build_log_flush(log);
}

static int boot(struct check *check, int64_t timeout_sec, struct error *err)
{
	struct job *job = check->job;
	CLEANUP(published_clear) struct published files = {0};
	int64_t of_job = job->deadline_usec;
	int64_t deadline = moment_elapsed_usec() + timeout_sec * 1000000;
	bool own = !of_job || deadline < of_job;
	const char *waited_for = "its start";

	if (booted_open(&check->booted, err) < 0 ||
		published_from_json(job_order(job, "artifact"), &files, err) < 0 ||
		booted_make_disks(&check->booted, &files, err) < 0)
		return -1;
	if (own)
		job->deadline_usec = deadline;
	int result =
		booted_start(&check->booted, err) < 0 ? -1 : wait_for_all(check, &waited_for, err);
	bool late = own && moment_elapsed_usec() >= deadline;
	job->deadline_usec = of_job;
	if (check->booted.machine.job)
		machine_watch(&check->booted.machine, false);
	if (result == 0 || job_is_cancelled())
		return result;
	if (late)
		error_set(err, ERROR_CATALOG, "waited %lld s for %s, which did not come",
			(long long)timeout_sec, waited_for);
	if (check->booted.machine.job) {
		show_serial(check);
		machine_show_state(&check->booted.machine);
	}
	return -1;
}

int boot_check(struct job *job, const struct json *entry, struct error *err)
{
	struct check check = {.job = job, .entry = entry, .booted = BOOTED_NONE};
	int64_t timeout_sec = TIMEOUT_SEC;

	duration_parse(json_get_text(entry, "timeout", ""), &timeout_sec);
	if (child_end_leftovers(job, err) < 0)
		return -1;
	check.booted.job = job;
	check.booted.changed = entry;
	check.booted.files = json_get_text(job->order, "artifact_folder", NULL);
	int result = boot(&check, timeout_sec, err);
	booted_close(&check.booted);
	text_clear(&check.serial);
	return result;
}
