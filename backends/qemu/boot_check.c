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

#include "backends/artifact.h"
#include "backends/child.h"
#include "backends/plugins/all.h"
#include "backends/qemu/accelerator.h"
#include "backends/qemu/arguments.h"
#include "backends/qemu/connect.h"
#include "backends/qemu/firmware.h"
#include "backends/qemu/image_file.h"
#include "backends/qemu/port.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

enum {
	TIMEOUT_SEC = 600,
	SSH_PORT = 22,
	PORT_FIRST = 20000,
	PORT_LAST = 29999,
	FORWARDS_MOST = 5,
	SERIAL_MOST = 1 << 20,
	SERIAL_LINES = 20,
	COMMAND_USEC = 20 * 1000 * 1000,
	WAIT_NSEC = 200 * 1000 * 1000,
};

#define FOLDER "boot" /* below the build's work folder */

struct check {
	struct job *job;
	const struct json *entry, *builder;
	struct qemu_options options;
	struct json *arguments; /* of qemuargs, what is left */
	char *folder;           /* absolute */
	const char *accelerator;
	struct strings drives;
	struct firmware firmware;
	char *firmware_vars; /* its own; NULL: it starts by BIOS */
	struct machine machine;
	struct text serial; /* all that came, as far as it is kept */
};

/* ---- disks ---- */

/* Of the artifact's files those that the builder named: NAME, NAME-1 ...; a single file may have any name. */
static bool is_disk(const struct check *check, const struct published *files, size_t index)
{
	const char *build = json_get_text(check->job->order, "packer_build_name", "qemu");
	autofree char *unnamed = memory_printf("packer-%s", build);
	const char *wanted = *check->options.vm_name ? check->options.vm_name : unnamed;
	const char *name = strrchr(files->items[index].name, '/');
	size_t size = strlen(wanted);

	name = name ? name + 1 : files->items[index].name;
	if (files->count == 1)
		return true;
	if (strncmp(name, wanted, size) != 0)
		return false;
	return !name[size] || (name[size] == '-' && name[size + 1] &&
				      !name[size + 1 + strspn(name + size + 1, "0123456789")]);
}

static const char *format_of(
	struct check *check, const struct published_file *file, struct error *err)
{
	const char *format = check->options.format;
	autoclose int fd = published_open(check->job, file, err);

	if (fd < 0)
		return NULL;
	/* with use_backing_file it is meant to name another: the version that it stands on */
	if (check->options.use_backing_file)
		return format;
	if (image_file_format(fd, file->name, &format, err) < 0)
		return NULL;
	if (strcmp(format, check->options.format) == 0)
		return format;
	error_set(err, ERROR_CATALOG, "%s is no disk of format %s, so no machine starts from it",
		file->name, check->options.format);
	return NULL;
}

/* Absolute. */
static char *path_of(const struct job *job, const struct published_file *file)
{
	const char *folder = json_get_text(job->order, "artifact_folder", NULL);

	return folder ? memory_printf("%s/%s", folder, file->name)
	              : memory_printf("%s/work/tree/%s", job->folder, file->path);
}

/* Variables that came with the disks, or new ones: a copy, as what is started is thrown away. */
static int make_vars(struct check *check, const struct published *files, struct error *err)
{
	autofree char *found = NULL;

	if (!check->firmware.code)
		return 0;
	for (size_t i = 0; i < files->count && !found; i++) {
		const char *slash = strrchr(files->items[i].name, '/');
		if (strcmp(slash ? slash + 1 : files->items[i].name, FIRMWARE_VARS_NAME) == 0)
			found = path_of(check->job, &files->items[i]);
	}
	check->firmware_vars = memory_printf("%s/" FIRMWARE_VARS_NAME, check->folder);
	return firmware_copy_vars(found ? found : check->firmware.vars, check->firmware_vars, err);
}

static int add_layer(struct check *check, const struct published_file *file, struct error *err)
{
	struct job *job = check->job;
	CLEANUP(strings_clear) struct strings arguments = {0};
	autofree char *below = path_of(job, file);
	autofree char *layer = memory_printf("disk%zu.qcow2", check->drives.count);
	const char *format = format_of(check, file, err);

	if (!format)
		return -1;
	strings_add(&arguments, "qemu-img");
	strings_add(&arguments, "create");
	strings_add(&arguments, "-q");
	strings_add(&arguments, "-f");
	strings_add(&arguments, "qcow2");
	strings_add(&arguments, "-F");
	strings_add(&arguments, format);
	strings_add(&arguments, "-b");
	strings_add(&arguments, below);
	strings_add(&arguments, layer);
	strings_add(&check->drives, layer);
	return child_run(job, "qemu-img", &arguments, check->folder, err);
}

static int make_disks(struct check *check, struct error *err)
{
	struct job *job = check->job;
	CLEANUP(published_clear) struct published files = {0};

	if (folder_remove(job->work_fd, FOLDER, err) < 0)
		return -1;
	autoclose int folder = folder_make(job->work_fd, FOLDER, 0700, err);
	if (folder < 0 || published_from_json(job_order(job, "artifact"), &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.count; i++)
		if (is_disk(check, &files, i) && add_layer(check, &files.items[i], err) < 0)
			return -1;
	if (check->drives.count)
		return make_vars(check, &files, err);
	return fail(err, ERROR_CATALOG,
		"none of the artifact's %zu files is the machine's disk (a post-processor took "
		"its place?)",
		files.count);
}

/* ---- the machine ---- */

/* Rows about the machine itself; those about drives, networks and screens were the build's. */
static struct json *keep_arguments(const struct check *check)
{
	static const char *const kept[] = {
		"-cpu", "-machine", "-M", "-m", "-smp", "-bios", "-rtc", "-vga", "-global"};
	const struct json *rows = check->options.arguments;
	struct json *list = json_new_list();

	for (size_t i = 0; i < json_count(rows); i++) {
		const char *name = json_text(json_item(json_item(rows, i), 0), "");
		bool keep = false;
		for (size_t k = 0; k < sizeof(kept) / sizeof(*kept); k++)
			keep |= strcmp(kept[k], name) == 0;
		if (strcmp(name, "-m") == 0 && json_has(check->entry, "memory"))
			keep = false;
		if (strcmp(name, "-smp") == 0 && json_has(check->entry, "cpus"))
			keep = false;
		if (keep)
			json_add(list, json_copy(json_item(rows, i)));
	}
	return list;
}

static int read_options(struct check *check, struct error *err)
{
	struct qemu_options *options = &check->options;
	const struct json *about = job_order(check->job, "builder");

	if (strcmp(json_get_text(about, "type", ""), "qemu") != 0)
		return fail(err, ERROR_CATALOG, "boot starts machines, and this is none");
	check->builder = json_get(about, "options");
	if (json_kind(check->builder) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "what machine it is only packer knows");
	options_decode(&plugin_builder_qemu, check->builder, options);
	check->arguments = keep_arguments(check);
	options->arguments = check->arguments;
	options->memory_mb = json_get_integer(check->entry, "memory", options->memory_mb);
	options->cpus = json_get_integer(check->entry, "cpus", options->cpus);
	options->net_bridge = "";
	options->qmp_enable = false;
	options->disk_cache = "unsafe"; /* it is thrown away */
	check->folder = memory_printf("%s/work/" FOLDER, check->job->folder);
	if (firmware_find(check->job, options, &check->firmware, err) < 0)
		return -1;
	return accelerator_choose(
		check->job, options->qemu_binary, options->accelerator, &check->accelerator, err);
}

static int start(struct check *check, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	struct qemu_setup setup = {.options = &check->options,
		.vm_name = "boot",
		.output_folder = ".",
		.accelerator = check->accelerator,
		.disks = &check->drives,
		.disk_format = "qcow2",
		.firmware_code = check->firmware.code,
		.firmware_vars = check->firmware_vars,
		.installed = true,
		.isolated = !json_get_boolean(check->job->order, "network", false),
		.qmp_fd = MACHINE_QMP_FD};
	bool port_taken;

	if (qemu_arguments_make(&setup, &arguments, err) < 0)
		return -1;
	autofree char *line = strings_join(&arguments, " ");
	build_log_say(&check->job->log, "%s", line);
	if (machine_start(&check->machine, check->job, &arguments, check->folder, -1, &port_taken,
		    err) < 0)
		return -1;
	machine_watch(&check->machine, true);
	return 0;
}

/* A port here that leads to GUEST_PORT there. */
static int forward(struct check *check, int64_t guest_port, int *port, struct error *err)
{
	for (int attempt = 0; attempt < FORWARDS_MOST; attempt++) {
		autofree char *answer = NULL;
		if (port_choose("127.0.0.1", PORT_FIRST, PORT_LAST, port, err) < 0)
			return -1;
		autofree char *command = memory_printf(
			"hostfwd_add user.0 tcp:127.0.0.1:%d-:%lld", *port, (long long)guest_port);
		if (qmp_ask_monitor(&check->machine.qmp, command, &answer, err) < 0)
			return -1;
		if (!*answer)
			return 0;
		error_set(err, ERROR_TRANSIENT, "%.*s", (int)strcspn(answer, "\r\n"), answer);
	}
	return -1;
}

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

	if (qmp_read_ring(&check->machine.qmp, QEMU_SERIAL_RING, serial, err) < 0)
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
		if (machine_sleep(&check->machine, WAIT_NSEC, err) < 0)
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

	if (qmp_ask_monitor(&check->machine.qmp, "info usernet", &answer, err) < 0)
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
	if (forward(check, guest_port, &port, err) < 0)
		return -1;
	for (;;) {
		autoclose int fd = connect_to(port);
		/* a guest that is not up yet answers after a while, or never */
		for (int i = 0; fd >= 0 && i < 10; i++) {
			int established = is_established(check, port, err);
			if (established)
				return established < 0 ? -1 : 0;
			if (machine_sleep(&check->machine, WAIT_NSEC, err) < 0)
				return -1;
		}
		if (fd < 0 && machine_sleep(&check->machine, WAIT_NSEC, err) < 0)
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
	struct ssh_settings settings = {0};
	struct communicator *communicator = NULL;
	struct qemu_address address = {.host = "127.0.0.1"};

	if (strcmp(json_get_text(check->builder, "communicator", "ssh"), "ssh") != 0)
		return fail(err, ERROR_CATALOG,
			"it waits for ssh, and the builder's communicator is %s: say serial or "
			"port",
			json_get_text(check->builder, "communicator", ""));
	build_log_say(&check->job->log, "waiting for ssh");
	if (forward(check, json_get_integer(check->builder, "ssh_port", SSH_PORT), &address.port,
		    err) < 0)
		return -1;
	int result = qemu_connect(
		&check->machine, check->builder, &address, &settings, &communicator, err);
	if (result < 0)
		error_add_context(err, "waiting for ssh");
	else
		result = run_commands(check, communicator, err);
	if (communicator)
		communicator->ops->close(communicator);
	ssh_settings_clear(&settings);
	return result;
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
	int64_t of_job = job->deadline_usec;
	int64_t deadline = moment_elapsed_usec() + timeout_sec * 1000000;
	bool own = !of_job || deadline < of_job;
	const char *waited_for = "its start";

	if (read_options(check, err) < 0 || make_disks(check, err) < 0)
		return -1;
	if (own)
		job->deadline_usec = deadline;
	int result = start(check, err) < 0 ? -1 : wait_for_all(check, &waited_for, err);
	bool late = own && moment_elapsed_usec() >= deadline;
	job->deadline_usec = of_job;
	if (check->machine.job)
		machine_watch(&check->machine, false);
	if (result == 0 || job_is_cancelled())
		return result;
	if (late)
		error_set(err, ERROR_CATALOG, "waited %lld s for %s, which did not come",
			(long long)timeout_sec, waited_for);
	if (check->machine.job) {
		show_serial(check);
		machine_show_state(&check->machine);
	}
	return -1;
}

int boot_check(struct job *job, const struct json *entry, struct error *err)
{
	struct check check = {.job = job, .entry = entry, .machine = MACHINE_NONE};
	int64_t timeout_sec = TIMEOUT_SEC;
	struct error ignored;

	duration_parse(json_get_text(entry, "timeout", ""), &timeout_sec);
	if (child_end_leftovers(job, err) < 0)
		return -1;
	int result = boot(&check, timeout_sec, err);
	if (check.machine.qmp.fd >= 0)
		qmp_quit(&check.machine.qmp, &ignored);
	machine_close(&check.machine);
	folder_remove(job->work_fd, FOLDER, &ignored);
	json_free(check.arguments);
	strings_clear(&check.drives);
	text_clear(&check.serial);
	free(check.folder);
	free(check.firmware_vars);
	firmware_clear(&check.firmware);
	return result;
}
