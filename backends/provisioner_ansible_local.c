/* SPDX-License-Identifier: Apache-2.0 */
/* ansible-playbook in the image. Source: Packer 1.6.6 provisioner/ansible-local/provisioner.go. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/shell_script.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"

/* With the build's number: in a shared parent, as Packer has it, the first user over there would keep all others out. */
#define STAGING "/tmp/packer-provisioner-ansible-local"
#define INVENTORY "packer-provisioner-ansible-local"

struct ansible_local {
	struct job *job;
	struct communicator *communicator;
	struct ansible_local_options options;
	char *staging;            /* the folder over there */
	char *inventory;          /* its path */
	struct strings playbooks; /* theirs */
};

static void ansible_local_clear(struct ansible_local *local)
{
	free(local->staging);
	free(local->inventory);
	strings_clear(&local->playbooks);
}

/* COMMAND must end with exit code 0; WHAT is said where it does not. */
static int run(
	struct ansible_local *local, const char *command, const char *what, struct error *err)
{
	struct communicator *communicator = local->communicator;
	int code;

	if (communicator->ops->run(communicator, command, &code, err) < 0)
		return fail_while(err, "%s", what);
	if (code == 127)
		return fail(err, ERROR_CATALOG,
			"%s: not found in the image: install it there by a step before this one",
			what);
	if (code == COMMUNICATOR_DISCONNECTED)
		return fail(err, ERROR_TRANSIENT, "%s: the connection broke", what);
	return code == 0 ? 0 : fail(err, ERROR_CATALOG, "%s ended with exit code %d", what, code);
}

static int make_folder(struct ansible_local *local, const char *path, struct error *err)
{
	autofree char *command = memory_printf("mkdir -p '%s'", path);

	return run(local, command, command, err);
}

static int upload_file(
	struct ansible_local *local, const char *source, const char *destination, struct error *err)
{
	autoclose int fd = job_open_path(local->job, source, O_RDONLY, 0, err);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", source);
	if (!S_ISREG(status.st_mode))
		return fail(err, ERROR_CATALOG, "%s is no file", source);
	return local->communicator->ops->upload(
		local->communicator, fd, status.st_mode & 0777, destination, err);
}

static int upload_folder(
	struct ansible_local *local, const char *source, const char *destination, struct error *err)
{
	autoclose int fd = job_open_path(local->job, source, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0 || make_folder(local, destination, err) < 0)
		return -1;
	return local->communicator->ops->upload_folder(local->communicator, fd, destination, err);
}

/* SOURCE, where one is given, as NAME in the staging folder. */
static int stage_folder(
	struct ansible_local *local, const char *source, const char *name, struct error *err)
{
	autofree char *destination = path_join(local->staging, name);

	return *source && upload_folder(local, source, destination, err) < 0
	               ? fail_while(err, "%s", name)
	               : 0;
}

/* Each as NAME/LAST-NAME. */
static int stage_folders(struct ansible_local *local, const struct json *sources, const char *name,
	struct error *err)
{
	for (size_t i = 0; i < json_count(sources); i++) {
		const char *source = json_text(json_item(sources, i), "");
		autofree char *clean = path_clean(source);
		autofree char *path = path_join(name, path_name(clean));
		if (stage_folder(local, source, path, err) < 0)
			return -1;
	}
	return 0;
}

/* SOURCE as its last name. The path over there, for the caller to free, in *STAGED. */
static int stage_file(
	struct ansible_local *local, const char *source, char **staged, struct error *err)
{
	autofree char *path = path_join(local->staging, path_name(source));

	if (upload_file(local, source, path, err) < 0)
		return fail_while(err, "%s", source);
	*staged = TAKE(path);
	return 0;
}

/* One of playbook_files: in playbook_dir it is there already; any other keeps its folders. */
static int stage_playbook(struct ansible_local *local, const char *source, struct error *err)
{
	const char *folder = local->options.playbook_dir;
	autofree char *resolved = NULL, *resolved_folder = NULL;

	if (job_resolve(local->job, source, &resolved, err) < 0 ||
		(*folder && job_resolve(local->job, folder, &resolved_folder, err) < 0))
		return -1;
	bool inside = *folder && path_is_within(resolved, resolved_folder);
	const char *rest = resolved + (inside ? strlen(resolved_folder) : 0);
	autofree char *path = path_join(local->staging, rest + (*rest == '/'));
	autofree char *parent = path_folder(path);
	if (!inside &&
		(make_folder(local, parent, err) < 0 || upload_file(local, source, path, err) < 0))
		return fail_while(err, "%s", source);
	strings_add(&local->playbooks, path);
	return 0;
}

static int stage_playbooks(struct ansible_local *local, struct error *err)
{
	const struct ansible_local_options *options = &local->options;
	char *staged = NULL;

	if (*options->playbook_file) {
		if (stage_file(local, options->playbook_file, &staged, err) < 0)
			return -1;
		strings_add_taken(&local->playbooks, staged);
	}
	for (size_t i = 0; i < json_count(options->playbook_files); i++)
		if (stage_playbook(
			    local, json_text(json_item(options->playbook_files, i), ""), err) < 0)
			return -1;
	return 0;
}

static int stage_inventory(struct ansible_local *local, struct error *err)
{
	const struct json *groups = local->options.inventory_groups;
	CLEANUP(text_clear) struct text content = {0};

	if (*local->options.inventory_file)
		return stage_file(local, local->options.inventory_file, &local->inventory, err);
	for (size_t i = 0; i < json_count(groups); i++)
		text_addf(&content, "[%s]\n127.0.0.1\n", json_text(json_item(groups, i), ""));
	if (!content.size)
		text_add(&content, "127.0.0.1");
	local->inventory = path_join(local->staging, INVENTORY);
	return communicator_upload_bytes(
		local->communicator, text_get(&content), content.size, 0644, local->inventory, err);
}

static int stage(struct ansible_local *local, struct error *err)
{
	const struct ansible_local_options *options = &local->options;

	build_log_say(&local->job->log, "putting playbooks into %s", local->staging);
	if (*options->playbook_dir
			? upload_folder(local, options->playbook_dir, local->staging, err) < 0
			: make_folder(local, local->staging, err) < 0)
		return fail_while(err, "the staging folder");
	if (stage_playbooks(local, err) < 0 || stage_inventory(local, err) < 0 ||
		stage_folder(local, options->group_vars, "group_vars", err) < 0 ||
		stage_folder(local, options->host_vars, "host_vars", err) < 0 ||
		stage_folders(local, options->role_paths, "roles", err) < 0)
		return -1;
	return stage_folders(local, options->playbook_paths, "playbooks", err);
}

static int run_galaxy(struct ansible_local *local, struct error *err)
{
	const struct ansible_local_options *options = &local->options;
	autofree char *requirements = NULL;

	if (!*options->galaxy_file)
		return 0;
	if (stage_file(local, options->galaxy_file, &requirements, err) < 0)
		return -1;
	autofree char *command = memory_printf("cd %s && %s install -r %s -p %s/roles",
		local->staging, options->galaxy_command, requirements, local->staging);
	build_log_say(&local->job->log, "running %s", command);
	return run(local, command, options->galaxy_command, err);
}

static int run_playbook(struct ansible_local *local, const char *playbook, struct error *err)
{
	const struct job *job = local->job;
	const char *name = json_get_text(job->order, "build_name", NULL);
	const struct json *more = local->options.extra_arguments;
	CLEANUP(text_clear) struct text command = {0};

	text_addf(&command, "cd %s && %s %s --extra-vars \"", local->staging,
		local->options.command, playbook);
	if (name)
		text_addf(&command, "packer_build_name=%s ", name);
	text_addf(&command, "packer_builder_type=%s", json_get_text(job->order, "build_type", ""));
	const char *http = json_get_text(job->found, "PackerHTTPAddr", NULL);
	if (http)
		text_addf(&command, " packer_http_addr=%s", http);
	text_add(&command, "\"");
	for (size_t i = 0; i < json_count(more); i++)
		text_addf(&command, " %s", json_text(json_item(more, i), ""));
	text_addf(&command, " -c local -i %s", local->inventory);
	build_log_say(&local->job->log, "running %s", text_get(&command));
	return run(local, text_get(&command), local->options.command, err);
}

static int run_all(struct ansible_local *local, struct error *err)
{
	if (stage(local, err) < 0 || run_galaxy(local, err) < 0)
		return -1;
	strings_each (playbook, &local->playbooks)
		if (run_playbook(local, playbook, err) < 0)
			return -1;
	if (!local->options.clean_staging_directory)
		return 0;
	autofree char *command = memory_printf("rm -rf '%s'", local->staging);
	return run(local, command, command, err);
}

static int provision(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	CLEANUP(ansible_local_clear)
	struct ansible_local local = {.job = job, .communicator = communicator};

	options_decode(&plugin_provisioner_ansible_local, options, &local.options);
	local.staging =
		*local.options.staging_directory
			? memory_copy_text(local.options.staging_directory)
			: memory_printf(STAGING "-%d", shell_script_number(job, communicator));
	return run_all(&local, err);
}

const struct provisioner provisioner_ansible_local = {
	.plugin = &plugin_provisioner_ansible_local,
	.provision = provision,
};
