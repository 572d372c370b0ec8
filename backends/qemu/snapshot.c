/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/child.h"
#include "base/cleanup.h"
#include "base/memory.h"

static const int64_t command_usec = 60 * 1000000LL, migration_usec = 600 * 1000000LL;

/* ---- disks ---- */

static const struct json *find_drive(const struct json *all, const char *path)
{
	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *drive = json_item(all, i);
		if (strcmp(json_get_text(json_get(drive, "inserted"), "file", ""), path) == 0)
			return drive;
	}
	return NULL;
}

int snapshot_find_drives(struct machine *machine, const struct strings *paths,
	struct snapshot_drives *drives, struct error *err)
{
	autojson struct json *all = NULL;

	*drives =
		(struct snapshot_drives){.sizes = memory_new((paths->count + 1) * sizeof(int64_t))};
	if (qmp_execute(&machine->qmp, "query-block", NULL, command_usec, &all, err) < 0)
		return -1;
	strings_each (path, paths) {
		const struct json *drive = find_drive(all, path);
		const char *device = json_get_text(drive, "device", "");
		const struct json *image = json_get(json_get(drive, "inserted"), "image");
		if (!*device)
			return fail(err, ERROR_BROKEN, "QEMU has no drive for %s", path);
		drives->sizes[drives->devices.count] = json_get_integer(image, "virtual-size", 0);
		strings_add(&drives->devices, device);
	}
	return 0;
}

void snapshot_drives_clear(struct snapshot_drives *drives)
{
	strings_clear(&drives->devices);
	free(drives->sizes);
	*drives = (struct snapshot_drives){0};
}

static void add_action(struct json *actions, const char *device, const char *path)
{
	struct json *action = json_new_object(), *data = json_new_object();

	json_set_text(data, "device", device);
	json_set_text(data, "snapshot-file", path);
	json_set_text(data, "format", "qcow2");
	json_set_text(data, "mode", "existing");
	json_set_text(action, "type", "blockdev-snapshot-sync");
	json_set(action, "data", data);
	json_add(actions, action);
}

/* All disks at once, or none. */
static int switch_disks(struct machine *machine, const struct snapshot_drives *drives,
	const struct strings *layers, struct error *err)
{
	struct json *arguments = json_new_object(), *actions = json_new_list();

	json_set(arguments, "actions", actions);
	for (size_t i = 0; i < drives->devices.count; i++)
		add_action(actions, drives->devices.items[i], layers->items[i]);
	return qmp_execute(&machine->qmp, "transaction", arguments, command_usec, NULL, err);
}

int snapshot_make_layer(struct job *job, const char *path, const char *backing, const char *format,
	int64_t size, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	const char *const words[] = {"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing,
		"-F", format, path, NULL};

	for (size_t i = 0; words[i]; i++)
		strings_add(&arguments, words[i]);
	strings_addf(&arguments, "%lld", (long long)size);
	return child_run(job, "qemu-img", &arguments, "/", err);
}

/* ---- memory ---- */

/* Memory that QEMU shares with us stays where it is. */
static int leave_memory_out(struct machine *machine, struct error *err)
{
	struct json *arguments = json_new_object(), *list = json_new_list();
	struct json *one = json_new_object();

	json_set_text(one, "capability", "x-ignore-shared");
	json_set_bool(one, "state", true);
	json_add(list, one);
	json_set(arguments, "capabilities", list);
	return qmp_execute(
		&machine->qmp, "migrate-set-capabilities", arguments, command_usec, NULL, err);
}

/* COMMAND, migrate or migrate-incoming, with the file STATE. */
static int move_state(struct machine *machine, const char *command, int state, struct error *err)
{
	struct json *arguments = json_new_object();

	json_set_text(arguments, "uri", "fd:kiln-state");
	if (leave_memory_out(machine, err) < 0 ||
		qmp_give_fd(&machine->qmp, state, "kiln-state", err) < 0) {
		json_free(arguments);
		return -1;
	}
	if (qmp_execute(&machine->qmp, command, arguments, command_usec, NULL, err) < 0)
		return -1;
	return qmp_wait_migration(&machine->qmp, migration_usec, err);
}

static int write_memory(
	struct machine *machine, struct guest_memory *memory, int out, struct error *err)
{
	autoclose int state = memfd_create("state", MFD_CLOEXEC);

	if (state < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for the machine's state");
	if (move_state(machine, "migrate", state, err) < 0)
		return -1;
	return guest_memory_write(memory, machine->job, state, out, err);
}

static int run_on(struct machine *machine, struct error *err)
{
	return qmp_execute(&machine->qmp, "cont", NULL, command_usec, NULL, err);
}

/* What QEMU refuses it has not done; where it gave no answer it may have, and nobody knows. */
static int refused(const struct error *err)
{
	return err->kind == ERROR_BROKEN ? 1 : -1;
}

int snapshot_take(struct machine *machine, const struct snapshot_drives *drives,
	const struct strings *layers, struct guest_memory *memory, int out,
	snapshot_stopped *stopped, void *context, bool *switched, struct error *err)
{
	struct error ignored;
	int result = 0;

	*switched = false;
	if (qmp_execute(&machine->qmp, "stop", NULL, command_usec, NULL, err) < 0)
		return refused(err);
	if (stopped && stopped(context, err) < 0)
		result = 1;
	else if (switch_disks(machine, drives, layers, err) < 0)
		result = refused(err);
	*switched = result == 0;
	if (result == 0 && out >= 0 && write_memory(machine, memory, out, err) < 0) {
		qmp_execute(&machine->qmp, "migrate_cancel", NULL, command_usec, NULL, &ignored);
		result = 1;
	}
	if (result < 0)
		return -1;
	/* a machine that stands still is of no use, whatever was written of it */
	return run_on(machine, result ? &ignored : err) < 0 ? -1 : result;
}

int snapshot_restore(struct machine *machine, struct guest_memory *memory, const int *files,
	size_t count, struct error *err)
{
	autoclose int state = memfd_create("state", MFD_CLOEXEC);

	if (state < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for the machine's state");
	if (guest_memory_read(memory, machine->job, files, count, state, err) < 0 ||
		move_state(machine, "migrate-incoming", state, err) < 0)
		return -1;
	return run_on(machine, err);
}
