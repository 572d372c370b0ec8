/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The qemu builder: a virtual machine is started from an ISO or a disk image, typed at, provisioned and halted; its disks are the
 * artifact. Source of the order of things: Packer 1.6.6 builder/qemu.
 */
#include "backends/builder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/gate.h"
#include "backends/plugins/all.h"
#include "backends/plugins/ssh_options.h"
#include "backends/qemu/accelerator.h"
#include "backends/qemu/arguments.h"
#include "backends/qemu/bridge.h"
#include "backends/qemu/connect.h"
#include "backends/qemu/console.h"
#include "backends/qemu/disks.h"
#include "backends/qemu/firmware.h"
#include "backends/qemu/found.h"
#include "backends/qemu/halt.h"
#include "backends/qemu/keeping.h"
#include "backends/qemu/key_pair.h"
#include "backends/qemu/network.h"
#include "backends/qemu/port.h"
#include "backends/qemu/rekey.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

#define SSH_TIMEOUT_NSEC ((int64_t)5 * 60 * 1000 * 1000 * 1000)

enum {
	STARTS_MOST = 5,
	VNC_FIRST_PORT = 5900,
	VNC_PASSWORD_SIZE = 8, /* no VNC takes more */
	SSH_PORT = 22,
	COMMAND_USEC = 30 * 1000 * 1000,
};

struct build {
	struct job *job;
	const struct json *json; /* the options as they are */
	struct qemu_options options;
	const struct steps *steps;
	char *name, *output; /* of the machine; of its folder as QEMU names it */
	char *output_path;   /* the same below tree/ */
	char *folder;        /* where QEMU runs, absolute */
	const char *accelerator;
	struct qemu_media media;
	struct firmware firmware;
	char *firmware_vars; /* the machine's own, absolute; NULL: it starts by BIOS */
	struct qemu_disks disks;
	struct keeping keeping;
	struct strings drives; /* what the machine starts with: the disks, or layers of theirs */
	struct ssh_key pair; /* that the build makes, or nothing */
	struct boot_keys keys;
	struct network network; /* of its own, beside QEMU */
	struct machine machine;
	struct ssh_settings ssh;
	int host_port, vnc_port;
	char mac[BRIDGE_MAC_TEXT_SIZE]; /* on a bridge */
};

/* ---- before it starts ---- */

static void name_things(struct build *build)
{
	const char *name = json_get_text(build->job->order, "packer_build_name", "qemu");

	build->name = *build->options.vm_name ? memory_copy_text(build->options.vm_name)
	                                      : memory_printf("packer-%s", name);
	build->output = *build->options.output_directory
	                        ? memory_copy_text(build->options.output_directory)
	                        : memory_printf("output-%s", name);
}

/* The output folder must be new: what is in the repository is no result. */
static int make_output(struct build *build, struct error *err)
{
	struct job *job = build->job;
	const char *below = *job->directory ? job->directory : ".";

	if (job_resolve(job, build->output, &build->output_path, err) < 0)
		return fail_while(err, "output_directory");
	if (build->output_path[0] == '/' || !*build->output_path ||
		strcmp(build->output_path, job->directory) == 0)
		return fail(err, ERROR_CATALOG, "output_directory: %s is not the build's own",
			build->output);
	if (file_exists(job->tree_fd, build->output_path))
		return fail(err, ERROR_CATALOG,
			"output_directory: %s is in the repository: it must not be there before "
			"the build",
			build->output);
	autoclose int output = folder_make_inside(job->tree_fd, build->output_path, 0755, err);
	autoclose int folder = folder_make_inside(job->tree_fd, below, 0755, err);
	if (output < 0 || folder < 0)
		return fail_while(err, "output_directory");
	build->folder = memory_printf("%s/work/tree/%s", job->folder, job->directory);
	if (path_is_within(build->output, JOB_REPOSITORY)) {
		free(build->output);
		build->output = memory_printf("%s/work/tree/%s", job->folder, build->output_path);
	}
	return 0;
}

/* Its address is somebody else's to give. */
static bool is_looked_for(const struct build *build)
{
	return *build->options.net_bridge && !*json_get_text(build->json, "ssh_host", "") &&
	       strcmp(json_get_text(build->json, "communicator", "ssh"), "none") != 0;
}

static int open_checkpoints(struct build *build, struct error *err)
{
	/* a disk above a backing file must stay that: it is not made of layers */
	if (build->options.use_backing_file)
		return 0;
	const struct keeping_machine machine = {build->options.qemu_binary, build->accelerator,
		build->media.http_place != NULL, is_looked_for(build),
		*build->options.efi_code ? NULL : build->firmware.code, build->firmware_vars,
		build->pair.public_text};
	return keeping_open(build->job, build->steps, &machine, &build->keeping, err);
}

/* Its own network leads nowhere; one that qemuargs make is theirs. */
static bool is_closed(const struct build *build)
{
	const struct json *rows = build->options.arguments;
	bool replaced = false;

	for (size_t i = 0; i < json_count(rows); i++)
		replaced |= strcmp(json_text(json_item(json_item(rows, i), 0), ""), "-netdev") == 0;
	return !replaced && !json_get_boolean(build->job->order, "network", false);
}

static int prepare(struct build *build, struct error *err)
{
	struct qemu_options *options = &build->options;

	options_decode(&plugin_builder_qemu, build->json, options);
	name_things(build);
	if (key_pair_make(build->job, build->json, &build->pair, err) < 0 ||
		accelerator_choose(build->job, options->qemu_binary, options->accelerator,
			&build->accelerator, err) < 0 ||
		firmware_find(build->job, options, &build->firmware, err) < 0 ||
		qemu_media_open(build->job, options, is_closed(build), &build->media, err) < 0)
		return -1;
	found_tell_http(build->job, &build->media);
	struct boot_command_data data = {"10.0.2.2", 0, build->name, build->pair.public_text};
	if (build->media.http_ip) {
		data.http_ip = build->media.http_ip;
		data.http_port = build->media.http_port;
	}
	if (boot_command_read(options->boot_command, &data, &build->keys, err) < 0 ||
		make_output(build, err) < 0)
		return -1;
	if (build->firmware.code)
		build->firmware_vars = memory_printf("%s/work/tree/%s/" FIRMWARE_VARS_NAME,
			build->job->folder, build->output_path);
	qemu_disks_name(options, build->folder, build->output, build->name, &build->disks);
	return open_checkpoints(build, err);
}

/* Anew, or as layers above those of a checkpoint. */
static int make_disks(struct build *build, struct error *err)
{
	strings_clear(&build->drives);
	if (keeping_resumes(&build->keeping))
		return keeping_make_disks(&build->keeping, &build->drives, err);
	strings_add_all(&build->drives, &build->disks.paths);
	if (build->firmware_vars &&
		firmware_copy_vars(build->firmware.vars, build->firmware_vars, err) < 0)
		return -1;
	autofree char *under = NULL;
	if (qemu_disks_may_lie_above(&build->options, &build->media))
		under = build->keeping.kind == CHECKPOINT_KEEP_NONE
		                ? memory_copy_text(build->media.source)
		                : keeping_take_base(&build->keeping, build->media.source_fd);
	return qemu_disks_make(
		build->job, &build->options, &build->media, under, &build->disks, err);
}

/* ---- its start ---- */

static bool wants_port(const struct build *build)
{
	return strcmp(json_get_text(build->json, "communicator", "ssh"), "none") != 0 &&
	       !*build->options.net_bridge;
}

static int guest_port(const struct build *build)
{
	return (int)json_get_integer(build->json, "ssh_port", SSH_PORT);
}

static bool wants_vnc(const struct build *build)
{
	return !build->options.disable_vnc &&
	       (build->options.vnc_port_min || build->options.vnc_port_max ||
		       build->options.vnc_use_password);
}

static int choose_ports(struct build *build, struct error *err)
{
	const struct qemu_options *options = &build->options;
	int64_t first =
		options->ssh_host_port_min ? options->ssh_host_port_min : options->host_port_min;
	int64_t last =
		options->ssh_host_port_max ? options->ssh_host_port_max : options->host_port_max;

	if (options->skip_nat_mapping)
		first = last = guest_port(build);
	if (wants_port(build) && port_choose("127.0.0.1", first, last, &build->host_port, err) < 0)
		return -1;
	if (!wants_vnc(build))
		return 0;
	first = options->vnc_port_min ? options->vnc_port_min : VNC_FIRST_PORT;
	last = options->vnc_port_max ? options->vnc_port_max : first + 100;
	return port_choose(options->vnc_bind_address, first, last, &build->vnc_port, err);
}

static int make_arguments(struct build *build, struct strings *arguments, struct error *err)
{
	CLEANUP(strings_clear) struct strings cds = {0};
	autofree char *vnc = memory_printf(
		"%s:%d", build->options.vnc_bind_address, build->vnc_port - VNC_FIRST_PORT);
	struct qemu_setup setup = {.options = &build->options,
		.vm_name = build->name,
		.output_folder = build->output,
		.accelerator = build->accelerator,
		.disks = &build->drives,
		.disk_format = keeping_resumes(&build->keeping) ? "qcow2" : build->options.format,
		.rekeyed = build->keeping.kind == CHECKPOINT_KEEP_MEMORY,
		.waits = build->keeping.from.kind == CHECKPOINT_KEEP_MEMORY,
		.installed = keeping_resumes(&build->keeping),
		.cds = &cds,
		.floppy = build->media.floppy,
		.firmware_code = build->firmware.code,
		.firmware_vars = build->firmware_vars,
		.host_port = build->host_port,
		.guest_port = guest_port(build),
		.vnc = build->vnc_port ? vnc : NULL,
		.http_ip = build->media.http_ip,
		.http_folder = build->media.http_folder,
		.http_port = build->media.http_port,
		.public_key = build->pair.public_text,
		.isolated = is_closed(build),
		.mac = *build->options.net_bridge ? build->mac : NULL,
		.network_fd = build->network.fd >= 0 ? MACHINE_NETWORK_FD : 0,
		.qmp_fd = MACHINE_QMP_FD};

	if (!build->options.disk_image)
		strings_add(&cds, build->media.source);
	strings_add_all(&cds, &build->media.cds);
	return qemu_arguments_make(&setup, arguments, err) < 0
	               ? -1
	               : keeping_share_memory(&build->keeping, arguments, err);
}

static int start_network(struct build *build, bool *port_taken, struct error *err)
{
	struct network_settings settings = {build->media.http_place, build->media.http_port,
		build->host_port, guest_port(build)};

	*port_taken = false;
	network_close(&build->network);
	if (!settings.http_place)
		return 0;
	return network_start(&build->network, build->job, &settings, port_taken, err);
}

static int start_machine(struct build *build, bool *port_taken, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};

	*port_taken = false;
	if (*build->options.net_bridge)
		bridge_choose_mac(build->job, build->options.net_bridge, build->mac);
	if (make_arguments(build, &arguments, err) < 0)
		return -1;
	autofree char *line = strings_join(&arguments, " ");
	build_log_say(&build->job->log, "%s", line);
	int result = machine_start(&build->machine, build->job, &arguments, build->folder,
		build->keeping.memory.fd, build->network.fd, port_taken, err);
	cleanup_close(&build->network.fd); /* it ends when QEMU does */
	return result;
}

/* Another may take the port between our look and QEMU's. */
static int start(struct build *build, struct error *err)
{
	for (int attempt = 0; attempt < STARTS_MOST; attempt++) {
		bool port_taken;
		if (choose_ports(build, err) < 0)
			return -1;
		if (start_network(build, &port_taken, err) == 0 &&
			start_machine(build, &port_taken, err) == 0)
			return 0;
		if (!port_taken || !(build->host_port || build->vnc_port))
			return -1;
		build_log_say(&build->job->log, "%s; another port is tried", err->text);
	}
	return -1;
}

/* ---- while it runs ---- */

/* Whoever may read the log may look at the machine. */
static int set_vnc_password(struct build *build, struct error *err)
{
	unsigned char random[VNC_PASSWORD_SIZE / 2];
	char password[VNC_PASSWORD_SIZE + 1];
	struct json *arguments = json_new_object();

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail_errno(err, ERROR_BROKEN, "no random numbers");
	digest_write_hex(random, sizeof(random), password);
	json_set_text(arguments, "protocol", "vnc");
	json_set_text(arguments, "password", password);
	build_log_say(&build->job->log, "VNC: %s port %d, password %s",
		build->options.vnc_bind_address, build->vnc_port, password);
	return qmp_execute(&build->machine.qmp, "set_password", arguments, COMMAND_USEC, NULL, err);
}

static int64_t timeout_of(const struct build *build)
{
	int64_t nsec = json_get_integer(build->json, "ssh_timeout", 0);

	if (!nsec)
		nsec = json_get_integer(build->json, "ssh_wait_timeout", 0);
	return nsec ? nsec : SSH_TIMEOUT_NSEC;
}

static int connect_guest(struct build *build, struct communicator **communicator, struct error *err)
{
	/* one that has a network of its own making says where it is */
	const char *host = json_get_text(build->json, "ssh_host", "127.0.0.1");
	bool mapped = build->host_port && !build->options.skip_nat_mapping;
	struct qemu_address address = {mapped ? "127.0.0.1" : host,
		mapped ? build->host_port : guest_port(build), keeping_host_key(&build->keeping)};

	char found[BRIDGE_ADDRESS_SIZE];

	ssh_settings_clear(&build->ssh);
	if (is_looked_for(build)) {
		if (bridge_wait_address(&build->machine, build->options.net_bridge,
			    timeout_of(build), found, err) < 0)
			return -1;
		address.host = found;
	}
	if (qemu_connect(&build->machine, build->json, &address, &build->ssh, communicator, err) <
		0)
		return -1;
	found_tell_address(build->job, &build->ssh);
	return 0;
}

/* From its start to where provisioners reach it. */
static int bring_up(struct build *build, struct communicator **communicator, struct error *err)
{
	bool resumes = keeping_resumes(&build->keeping);

	if (start(build, err) < 0)
		return -1;
	FAULT("machine-started");
	if (build->vnc_port && build->options.vnc_use_password && set_vnc_password(build, err) < 0)
		return -1;
	keeping_begin(&build->keeping, &build->machine, &build->drives,
		resumes ? "qcow2" : build->options.format);
	if (resumes ? keeping_restore(&build->keeping, &build->machine, err) < 0
		    : console_type(&build->machine, &build->keys, build->options.boot_wait_nsec,
			      build->options.boot_key_interval_nsec, err) < 0)
		return -1;
	if (resumes)
		FAULT("machine-restored");
	if (connect_guest(build, communicator, err) < 0)
		return -1;
	if (build->keeping.from.kind == CHECKPOINT_KEEP_MEMORY)
		return rekey_guest(*communicator, err);
	return resumes ? 0
	               : keeping_keep(&build->keeping, &build->machine, NULL, *communicator, err);
}

static void close_communicator(struct communicator **communicator)
{
	if (*communicator)
		(*communicator)->ops->close(*communicator);
	*communicator = NULL;
}

/* A checkpoint that is of no use is forgotten, and the next one tried, or none. */
static int bring_up_somehow(
	struct build *build, struct communicator **communicator, struct error *err)
{
	for (;;) {
		if (make_disks(build, err) < 0)
			return -1;
		if (bring_up(build, communicator, err) == 0)
			return 0;
		close_communicator(communicator);
		if (!keeping_resumes(&build->keeping) || err->kind == ERROR_CONFLICT)
			return -1;
		build_log_say(
			&build->job->log, "the checkpoint is of no use: %s; without it", err->text);
		machine_close(&build->machine);
		keeping_distrust(&build->keeping);
	}
}

struct at_work {
	struct build *build;
	struct communicator *communicator;
};

static int keep_step(void *context, const struct step *step, struct error *err)
{
	struct at_work *work = context;

	FAULT("step-done");
	return keeping_keep(
		&work->build->keeping, &work->build->machine, step, work->communicator, err);
}

/*
 * ssh_clear_authorized_keys: the lines that end in the name of the build's key go, of who logs in and of root. As in Packer
 * nothing fails where that cannot be done, but it is said. Source: Packer 1.6.6 communicator's step_cleanup_temp_keys.go.
 */
static int remove_key(struct build *build, struct communicator *communicator, struct error *err)
{
	static const char *const formats[] = {
		"sed -i.bak '/ %s$/d' ~/.ssh/authorized_keys; rm ~/.ssh/authorized_keys.bak",
		"sudo sed -i.bak '/ %s$/d' /root/.ssh/authorized_keys; "
		"sudo rm /root/.ssh/authorized_keys.bak"};
	const char *name = build->pair.public_text
	                           ? ssh_options_key_name(build->json)
	                           : json_get_text(build->json, "temporary_key_pair_name", "");

	if (!communicator || !*name ||
		!json_get_boolean(build->json, "ssh_clear_authorized_keys", false))
		return 0;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		size_t size;
		autofree char *command =
			text_replace(formats[i], strlen(formats[i]), "%s", name, &size);
		int code = 0;
		if (communicator->ops->run(communicator, command, &code, err) < 0)
			return -1;
		if (code)
			build_log_say(&build->job->log,
				"ssh_clear_authorized_keys: exit code %d: %s", code, command);
	}
	return 0;
}

static int provision(struct build *build, struct communicator *communicator, struct error *err)
{
	struct at_work work = {build, communicator};
	struct steps_observer observer = {build->keeping.first, keep_step, &work};
	struct halt_options halt = {
		build->options.shutdown_command, build->options.shutdown_timeout_nsec};

	if (steps_run(build->job, build->steps, communicator, &observer, err) < 0 ||
		remove_key(build, communicator, err) < 0 ||
		gate_look(build->job, communicator, err) < 0)
		return -1;
	machine_watch(&build->machine, false);
	return machine_halt(&build->machine, &halt, communicator, err);
}

static int run(struct build *build, struct error *err)
{
	struct communicator *communicator = NULL;

	if (is_closed(build))
		build_log_say(&build->job->log,
			"the machine reaches no network: the power host-network is not granted");
	int result = bring_up_somehow(build, &communicator, err);
	if (result == 0)
		result = provision(build, communicator, err);
	machine_watch(&build->machine, false);
	if (result < 0) {
		machine_explain(&build->machine, err);
		machine_show_state(&build->machine);
	}
	close_communicator(&communicator);
	machine_close(&build->machine);
	network_close(&build->network);
	FAULT("machine-ended");
	return result;
}

/* ---- the artifact ---- */

/* All files of the folder, as Packer has it: what qemuargs let QEMU write there is among them. */
static int collect(struct build *build, struct artifact *artifact, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (build->firmware_vars && build->options.efi_drop_vars)
		unlink(build->firmware_vars);
	if (folder_list(build->job->tree_fd, build->output_path, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		autofree char *path = memory_printf("%s/%s", build->output_path, name);
		autoclose int fd = file_open_beneath(build->job->tree_fd, path, O_RDONLY, 0);
		if (fd >= 0 && file_sync(fd, path, err) < 0)
			return -1;
		if (fd >= 0)
			artifact_add(artifact, path, NULL, 0);
	}
	artifact->state = json_new_object();
	json_set_text(artifact->state, "diskName", build->name);
	if (*build->options.accelerator)
		json_set_text(artifact->state, "domainType", build->options.accelerator);
	return 0;
}

static int build_all(struct build *build, struct artifact **artifact, struct error *err)
{
	const struct strings *layers = keeping_paths(&build->keeping);

	if (prepare(build, err) < 0 || run(build, err) < 0 || job_check(build->job, err) < 0)
		return -1;
	if ((build->keeping.layered ? qemu_disks_flatten(build->job, &build->options, layers,
					      &build->disks, err)
				    : qemu_disks_finish(build->job, &build->options, &build->media,
					      &build->disks, err)) < 0)
		return -1;
	autofree char *text = memory_printf("VM files in directory: %s", build->output);
	*artifact = artifact_new("transcend.qemu", "VM", text);
	return collect(build, *artifact, err);
}

static void clear(struct build *build)
{
	machine_close(&build->machine);
	network_close(&build->network);
	keeping_close(&build->keeping);
	strings_clear(&build->drives);
	ssh_settings_clear(&build->ssh);
	ssh_key_clear(&build->pair);
	boot_keys_clear(&build->keys);
	qemu_disks_clear(&build->disks);
	qemu_media_clear(&build->media);
	firmware_clear(&build->firmware);
	free(build->firmware_vars);
	free(build->name);
	free(build->output);
	free(build->output_path);
	free(build->folder);
}

static int build_qemu(struct job *job, const struct json *options, const struct steps *steps,
	struct artifact **artifact, struct error *err)
{
	struct build build = {.job = job,
		.json = options,
		.steps = steps,
		.media = {.source_fd = -1},
		.keeping = KEEPING_NONE,
		.network = NETWORK_NONE,
		.machine = MACHINE_NONE};
	CLEANUP(artifact_freep) struct artifact *made = NULL;
	int result = build_all(&build, &made, err);

	clear(&build);
	if (result < 0)
		return -1;
	*artifact = TAKE(made);
	return 0;
}

const struct builder builder_qemu = {
	.plugin = &plugin_builder_qemu,
	.build = build_qemu,
};
