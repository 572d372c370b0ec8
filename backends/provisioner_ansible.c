/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ansible-playbook on this machine, in the sandbox of shell-local, with this machine's network. It reaches the host itself, by
 * the login of the communicator: keys and the host's key lie in the sandbox's memory only.
 * Source: Packer 1.6.6 provisioner/ansible/provisioner.go.
 */
#include <fcntl.h>
#include <string.h>

#include "backends/ansible.h"
#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/rootfs/host_sandbox.h"
#include "backends/rootfs/sandbox.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

#define FOLDER "/run/kiln/ansible" /* in the sandbox */
#define INVENTORY "packer-provisioner-ansible"
#define LOGIN_BY_PASSWORD                                     \
	"-C -o ControlMaster=auto -o ControlPersist=60s "     \
	"-o PreferredAuthentications=publickey,password,"     \
	"keyboard-interactive -o PasswordAuthentication=yes " \
	"-o KbdInteractiveAuthentication=yes"

enum { REQUIREMENTS_MOST = 1024 * 1024, NOT_FOUND = 127 };

struct ansible {
	struct job *job;
	struct ansible_options options;
	struct communicator_address address;
	struct communicator *sandbox;
	struct json *data;
	char *folder; /* the working folder inside */
	const char *user;
	struct strings environment; /* "env" and NAME=VALUE words, which a command goes behind */
	char *inventory;
};

static void ansible_clear(struct ansible *ansible)
{
	if (ansible->sandbox)
		ansible->sandbox->ops->close(ansible->sandbox);
	json_free(ansible->data);
	free(ansible->folder);
	free(ansible->inventory);
	strings_clear(&ansible->environment);
}

/* ---- what lies in the sandbox ---- */

static int put(struct ansible *ansible, const char *name, mode_t mode, const char *content,
	struct error *err)
{
	autofree char *path = path_join(FOLDER, name);

	return communicator_upload_bytes(
		ansible->sandbox, content, strlen(content), mode, path, err);
}

static int put_keys(struct ansible *ansible, struct error *err)
{
	size_t i = 0;

	strings_each (key, ansible->address.private_keys) {
		autofree char *name = memory_printf("key%zu", i++);
		/* OpenSSH wants the last line's end, which editors may leave out */
		autofree char *ended =
			memory_printf("%s%s", key, text_ends_with(key, "\n") ? "" : "\n");
		int result = put(ansible, name, 0600, ended, err);
		explicit_bzero(ended, strlen(ended));
		if (result < 0)
			return -1;
	}
	return 0;
}

static int put_password(struct ansible *ansible, struct error *err)
{
	CLEANUP(text_clear) struct text askpass = {0};

	if (!ansible->address.password)
		return 0;
	ansible_write_askpass(ansible->address.password, &askpass);
	int result = put(ansible, "askpass", 0700, text_get(&askpass), err);
	explicit_bzero(askpass.data, askpass.size);
	return result;
}

static int put_files(struct ansible *ansible, struct error *err)
{
	CLEANUP(text_clear) struct text config = {0}, known_hosts = {0};
	int code;

	ansible_write_ssh_config(&ansible->address, FOLDER, &config);
	ansible_write_known_hosts(&ansible->address, &known_hosts);
	if (ansible->sandbox->ops->run(ansible->sandbox, "mkdir -p -m 700 " FOLDER, &code, err) < 0)
		return -1;
	if (put(ansible, "ssh_config", 0600, text_get(&config), err) < 0 ||
		put(ansible, "known_hosts", 0600, text_get(&known_hosts), err) < 0 ||
		put_keys(ansible, err) < 0)
		return -1;
	return put_password(ansible, err);
}

/* In inventory_directory, beside its group_vars, or in the sandbox. */
static int put_inventory(struct ansible *ansible, struct error *err)
{
	const struct ansible_options *options = &ansible->options;
	const struct ansible_inventory inventory = {.template = options->inventory_template,
		.alias = options->host_alias,
		.host = ansible->address.host,
		.user = ansible->user,
		.port = ansible->address.port,
		.groups = options->groups,
		.empty_groups = options->empty_groups};
	CLEANUP(text_clear) struct text content = {0};
	autofree char *resolved = NULL;

	if (*options->inventory_file) {
		ansible->inventory = memory_copy_text(options->inventory_file);
		return 0;
	}
	if (*options->inventory_directory &&
		job_resolve(ansible->job, options->inventory_directory, &resolved, err) < 0)
		return -1;
	autofree char *folder = resolved ? path_join(JOB_REPOSITORY, resolved) : NULL;
	ansible->inventory = path_join(folder ? folder : FOLDER, INVENTORY);
	if (ansible_write_inventory(&inventory, ansible->data, &content, err) < 0)
		return -1;
	return communicator_upload_bytes(
		ansible->sandbox, text_get(&content), content.size, 0644, ansible->inventory, err);
}

static void remove_inventory(struct ansible *ansible)
{
	const char *const command[] = {"rm", "-f", ansible->inventory, NULL};
	struct error ignored;
	int code;

	if (*ansible->options.inventory_file || ansible->options.keep_inventory_file ||
		!*ansible->options.inventory_directory)
		return;
	sandbox_execute(ansible->sandbox, command, ansible->folder, &code, &ignored);
}

/* ---- the environment ---- */

/* What the user wants for ansible's ssh stays behind what a login by password needs: ssh obeys the first. */
static void add_user_variable(struct ansible *ansible, const char *pair)
{
	const char *wanted = "ANSIBLE_SSH_ARGS=";

	/* env would take a word without '=' for the program */
	if (*pair == '=' || !strchr(pair, '='))
		return;
	if (ansible->address.password && text_starts_with(pair, wanted))
		strings_addf(&ansible->environment, "%s" LOGIN_BY_PASSWORD " %s", wanted,
			pair + strlen(wanted));
	else
		strings_add(&ansible->environment, pair);
}

static int make_environment(struct ansible *ansible, struct error *err)
{
	struct strings *environment = &ansible->environment;
	const struct json *own = ansible->options.environment;

	strings_add(environment, "env");
	strings_addf(environment, "ANSIBLE_SSH_TRANSFER_METHOD=%s",
		ansible->options.use_sftp ? "sftp" : "smart");
	if (ansible->address.password) {
		strings_add(environment, "SSH_ASKPASS=" FOLDER "/askpass");
		strings_add(environment, "SSH_ASKPASS_REQUIRE=force");
		strings_add(environment, "ANSIBLE_SFTP_BATCH_MODE=False");
		strings_add(environment, "ANSIBLE_SSH_ARGS=" LOGIN_BY_PASSWORD);
	}
	for (size_t i = 0; i < json_count(own); i++) {
		CLEANUP(text_clear) struct text pair = {0};
		if (job_render(json_text(json_item(own, i), ""), ansible->data, &pair, err) < 0)
			return fail_while(err, "ansible_env_vars");
		add_user_variable(ansible, text_get(&pair));
	}
	/* behind the user's: the host's key is known, so templates lose nothing by its check */
	strings_add(environment, "ANSIBLE_HOST_KEY_CHECKING=True");
	strings_add(environment, "ANSIBLE_SSH_COMMON_ARGS=-F " FOLDER "/ssh_config");
	return 0;
}

/* ---- running ---- */

/* ARGUMENTS behind the environment. */
static int run(struct ansible *ansible, const struct strings *arguments, struct error *err)
{
	const char *program = arguments->items[0];
	CLEANUP(strings_clear) struct strings all = {0};
	int code;

	strings_add_all(&all, &ansible->environment);
	strings_add_all(&all, arguments);
	if (sandbox_execute(ansible->sandbox, (const char *const *)all.items, ansible->folder,
		    &code, err) < 0)
		return fail_while(err, "%s", program);
	if (code == NOT_FOUND)
		return fail(err, ERROR_CATALOG,
			"%s is not there: install ansible-core on this machine, or say another "
			"command",
			program);
	return code == 0 ? 0
	                 : fail(err, ERROR_CATALOG, "%s ended with exit code %d", program, code);
}

static int check_version(struct ansible *ansible, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};

	if (ansible->options.skip_version_check)
		return 0;
	strings_add(&arguments, ansible->options.command);
	strings_add(&arguments, "--version");
	return run(ansible, &arguments, err);
}

static int run_galaxy(
	struct ansible *ansible, bool collections, const char *path, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};

	strings_add(&arguments, ansible->options.galaxy_command);
	if (collections)
		strings_add(&arguments, "collection");
	strings_add(&arguments, "install");
	strings_add(&arguments, "-r");
	strings_add(&arguments, ansible->options.galaxy_file);
	if (ansible->options.galaxy_force)
		strings_add(&arguments, "-f");
	if (*path) {
		strings_add(&arguments, "-p");
		strings_add(&arguments, path);
	}
	return run(ansible, &arguments, err);
}

static int install_requirements(struct ansible *ansible, struct error *err)
{
	const struct ansible_options *options = &ansible->options;
	CLEANUP(text_clear) struct text content = {0};
	bool roles, collections;

	if (!*options->galaxy_file)
		return 0;
	autoclose int fd = job_open_path(ansible->job, options->galaxy_file, O_RDONLY, 0, err);
	if (fd < 0 || file_read_fd(fd, REQUIREMENTS_MOST, &content, err) < 0)
		return fail_while(err, "galaxy_file");
	ansible_read_requirements(text_get(&content), &roles, &collections);
	if (roles && run_galaxy(ansible, false, options->roles_path, err) < 0)
		return -1;
	return collections ? run_galaxy(ansible, true, options->collections_path, err) : 0;
}

static void add_variables(struct ansible *ansible, struct strings *arguments)
{
	const struct json *order = ansible->job->order;
	const char *name = json_get_text(order, "build_name", NULL);

	if (name) {
		strings_add(arguments, "-e");
		strings_addf(arguments, "packer_build_name=\"%s\"", name);
	}
	strings_add(arguments, "-e");
	strings_addf(arguments, "packer_builder_type=%s", json_get_text(order, "build_type", ""));
	const char *http = json_get_text(ansible->job->found, "PackerHTTPAddr", NULL);
	if (http) {
		strings_add(arguments, "-e");
		strings_addf(arguments, "packer_http_addr=%s", http);
	}
}

static void add_ssh_arguments(struct ansible *ansible, struct strings *arguments)
{
	const struct json *own = ansible->options.ssh_extra_arguments;
	CLEANUP(text_clear) struct text words = {0};

	for (size_t i = 0; i < json_count(own); i++)
		text_add(&words, json_text(json_item(own, i), ""));
	if (!words.size)
		return;
	strings_add(arguments, "--ssh-extra-args");
	strings_addf(arguments, "'%s'", text_get(&words));
}

static int run_playbook(struct ansible *ansible, struct error *err)
{
	const struct json *more = ansible->options.extra_arguments;
	CLEANUP(strings_clear) struct strings arguments = {0};
	autofree char *resolved = NULL;

	if (job_resolve(ansible->job, ansible->options.playbook_file, &resolved, err) < 0)
		return -1;
	strings_add(&arguments, ansible->options.command);
	add_variables(ansible, &arguments);
	add_ssh_arguments(ansible, &arguments);
	for (size_t i = 0; i < json_count(more); i++) {
		struct text word = {0};
		if (job_render(json_text(json_item(more, i), ""), ansible->data, &word, err) < 0)
			return fail_while(err, "extra_arguments");
		strings_add_taken(&arguments, text_take(&word));
	}
	if (ansible->address.private_keys->count) {
		strings_add(&arguments, "-e");
		strings_add(&arguments, "ansible_ssh_private_key_file=" FOLDER "/key0");
	}
	strings_add(&arguments, "-i");
	strings_add(&arguments, ansible->inventory);
	strings_add_taken(&arguments, path_join(JOB_REPOSITORY, resolved));
	autofree char *said = strings_join(&arguments, " ");
	build_log_say(&ansible->job->log, "running %s", said);
	return run(ansible, &arguments, err);
}

static int run_all(struct ansible *ansible, struct error *err)
{
	if (put_files(ansible, err) < 0 || make_environment(ansible, err) < 0 ||
		check_version(ansible, err) < 0 || install_requirements(ansible, err) < 0 ||
		put_inventory(ansible, err) < 0)
		return -1;
	int result = run_playbook(ansible, err);
	remove_inventory(ansible);
	return result;
}

/*
 * Packer's proxy takes any user and does everything as the communicator's, so that is who logs in; without the proxy the
 * template's user is.
 */
static const char *choose_user(const struct ansible *ansible)
{
	const struct ansible_options *options = &ansible->options;
	const char *own = ansible->address.user;

	if (!*options->user || (own && strcmp(own, options->user) == 0))
		return own;
	if (options->use_proxy && !json_boolean(options->use_proxy, true))
		return options->user;
	build_log_say(&ansible->job->log,
		"user %s is for Packer's proxy: ansible logs in as %s, as the communicator does",
		options->user, own);
	return own;
}

static int provision(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	CLEANUP(ansible_clear) struct ansible ansible = {.job = job, .data = job_data(job)};

	if (!communicator->ops->describe)
		return fail(err, ERROR_CATALOG,
			"ansible needs a host that it reaches by ssh, and this build has none (its "
			"communicator is %s): use ansible-local, which runs in the image",
			communicator->ops->name);
	options_decode(&plugin_provisioner_ansible, options, &ansible.options);
	if (communicator->ops->describe(communicator, &ansible.address, err) < 0)
		return fail_while(err, "ansible cannot reach the host");
	ansible.user = choose_user(&ansible);
	ansible.folder = path_join(JOB_REPOSITORY, *job->directory ? job->directory : ".");
	ansible.sandbox = host_sandbox_open(job, true, err);
	if (!ansible.sandbox)
		return -1;
	ansible.sandbox->deadline_usec = communicator->deadline_usec;
	return run_all(&ansible, err);
}

const struct provisioner provisioner_ansible = {
	.plugin = &plugin_provisioner_ansible,
	.provision = provision,
};
