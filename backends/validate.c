/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/validate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/artifact.h"
#include "backends/gate.h"
#include "backends/late_archive.h"
#include "backends/qemu/boot_check.h"
#include "backends/rootfs/oci.h"
#include "backends/rootfs/sandbox.h"
#include "backends/rootfs/tree.h"
#include "backends/rootfs/userns.h"
#include "backends/shell_local.h"
#include "backends/plugins/all.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

enum { TIMEOUT_SEC = 3600 }; /* of one validator, where it says nothing */

/* ---- the finished layers ---- */

/* The trees that the build left, named in its journal, if all of them are still there. */
static bool find_trees(struct job *job, struct strings *layers)
{
	json_get_texts(job->order, "trees", layers);
	strings_each (layer, layers) {
		bool own = text_starts_with(layer, "work/");
		const char *name = strchr(layer, '/') + 1;
		if (!file_exists(own ? job->work_fd : job->trees_fd, name)) {
			strings_clear(layers);
			return false;
		}
	}
	return layers->count != 0;
}

struct unpacking {
	struct tree_unpack unpack;
	const int *archives;
	size_t count;
};

static int unpack_all(void *context, struct error *err)
{
	struct unpacking *unpacking = context;

	for (size_t i = 0; i < unpacking->count; i++) {
		unpacking->unpack.archive = unpacking->archives[i];
		if (tree_unpack(&unpacking->unpack, err) < 0)
			return -1;
	}
	return 0;
}

static int unpack_into_tree(
	struct job *job, const int *archives, size_t count, bool layers, struct error *err)
{
	struct unpacking unpacking = {.archives = archives, .count = count};

	if (job->userns < 0)
		job->userns = userns_new(&job->ids, err);
	if (job->userns < 0 ||
		userns_remove(job->userns, &job->ids, job->work_fd, "finished", err) < 0 ||
		userns_make_folder(&job->ids, job->work_fd, "finished", 0755, err) < 0)
		return -1;
	autoclose int folder = folder_open(job->work_fd, "finished", err);
	if (folder < 0)
		return -1;
	unpacking.unpack = (struct tree_unpack){.folder = folder,
		.epoch = INT64_MAX,
		.owners = job->ids.many,
		.apply_layer = layers};
	if (late_load_archive(err) < 0)
		return -1;
	return userns_run(job->userns, &job->ids, unpack_all, &unpacking, err);
}

/* The folder of the artifact's files, wherever they are: the build's, or a version's that is checked again. */
static int open_files(struct job *job, struct error *err)
{
	const char *folder = json_get_text(job->order, "artifact_folder", NULL);
	const struct json *files = json_get(job_order(job, "artifact"), "files");

	if (folder)
		return folder_open(AT_FDCWD, folder, err);
	const struct json *first = json_item(files, 0);
	const char *path = json_get_text(first, "path", ""),
		   *name = json_get_text(first, "name", "");
	/* path = FOLDER/name */
	size_t size = strlen(path) - strlen(name);
	autofree char *below = memory_copy_bytes(path, size);
	return folder_make_inside(job->tree_fd, below, 0755, err);
}

static int unpack_artifact(struct job *job, struct error *err)
{
	const struct json *files = json_get(job_order(job, "artifact"), "files");
	autoclose int folder = open_files(job, err);
	struct oci_image image;
	int result;

	if (folder < 0)
		return -1;
	if (!oci_is_layout(folder)) {
		const char *name = json_get_text(json_item(files, 0), "name", "");
		autoclose int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return fail_errno(err, ERROR_BROKEN, "the artifact %s", name);
		return unpack_into_tree(job, &fd, 1, false, err);
	}
	if (oci_read(folder, &image, err) < 0)
		return -1;
	autofree int *archives = memory_new((image.count + 1) * sizeof(int));
	size_t opened = 0;
	for (; opened < image.count; opened++)
		if ((archives[opened] = oci_open_layer(&image, opened, err)) < 0)
			break;
	result = opened == image.count ? unpack_into_tree(job, archives, opened, true, err) : -1;
	while (opened)
		close(archives[--opened]);
	oci_image_clear(&image);
	return result;
}

static int find_finished(struct job *job, struct strings *layers, struct error *err)
{
	if (strcmp(json_get_text(job->order, "build_type", ""), "rootfs") != 0)
		return fail(err, ERROR_CATALOG, "run checks root file systems, and this is none");
	if (find_trees(job, layers))
		return 0;
	strings_add(layers, "work/finished");
	return unpack_artifact(job, err);
}

/* ---- validators ---- */

static int64_t timeout_of(const struct json *entry)
{
	int64_t sec = TIMEOUT_SEC;

	duration_parse(json_get_text(entry, "timeout", ""), &sec);
	return sec;
}

static int run_commands(
	struct job *job, const struct json *entry, struct communicator *sandbox, struct error *err)
{
	const struct json *commands = json_get(entry, "inline");

	sandbox->deadline_usec = moment_elapsed_usec() + timeout_of(entry) * 1000000;
	for (size_t i = 0; i < json_count(commands); i++) {
		const char *command = json_text(json_item(commands, i), "");
		int code;
		build_log_say(&job->log, "$ %s", command);
		if (sandbox->ops->run(sandbox, command, &code, err) < 0)
			return fail_while(err, "%s", command);
		if (code != 0)
			return fail(
				err, ERROR_CATALOG, "'%s' ended with exit code %d", command, code);
	}
	return 0;
}

static int check_run(struct job *job, const struct json *entry, struct error *err)
{
	CLEANUP(strings_clear) struct strings layers = {0};
	struct sandbox_options options = {.kind = SANDBOX_READ_ONLY, .layers = &layers};

	if (find_finished(job, &layers, err) < 0)
		return -1;
	struct communicator *sandbox = sandbox_open(job, &options, err);
	if (!sandbox)
		return -1;
	int result = run_commands(job, entry, sandbox, err);
	sandbox->ops->close(sandbox);
	return result;
}

static int check_checksum(struct job *job, const struct json *entry, struct error *err)
{
	const struct json *files = json_get(job_order(job, "artifact"), "files");
	const char *wanted = json_get_text(entry, "sha256", "");
	const char *file = json_get_text(entry, "file", NULL);

	if (!file && json_count(files) != 1)
		return fail(err, ERROR_CATALOG, "the artifact has %zu files: say which with `file`",
			json_count(files));
	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *one = json_item(files, i);
		const char *is = json_get_text(one, "sha256", "");
		if (file && strcmp(file, json_get_text(one, "name", "")) != 0)
			continue;
		if (text_equal_case(is, wanted))
			return 0;
		return fail(err, ERROR_CATALOG, "%s is sha256 %s, not %s",
			json_get_text(one, "name", ""), is, wanted);
	}
	return fail(err, ERROR_CATALOG, "the artifact has no file %s", file);
}

static int check_shell_local(struct job *job, const struct json *entry, struct error *err)
{
	struct shell_local_options options;
	autojson struct json *said = json_new_object();
	int64_t of_job = job->deadline_usec;
	int64_t deadline = moment_elapsed_usec() + timeout_of(entry) * 1000000;

	if (published_lay_out(job, err) < 0)
		return -1;
	json_set(said, "inline", json_copy(json_get(entry, "inline")));
	json_set_text(said, "inline_shebang", "/bin/sh -e");
	json_set_text(said, "env_var_format", "%s='%s' ");
	struct json *codes = json_new_list(), *command = json_new_list();
	json_add(codes, json_new_integer(0));
	json_set(said, "valid_exit_codes", codes);
	json_add_text(command, "/bin/sh");
	json_add_text(command, "-c");
	json_add_text(command, "{{.Vars}} {{.Script}}");
	json_set(said, "execute_command", command);
	options_decode(&plugin_provisioner_shell_local, said, &options);
	if (!of_job || deadline < of_job)
		job->deadline_usec = deadline;
	int result = shell_local_run(job, &options, false, err);
	job->deadline_usec = of_job;
	return result;
}

static const struct {
	const char *type;
	int (*check)(struct job *job, const struct json *entry, struct error *err);
} validators[] = {
	{"run", check_run},
	{"checksum", check_checksum},
	{"shell-local", check_shell_local},
	{"boot", boot_check},
};

static int check_one(struct job *job, const struct json *entry, struct error *err)
{
	const char *type = json_get_text(entry, "type", "");

	for (size_t i = 0; i < sizeof(validators) / sizeof(*validators); i++)
		if (strcmp(validators[i].type, type) == 0)
			return validators[i].check(job, entry, err);
	return fail(err, ERROR_BROKEN, "there is no driver for the validator %s", type);
}

int validate_artifact(struct job *job, struct error *err)
{
	const struct json *entries = job_order(job, "validate");

	if (gate_check(job, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(entries); i++) {
		const struct json *entry = json_item(entries, i);
		char label[128];
		snprintf(label, sizeof(label), "validate %zu (%s)", i + 1,
			json_get_text(entry, "type", ""));
		if (job_check(job, err) < 0)
			return -1;
		job->log.step = label;
		int result = check_one(job, entry, err);
		build_log_flush(&job->log);
		if (result < 0)
			build_log_say(&job->log, "failed: %s", err->text);
		job->log.step = NULL;
		if (result < 0)
			return fail_while(err, "%s", label);
	}
	return 0;
}
