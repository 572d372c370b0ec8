/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/booted.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/child.h"
#include "backends/plugins/all.h"
#include "backends/qemu/accelerator.h"
#include "backends/qemu/arguments.h"
#include "backends/qemu/image_file.h"
#include "backends/qemu/port.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

enum {
	SSH_PORT = 22,
	PORT_FIRST = 20000,
	PORT_LAST = 29999,
	FORWARDS_MOST = 5,
	COMMAND_USEC = 20 * 1000 * 1000,
};

#define FOLDER "boot" /* below the build's work folder */

/* ---- disks ---- */

/* Of the artifact's files those that the builder named: NAME, NAME-1 ...; a single file may have any name. */
bool booted_is_disk(const struct booted *booted, const struct published *files, size_t index)
{
	const char *build = json_get_text(booted->job->order, "packer_build_name", "qemu");
	autofree char *unnamed = memory_printf("packer-%s", build);
	const char *wanted = *booted->options.vm_name ? booted->options.vm_name : unnamed;
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
	struct booted *booted, const struct published_file *file, struct error *err)
{
	const char *format = booted->options.format;
	autoclose int fd = published_open_in(booted->job, booted->files, file, err);

	if (fd < 0)
		return NULL;
	/* with use_backing_file it is meant to name another: the version that it stands on */
	if (booted->options.use_backing_file)
		return format;
	if (image_file_format(fd, file->name, &format, err) < 0)
		return NULL;
	if (strcmp(format, booted->options.format) == 0)
		return format;
	error_set(err, ERROR_CATALOG, "%s is no disk of format %s, so no machine starts from it",
		file->name, booted->options.format);
	return NULL;
}

/* Absolute. */
static char *path_of(const struct booted *booted, const struct published_file *file)
{
	return booted->files ? memory_printf("%s/%s", booted->files, file->name)
	                     : memory_printf("%s/work/tree/%s", booted->job->folder, file->path);
}

/* Variables that came with the disks, or new ones: a copy, as what is started is thrown away. */
static int make_vars(struct booted *booted, const struct published *files, struct error *err)
{
	autofree char *found = NULL;

	if (!booted->firmware.code)
		return 0;
	for (size_t i = 0; i < files->count && !found; i++) {
		const char *slash = strrchr(files->items[i].name, '/');
		if (strcmp(slash ? slash + 1 : files->items[i].name, FIRMWARE_VARS_NAME) == 0)
			found = path_of(booted, &files->items[i]);
	}
	booted->firmware_vars = memory_printf("%s/" FIRMWARE_VARS_NAME, booted->folder);
	return firmware_copy_vars(
		found ? found : booted->firmware.vars, booted->firmware_vars, err);
}

static int add_layer(struct booted *booted, const struct published_file *file, struct error *err)
{
	struct job *job = booted->job;
	CLEANUP(strings_clear) struct strings arguments = {0};
	autofree char *below = path_of(booted, file);
	autofree char *layer = memory_printf("disk%zu.qcow2", booted->drives.count);
	const char *format = format_of(booted, file, err);

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
	strings_add(&booted->drives, layer);
	return child_run(job, "qemu-img", &arguments, booted->folder, err);
}

int booted_make_disks(struct booted *booted, const struct published *files, struct error *err)
{
	struct job *job = booted->job;

	if (folder_remove(job->work_fd, FOLDER, err) < 0)
		return -1;
	autoclose int folder = folder_make(job->work_fd, FOLDER, 0700, err);
	if (folder < 0)
		return -1;
	for (size_t i = 0; i < files->count; i++)
		if (booted_is_disk(booted, files, i) &&
			add_layer(booted, &files->items[i], err) < 0)
			return -1;
	if (booted->drives.count)
		return make_vars(booted, files, err);
	return fail(err, ERROR_CATALOG,
		"none of the artifact's %zu files is the machine's disk (a post-processor took "
		"its place?)",
		files->count);
}

/* ---- the machine ---- */

/* Rows about the machine itself; those about drives, networks and screens were the build's. */
static struct json *keep_arguments(const struct booted *booted)
{
	static const char *const kept[] = {
		"-cpu", "-machine", "-M", "-m", "-smp", "-bios", "-rtc", "-vga", "-global"};
	const struct json *rows = booted->options.arguments;
	struct json *list = json_new_list();

	for (size_t i = 0; i < json_count(rows); i++) {
		const char *name = json_text(json_item(json_item(rows, i), 0), "");
		bool keep = false;
		for (size_t k = 0; k < sizeof(kept) / sizeof(*kept); k++)
			keep |= strcmp(kept[k], name) == 0;
		if (strcmp(name, "-m") == 0 && json_has(booted->changed, "memory"))
			keep = false;
		if (strcmp(name, "-smp") == 0 && json_has(booted->changed, "cpus"))
			keep = false;
		if (keep)
			json_add(list, json_copy(json_item(rows, i)));
	}
	return list;
}

int booted_open(struct booted *booted, struct error *err)
{
	struct qemu_options *options = &booted->options;
	const struct json *about = job_order(booted->job, "builder");

	if (strcmp(json_get_text(about, "type", ""), "qemu") != 0)
		return fail(err, ERROR_CATALOG, "boot starts machines, and this is none");
	booted->builder = json_get(about, "options");
	if (json_kind(booted->builder) != JSON_OBJECT)
		return fail(err, ERROR_CATALOG, "what machine it is only packer knows");
	options_decode(&plugin_builder_qemu, booted->builder, options);
	booted->arguments = keep_arguments(booted);
	options->arguments = booted->arguments;
	options->memory_mb = json_get_integer(booted->changed, "memory", options->memory_mb);
	options->cpus = json_get_integer(booted->changed, "cpus", options->cpus);
	options->net_bridge = "";
	options->qmp_enable = false;
	options->disk_cache = "unsafe"; /* it is thrown away */
	booted->folder = memory_printf("%s/work/" FOLDER, booted->job->folder);
	if (firmware_find(booted->job, options, &booted->firmware, err) < 0)
		return -1;
	return accelerator_choose(
		booted->job, options->qemu_binary, options->accelerator, &booted->accelerator, err);
}

int booted_start(struct booted *booted, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	struct qemu_setup setup = {.options = &booted->options,
		.vm_name = "boot",
		.output_folder = ".",
		.accelerator = booted->accelerator,
		.disks = &booted->drives,
		.disk_format = "qcow2",
		.firmware_code = booted->firmware.code,
		.firmware_vars = booted->firmware_vars,
		.installed = true,
		.isolated = !json_get_boolean(booted->job->order, "network", false),
		.qmp_fd = MACHINE_QMP_FD};
	bool port_taken;

	if (qemu_arguments_make(&setup, &arguments, err) < 0)
		return -1;
	autofree char *line = strings_join(&arguments, " ");
	build_log_say(&booted->job->log, "%s", line);
	if (machine_start(&booted->machine, booted->job, &arguments, booted->folder, -1, -1,
		    &port_taken, err) < 0)
		return -1;
	machine_watch(&booted->machine, true);
	return 0;
}

/* A port here that leads to GUEST_PORT there. */
int booted_forward(struct booted *booted, int64_t guest_port, int *port, struct error *err)
{
	for (int attempt = 0; attempt < FORWARDS_MOST; attempt++) {
		autofree char *answer = NULL;
		if (port_choose("127.0.0.1", PORT_FIRST, PORT_LAST, port, err) < 0)
			return -1;
		autofree char *command = memory_printf(
			"hostfwd_add user.0 tcp:127.0.0.1:%d-:%lld", *port, (long long)guest_port);
		if (qmp_ask_monitor(&booted->machine.qmp, command, &answer, err) < 0)
			return -1;
		if (!*answer)
			return 0;
		error_set(err, ERROR_TRANSIENT, "%.*s", (int)strcspn(answer, "\r\n"), answer);
	}
	return -1;
}

/* ---- ssh ---- */

int booted_connect(struct booted *booted, struct error *err)
{
	const char *communicator = json_get_text(booted->builder, "communicator", "ssh");
	struct qemu_address address = {.host = "127.0.0.1"};

	if (strcmp(communicator, "ssh") != 0)
		return fail(err, ERROR_CATALOG, "the builder's communicator is %s, not ssh",
			communicator);
	build_log_say(&booted->job->log, "waiting for ssh");
	if (booted_forward(booted, json_get_integer(booted->builder, "ssh_port", SSH_PORT),
		    &address.port, err) < 0)
		return -1;
	if (qemu_connect(&booted->machine, booted->builder, &address, &booted->ssh,
		    &booted->communicator, err) < 0)
		return fail_while(err, "waiting for ssh");
	return 0;
}

/* ---- its end ---- */

void booted_close(struct booted *booted)
{
	struct error ignored;

	if (booted->communicator)
		booted->communicator->ops->close(booted->communicator);
	ssh_settings_clear(&booted->ssh);
	if (booted->machine.job)
		machine_watch(&booted->machine, false);
	if (booted->machine.qmp.fd >= 0)
		qmp_quit(&booted->machine.qmp, &ignored);
	machine_close(&booted->machine);
	folder_remove(booted->job->work_fd, FOLDER, &ignored);
	json_free(booted->arguments);
	strings_clear(&booted->drives);
	free(booted->folder);
	free(booted->firmware_vars);
	firmware_clear(&booted->firmware);
	*booted = (struct booted)BOOTED_NONE;
}
