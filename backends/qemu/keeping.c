/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/keeping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/qemu/rekey.h"
#include "backends/rootfs/layers.h"
#include "backends/ssh/ssh.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

#define LAYERS "machine"

/* ---- keys ---- */

/* A program that was replaced is another QEMU, whatever it calls itself. */
static char *describe_program(const char *program)
{
	CLEANUP(strings_clear) struct strings folders = {0};
	const char *path = getenv("PATH");
	struct stat about;

	strings_split(&folders, strchr(program, '/') ? "" : path ? path : "", ':');
	strings_each (folder, &folders) {
		autofree char *full = memory_printf("%s%s%s", folder, *folder ? "/" : "", program);
		if (stat(full, &about) == 0)
			return memory_printf("%s %lld %lld.%09ld", program,
				(long long)about.st_size, (long long)about.st_mtim.tv_sec,
				about.st_mtim.tv_nsec);
	}
	return memory_copy_text(program);
}

/* The key of what lies behind step INDEX - 1, or behind the boot. */
static void key_behind(
	const struct keeping *keeping, enum checkpoint_kind kind, size_t index, struct digest *key)
{
	struct digest of_kind;

	digest_of(checkpoint_kind_name(kind), strlen(checkpoint_kind_name(kind)), &of_kind);
	layer_next_key(&keeping->root, &of_kind, key);
	for (size_t i = 0; i < index; i++)
		layer_next_key(key, &keeping->steps->items[i].digest, key);
}

/* QEMU's own network is part of what is kept, another one is not. */
static void set_root(struct keeping *keeping, const struct keeping_machine *about)
{
	autofree char *qemu = describe_program(about->program);
	autofree char *firmware =
		about->firmware ? describe_program(about->firmware) : memory_copy_text("");
	autofree char *machine = memory_printf("machine 2\n%s\n%s\n%s%s%s", qemu,
		about->accelerator, about->network_apart ? "network apart\n" : "", firmware,
		about->public_key ? about->public_key : "");
	struct digest of_machine;

	digest_of(machine, strlen(machine), &of_machine);
	layer_next_key(&keeping->root, &of_machine, &keeping->root);
}

/* ---- what to go on from ---- */

/* What a step takes out of the machine is wanted from the machine as it was behind the step before. */
static size_t last_resumable(const struct keeping *keeping)
{
	size_t index = 0;

	while (index < keeping->steps->count) {
		const struct step *step = &keeping->steps->items[index];
		if (!step->keep || (step_leaves_image(step) && !step->provisioner->local))
			break;
		index++;
	}
	return index;
}

static bool find_behind(struct keeping *keeping, enum checkpoint_kind kind, size_t index)
{
	const struct steps *steps = keeping->steps;
	autofree struct checkpoint_age *ages = memory_new((steps->count + 1) * sizeof(*ages));
	size_t count = 0;
	struct digest key;

	for (size_t i = 0; i < index; i++)
		if (steps->items[i].open)
			ages[count++] = (struct checkpoint_age){i, steps->items[i].max_age_sec};
	key_behind(keeping, kind, index, &key);
	return checkpoint_find(&keeping->store, &key, kind, ages, count, &keeping->from) > 0;
}

/* The deepest; of two the one with its memory. */
static void choose(struct keeping *keeping, bool memory, bool disk)
{
	for (size_t index = last_resumable(keeping) + 1; index-- > 0;) {
		if ((memory && find_behind(keeping, CHECKPOINT_KEEP_MEMORY, index)) ||
			(disk && find_behind(keeping, CHECKPOINT_KEEP_DISK, index))) {
			keeping->first = index;
			return;
		}
	}
}

int keeping_open(struct job *job, const struct steps *steps, const struct keeping_machine *machine,
	struct keeping *keeping, struct error *err)
{
	const char *asked = json_get_text(job->order, "checkpoint_kind", "");
	struct error why;

	*keeping = (struct keeping){.job = job,
		.steps = steps,
		.store = {.folder = -1},
		.memory = GUEST_MEMORY_NONE,
		.opened = json_new_list(),
		.vars = machine->firmware_vars,
		.started_usec = moment_elapsed_usec()};
	if (!json_get_boolean(job->order, "checkpoints", true))
		return 0;
	if (!digest_parse(json_get_text(job->order, "root_digest", ""), &keeping->root))
		return fail(err, ERROR_BROKEN, "the order has no root_digest");
	set_root(keeping, machine);
	if (checkpoints_open(job, &keeping->store, &why) < 0) {
		build_log_say(&job->log, "no checkpoints: %s", why.text);
		return 0;
	}
	if (machine->disks_alone)
		asked = "disk";
	keeping->kind = strcmp(asked, "disk") == 0 ? CHECKPOINT_KEEP_DISK : CHECKPOINT_KEEP_MEMORY;
	choose(keeping, keeping->kind == CHECKPOINT_KEEP_MEMORY, strcmp(asked, "memory") != 0);
	if (!keeping_resumes(keeping))
		return 0;
	keeping->kind = keeping->from.kind;
	keeping->below = keeping->from.key;
	keeping->has_below = true;
	keeping->saved_usec = json_get_integer(keeping->from.note, "saved_usec", 0);
	json_free(keeping->opened);
	keeping->opened = json_copy(json_get(keeping->from.note, "opened"));
	build_log_say(&job->log, "going on from the checkpoint (%s) behind %s",
		checkpoint_kind_name(keeping->kind),
		json_get_text(keeping->from.note, "behind", "the boot"));
	return 0;
}

void keeping_close(struct keeping *keeping)
{
	checkpoints_close(&keeping->store);
	checkpoint_clear(&keeping->from);
	snapshot_drives_clear(&keeping->drives);
	guest_memory_close(&keeping->memory);
	strings_clear(&keeping->paths);
	json_free(keeping->opened);
	*keeping = (struct keeping)KEEPING_NONE;
}

void keeping_distrust(struct keeping *keeping)
{
	checkpoint_forget(&keeping->store, &keeping->from.key);
	checkpoint_clear(&keeping->from);
	snapshot_drives_clear(&keeping->drives);
	keeping->first = 0;
	keeping->layered = false;
	keeping->has_below = false;
	keeping->saved_usec = 0;
	json_free(keeping->opened);
	keeping->opened = json_new_list();
}

const char *keeping_host_key(const struct keeping *keeping)
{
	return json_get_text(keeping->from.note, "host_key", NULL);
}

bool keeping_resumes(const struct keeping *keeping)
{
	return keeping->from.kind != CHECKPOINT_KEEP_NONE;
}

/* ---- disks ---- */

/* work/machine/N.disk0: no QEMU names it but the one that runs. */
static char *next_layer(struct keeping *keeping, size_t disk, struct error *err)
{
	autoclose int folder = folder_make_inside(keeping->job->work_fd, LAYERS, 0700, err);

	if (folder < 0)
		return NULL;
	return memory_printf(
		"%s/work/" LAYERS "/%zu.disk%zu", keeping->job->folder, keeping->layer_count, disk);
}

char *keeping_take_base(struct keeping *keeping, int source)
{
	struct digest key;

	key_behind(keeping, keeping->kind, 0, &key);
	return checkpoint_take_base(&keeping->store, &key, source);
}

int keeping_make_disks(struct keeping *keeping, struct strings *paths, struct error *err)
{
	const struct json *sizes = json_get(keeping->from.note, "sizes");
	const char *format = json_get_text(keeping->from.note, "format", "qcow2");

	for (size_t i = 0; i < checkpoint_disk_count(&keeping->from); i++) {
		autofree char *backing = checkpoint_disk_path(&keeping->store, &keeping->from, i);
		char *layer = next_layer(keeping, i, err);
		if (!layer)
			return -1;
		strings_add_taken(paths, layer);
		if (snapshot_make_layer(keeping->job, layer, backing, format,
			    json_integer(json_item(sizes, i), 0), err) < 0)
			return -1;
	}
	keeping->layer_count++;
	keeping->layered = true;
	return keeping->vars
	               ? checkpoint_give_vars(&keeping->store, &keeping->from, keeping->vars, err)
	               : 0;
}

static void stop_keeping(struct keeping *keeping, const struct error *why)
{
	build_log_say(&keeping->job->log, "no checkpoints from here on: %s", why->text);
	keeping->kind = CHECKPOINT_KEEP_NONE;
}

int keeping_share_memory(struct keeping *keeping, struct strings *arguments, struct error *err)
{
	int64_t size;

	guest_memory_close(&keeping->memory);
	if (keeping->kind != CHECKPOINT_KEEP_MEMORY)
		return 0;
	size = guest_memory_size(arguments);
	if (!size) {
		build_log_say(&keeping->job->log,
			"checkpoints are of disks alone: qemuargs say more of the machine's memory "
			"than its size");
		keeping->kind = CHECKPOINT_KEEP_DISK;
		return 0;
	}
	if (guest_memory_open(&keeping->memory, size, err) < 0)
		return -1;
	guest_memory_add(&keeping->memory, MACHINE_MEMORY_FD, arguments);
	return 0;
}

void keeping_begin(struct keeping *keeping, struct machine *machine, const struct strings *paths,
	const char *format)
{
	struct error why;

	strings_clear(&keeping->paths);
	strings_add_all(&keeping->paths, paths);
	keeping->format = format;
	if (keeping->kind != CHECKPOINT_KEEP_NONE &&
		snapshot_find_drives(machine, paths, &keeping->drives, &why) < 0)
		stop_keeping(keeping, &why);
}

const struct strings *keeping_paths(const struct keeping *keeping)
{
	return &keeping->paths;
}

/* ---- going on ---- */

static int restore_memory(struct keeping *keeping, struct machine *machine, struct error *err)
{
	autofree int *files = NULL;
	size_t count;
	int result = checkpoint_open_memory(&keeping->store, &keeping->from, &files, &count, err);

	if (result == 0)
		result = snapshot_restore(machine, &keeping->memory, files, count, err);
	for (size_t i = 0; i < count; i++)
		close(files[i]);
	return result;
}

int keeping_restore(struct keeping *keeping, struct machine *machine, struct error *err)
{
	if (keeping->from.kind == CHECKPOINT_KEEP_MEMORY &&
		restore_memory(keeping, machine, err) < 0)
		return fail_while(err, "going on from a checkpoint");
	for (size_t i = 0; i < keeping->first; i++)
		if (!keeping->steps->items[i].provisioner->local &&
			step_note(keeping->job, &keeping->steps->items[i], "reused", 0, err) < 0)
			return -1;
	return 0;
}

/* ---- keeping ---- */

static struct json *describe(const struct keeping *keeping, const struct step *step,
	const struct communicator *communicator)
{
	struct json *about = json_new_object(), *sizes = json_new_list();

	for (size_t i = 0; i < keeping->paths.count; i++)
		json_add(sizes, json_new_integer(keeping->drives.sizes[i]));
	json_set(about, "sizes", sizes);
	json_set_text(about, "host_key", ssh_host_key(communicator));
	json_set_text(about, "behind", step ? step->label : "the boot");
	json_set(about, "opened", json_copy(keeping->opened));
	json_set_integer(about, "saved_usec",
		keeping->saved_usec + moment_elapsed_usec() - keeping->started_usec);
	return about;
}

/* The layers that the machine goes on with, each above the checkpoint's to come. */
static int make_layers(struct keeping *keeping, const struct digest *key, struct strings *layers,
	struct error *err)
{
	for (size_t i = 0; i < keeping->paths.count; i++) {
		autofree char *backing = checkpoint_new_disk(&keeping->store, key, i);
		char *layer = next_layer(keeping, i, err);
		if (!layer)
			return -1;
		strings_add_taken(layers, layer);
		if (snapshot_make_layer(keeping->job, layer, backing, keeping->format,
			    keeping->drives.sizes[i], err) < 0)
			return -1;
	}
	keeping->layer_count++;
	return 0;
}

static int take_disks(
	struct keeping *keeping, const char *folder, const struct digest *key, struct error *err)
{
	for (size_t i = 0; i < keeping->paths.count; i++) {
		const char *path = keeping->paths.items[i];
		autofree char *full = *path == '/' ? memory_copy_text(path)
		                                   : memory_printf("%s/%s", folder, path);
		if (checkpoint_take_disk(&keeping->store, key, i, full, err) < 0)
			return -1;
	}
	return 0;
}

/* What the guest holds back it writes now. */
static int sync_guest(struct communicator *communicator, struct error *err)
{
	int code;

	return communicator->ops->run(communicator, "sync", &code, err);
}

/* The machine writes to LAYERS now, which are taken over. */
static void go_on_with(struct keeping *keeping, struct strings *layers)
{
	strings_clear(&keeping->paths);
	keeping->paths = *layers;
	*layers = (struct strings){0};
	keeping->format = "qcow2";
	keeping->layered = true;
}

struct standing {
	struct keeping *keeping;
	const struct digest *key;
};

/* While the machine stands still its firmware writes nothing. */
static int take_vars(void *context, struct error *err)
{
	const struct standing *standing = context;

	return checkpoint_take_vars(
		&standing->keeping->store, standing->key, standing->keeping->vars, err);
}

/* As snapshot_take: 1 if the machine runs on but is not kept. */
static int keep(struct keeping *keeping, struct machine *machine, const struct step *step,
	const struct digest *key, struct communicator *communicator, struct error *err)
{
	CLEANUP(strings_clear) struct strings layers = {0};
	autofree char *folder =
		memory_printf("%s/work/tree/%s", keeping->job->folder, keeping->job->directory);
	bool with_memory = keeping->kind == CHECKPOINT_KEEP_MEMORY;
	autoclose int memory = -1;
	bool switched = false;

	if (take_disks(keeping, folder, key, err) < 0 ||
		make_layers(keeping, key, &layers, err) < 0 ||
		(with_memory && checkpoint_new_memory(&keeping->store, key, &memory, err) < 0))
		return 1;
	FAULT("checkpoint-begun");
	struct json *about = describe(keeping, step, communicator);
	struct standing standing = {keeping, key};
	json_set_text(about, "format", keeping->format);
	int result = snapshot_take(machine, &keeping->drives, &layers, &keeping->memory, memory,
		keeping->vars ? take_vars : NULL, &standing, &switched, err);
	if (switched)
		go_on_with(keeping, &layers);
	if (result != 0) {
		json_free(about);
		return result;
	}
	FAULT("checkpoint-taken");
	if (checkpoint_seal(&keeping->store, key, keeping->kind, keeping->paths.count,
		    keeping->vars != NULL, keeping->has_below ? &keeping->below : NULL, about,
		    err) < 0)
		return 1;
	keeping->below = *key;
	keeping->has_below = true;
	return 0;
}

/* Whether the guest can go on from its memory is seen by doing to it what would be done then. */
static void choose_kind(struct keeping *keeping, struct communicator *communicator)
{
	struct error why;

	if (keeping->kind != CHECKPOINT_KEEP_MEMORY || rekey_guest(communicator, &why) == 0)
		return;
	build_log_say(&keeping->job->log, "checkpoints are of disks alone: %s", why.text);
	keeping->kind = CHECKPOINT_KEEP_DISK;
}

static void note_opened(struct keeping *keeping, const struct step *step)
{
	struct json *one = json_new_object();

	json_set_integer(one, "step", step->index);
	json_set_integer(one, "usec", moment_now_usec());
	json_add(keeping->opened, one);
}

int keeping_keep(struct keeping *keeping, struct machine *machine, const struct step *step,
	struct communicator *communicator, struct error *err)
{
	struct error why = {0};
	struct digest key;

	if (step && step->open)
		note_opened(keeping, step);
	if (keeping->kind == CHECKPOINT_KEEP_NONE || !communicator)
		return 0;
	if (step && !step->keep) {
		error_set(&why, ERROR_CATALOG,
			"%s got a secret, and the definition does not let it "
			"be kept",
			step->label);
		stop_keeping(keeping, &why);
		return 0;
	}
	if (!step)
		choose_kind(keeping, communicator);
	if (keeping->kind == CHECKPOINT_KEEP_DISK && sync_guest(communicator, &why) < 0) {
		stop_keeping(keeping, &why);
		return 0;
	}
	key_behind(keeping, keeping->kind, step ? step->index + 1 : 0, &key);
	int result = keep(keeping, machine, step, &key, communicator, &why);
	if (result == 0)
		return 0;
	if (result < 0) {
		*err = why;
		return fail_while(err, "keeping a checkpoint");
	}
	if (job_check(keeping->job, err) < 0)
		return -1;
	stop_keeping(keeping, &why);
	return machine_check(machine, err);
}
