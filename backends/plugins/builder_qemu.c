/* SPDX-License-Identifier: Apache-2.0 */
/* Source of names, defaults and rules: Packer 1.6.6 builder/qemu/config.go. */
#include "backends/plugins/all.h"

#include <string.h>

#include "backends/plugins/groups.h"
#include "backends/plugins/native.h"
#include "backends/plugins/qemu_switches.h"
#include "backends/plugins/rules.h"
#include "backends/plugins/ssh_options.h"
#include "backends/qemu/boot_command.h"
#include "base/memory.h"

#define AT(member) .offset = offsetof(struct qemu_options, member)

static const struct plugin_option img_args[] = {
	{"convert", OPTION_TEXTS},
	{"create", OPTION_TEXTS},
	{"resize", OPTION_TEXTS},
	{0},
};

static const struct plugin_option own[] = {
	{"iso_url", OPTION_TEXT, PATH_URL, .source_image = true, AT(iso_url),
		.help = "where the ISO or disk image is: a path, or catalog:NAME"},
	{"iso_urls", OPTION_TEXTS, PATH_URL, .source_image = true, AT(iso_urls),
		.help = "the same, tried in their order"},
	{"iso_checksum", OPTION_TEXT, PATH_CHECKSUM, .check = CHECK_CHECKSUMS, AT(iso_checksum),
		.help = "its checksum: TYPE:HEX, HEX, file:URL or none"},
	{"iso_target_path", OPTION_TEXT, AT(iso_target_path),
		.help = "where Packer keeps a download; kiln has a cache of its own"},
	{"iso_target_extension", OPTION_TEXT, .fallback = "iso", AT(iso_target_extension),
		.help = "what the name of such a download ends in; not used"},
	{"iso_skip_cache", OPTION_BOOL, AT(iso_skip_cache),
		.help = "keep a download in the build's own folder only"},
	{"floppy_files", OPTION_TEXTS, PATH_PATTERN, AT(floppy_files),
		.help = "files for the floppy disk, all in its root"},
	{"floppy_dirs", OPTION_TEXTS, PATH_PATTERN, AT(floppy_dirs),
		.help = "folders for the floppy disk, as they are"},
	{"floppy_label", OPTION_TEXT, .fallback = "packer", AT(floppy_label),
		.help = "the floppy disk's label"},
	{"cd_files", OPTION_TEXTS, PATH_PATTERN, AT(cd_files),
		.help = "files and folders for a CD of their own"},
	{"cd_label", OPTION_TEXT, .fallback = "packer", AT(cd_label), .help = "that CD's label"},
	{"http_directory", OPTION_TEXT, PATH_FOLDER, .optional_path = true, AT(http_directory),
		.help = "a folder that the machine can fetch files from; without the power "
			"host-network it is all that a machine reaches"},
	{"http_port_min", OPTION_INTEGER, .fallback = "8000", AT(http_port_min),
		.help = "the first port that may be used for that"},
	{"http_port_max", OPTION_INTEGER, .fallback = "9000", AT(http_port_max),
		.help = "the last one"},
	{"http_bind_address", OPTION_TEXT, .power = POWER_HOST_NETWORK, .fallback = "0.0.0.0",
		AT(http_bind_address),
		.help = "the address that it is served at; unless given, where the machine "
			"reaches it and nobody else"},
	{"http_interface", OPTION_TEXT, AT(http_interface),
		.help = "the network interface whose address the machine is told"},
	{"boot_wait", OPTION_DURATION, .fallback = "10s", AT(boot_wait_nsec),
		.help = "how long to wait after the start before typing"},
	{"boot_command", OPTION_TEXTS, .late = true, AT(boot_command),
		.help = "what is typed at the machine's keyboard; <enter>, <wait5> and the like "
			"are keys and pauses"},
	{"boot_key_interval", OPTION_DURATION, .fallback = "100ms", AT(boot_key_interval_nsec),
		.help = "the pause after each key that goes down or up"},
	{"boot_keygroup_interval", OPTION_DURATION, AT(boot_keygroup_interval_nsec),
		.help = "not used here, as in Packer's qemu builder"},
	{"shutdown_command", OPTION_TEXT, AT(shutdown_command),
		.help = "what halts the machine when all is done; without it the power button is "
			"pressed"},
	{"shutdown_timeout", OPTION_DURATION, .fallback = "5m", AT(shutdown_timeout_nsec),
		.help = "how long the machine may take to halt"},
	{"accelerator", OPTION_TEXT, AT(accelerator),
		.help = "kvm, tcg or none; without it kvm where a machine runs under it, else tcg"},
	{"machine_type", OPTION_TEXT, .power = POWER_QEMU_ARGS, .harmless = qemu_word_is_harmless,
		.fallback = "pc", AT(machine_type),
		.help = "QEMU's machine type; with options of it the power qemu-args is needed"},
	{"cpus", OPTION_INTEGER, .fallback = "1", AT(cpus), .help = "processors"},
	{"cpu_model", OPTION_TEXT, .later = true, .power = POWER_QEMU_ARGS,
		.harmless = qemu_word_is_harmless, AT(cpu_model),
		.help = "the model of the processors, host for those of this machine"},
	{"sockets", OPTION_INTEGER, .later = true, AT(sockets),
		.help = "sockets of processors; as many as there are unless given"},
	{"cores", OPTION_INTEGER, .later = true, AT(cores), .help = "cores of each socket"},
	{"threads", OPTION_INTEGER, .later = true, AT(threads), .help = "threads of each core"},
	{"efi_boot", OPTION_BOOL, .later = true, AT(efi_boot),
		.help = "start by UEFI (OVMF), in place of BIOS"},
	{"efi_firmware_code", OPTION_TEXT, PATH_FILE, .later = true, AT(efi_code),
		.help = "the firmware; that of Debian's package ovmf unless given"},
	{"efi_firmware_vars", OPTION_TEXT, PATH_FILE, .later = true, AT(efi_vars),
		.help = "what its variables begin as; the machine's own are efivars.fd beside its "
			"disks"},
	{"efi_drop_efivars", OPTION_BOOL, .later = true, AT(efi_drop_vars),
		.help = "the machine's variables are no part of the result"},
	{"memory", OPTION_INTEGER, .fallback = "512", AT(memory_mb),
		.help = "memory in MiB; below 10 it is 512"},
	{"net_device", OPTION_TEXT, .power = POWER_QEMU_ARGS, .harmless = qemu_word_is_harmless,
		.fallback = "virtio-net", AT(net_device), .help = "the network card"},
	{"net_bridge", OPTION_TEXT, .power = POWER_HOST_NETWORK, AT(net_bridge),
		.help = "a bridge of this machine to connect to, in place of a network of its own; "
			"unless ssh_host says where the machine is, its address is looked for "
			"among the kernel's neighbours"},
	{"qemu_binary", OPTION_TEXT, .power = POWER_QEMU_ARGS, .harmless = qemu_program_is_harmless,
		.fallback = "qemu-system-x86_64", AT(qemu_binary),
		.help = "the program; the power qemu-args is needed for what is not called "
			"qemu-system-..."},
	{"qemuargs", OPTION_ROWS, PATH_WORDS, .check = CHECK_NOTHING, .late = true,
		.power = POWER_QEMU_ARGS, .harmless = qemu_arguments_are_harmless, AT(arguments),
		.help = "more arguments for QEMU, each switch in place of kiln's of that name; the "
			"power qemu-args is needed but for harmless ones"},
	{"vm_name", OPTION_TEXT, AT(vm_name),
		.help = "the machine's and the disk's name; packer-BUILDNAME unless given"},
	{"headless", OPTION_BOOL, AT(headless), .help = "kiln never opens a window"},
	{"display", OPTION_TEXT, AT(display), .help = "not used: kiln never opens a window"},
	{"use_default_display", OPTION_BOOL, AT(use_default_display), .help = "not used"},
	{"disable_vnc", OPTION_BOOL, AT(disable_vnc),
		.help = "no VNC, also where another option asks for it"},
	{"vnc_bind_address", OPTION_TEXT, .power = POWER_HOST_NETWORK, .fallback = "127.0.0.1",
		AT(vnc_bind_address), .help = "where VNC listens"},
	{"vnc_use_password", OPTION_BOOL, AT(vnc_use_password), .help = "VNC wants a password"},
	{"vnc_port_min", OPTION_INTEGER, AT(vnc_port_min),
		.help = "the first port for VNC; without a port there is no VNC"},
	{"vnc_port_max", OPTION_INTEGER, AT(vnc_port_max), .help = "the last one"},
	{"qmp_enable", OPTION_BOOL, AT(qmp_enable),
		.help = "a control socket for others; kiln has one of its own"},
	{"qmp_socket_path", OPTION_TEXT, PATH_OUTPUT, AT(qmp_socket_path),
		.help = "where it is; OUTPUT/NAME.monitor unless given"},
	{"disk_size", OPTION_TEXT, .fallback = "40960M", AT(disk_size),
		.help = "the disk's size, in MiB unless a letter b, k, m, g or t follows"},
	{"disk_additional_size", OPTION_TEXTS, AT(additional_sizes),
		.help = "more disks of these sizes"},
	{"disk_interface", OPTION_TEXT, .fallback = "virtio", AT(disk_interface),
		.help = "ide, scsi, virtio or virtio-scsi"},
	{"disk_cache", OPTION_TEXT, .fallback = "writeback", AT(disk_cache),
		.help = "writethrough, writeback, none, unsafe or directsync"},
	{"disk_discard", OPTION_TEXT, .fallback = "ignore", AT(disk_discard),
		.help = "unmap or ignore"},
	{"disk_detect_zeroes", OPTION_TEXT, .fallback = "off", AT(disk_detect_zeroes),
		.help = "unmap, on or off"},
	{"format", OPTION_TEXT, .fallback = "qcow2", AT(format),
		.help = "the disk's format: qcow2 or raw"},
	{"disk_image", OPTION_BOOL, AT(disk_image),
		.help = "iso_url is a disk that boots, not an ISO"},
	{"use_backing_file", OPTION_BOOL, AT(use_backing_file),
		.help = "the disk holds only what differs from that of iso_url"},
	{"skip_resize_disk", OPTION_BOOL, AT(skip_resize),
		.help = "leave the size of a disk_image as it is"},
	{"skip_compaction", OPTION_BOOL, AT(skip_compaction),
		.help = "do not write the disk anew at the end"},
	{"disk_compression", OPTION_BOOL, AT(compress), .help = "write it compressed"},
	{"qemu_img_args", OPTION_BLOCK, .block = img_args, .power = POWER_QEMU_ARGS,
		AT(image_arguments),
		.help = "more arguments for qemu-img: create, convert, resize"},
	{"cdrom_interface", OPTION_TEXT, AT(cdrom_interface),
		.help = "what CDs hang on; QEMU chooses unless given"},
	{"host_port_min", OPTION_INTEGER, .fallback = "2222", AT(host_port_min),
		.help = "the first port of 127.0.0.1 that may lead to the machine"},
	{"host_port_max", OPTION_INTEGER, .fallback = "4444", AT(host_port_max),
		.help = "the last one"},
	{"ssh_host_port_min", OPTION_INTEGER, AT(ssh_host_port_min),
		.help = "the old name of host_port_min"},
	{"ssh_host_port_max", OPTION_INTEGER, AT(ssh_host_port_max),
		.help = "the old name of host_port_max"},
	{"skip_nat_mapping", OPTION_BOOL, AT(skip_nat_mapping),
		.help = "no other port leads to the machine than its own number"},
	{"run_once", OPTION_BOOL, AT(run_once), .help = "not used"},
	{"output_directory", OPTION_TEXT, PATH_OUTPUT, .check = CHECK_ABSENT, AT(output_directory),
		.help = "the folder of the disks; output-BUILDNAME unless given"},
	{0},
};

/* Source: Packer 1.6.6 builder/qemu/config.go, Prepare. */
static const struct plugin_rule rules[] = {
	{RULE_ONE, "iso_url iso_urls"},
	ISO_RULES("", "!iso_skip_cache"),
	{RULE_MATCHES, "disk_size", "^[0-9]+[bkmgtBKMGT]?$"},
	{RULE_CHOICE, "format", "qcow2|raw"},
	{RULE_NEEDS, "disk_image", .when = "use_backing_file"},
	{RULE_CHOICE, "format", "qcow2", .when = "use_backing_file"},
	{RULE_FORBIDS, "skip_resize_disk", .when = "!disk_image",
		.why = "disk_image must be true for it"},
	{RULE_CHOICE, "accelerator", "none|kvm|tcg|xen|hax|hvf|whpx"},
	{RULE_CHOICE, "disk_interface", "ide|scsi|virtio|virtio-scsi"},
	{RULE_CHOICE, "disk_cache", "writethrough|writeback|none|unsafe|directsync"},
	{RULE_CHOICE, "disk_discard", "unmap|ignore"},
	{RULE_CHOICE, "disk_detect_zeroes", "unmap|on|off"},
	/* no fallback in the table: with a port there is VNC */
	{RULE_ORDER, "vnc_port_min vnc_port_max", .when = "vnc_port_min vnc_port_max"},
	{RULE_RANGE, "vnc_port_max", "5900 65535", .when = "!vnc_port_min"},
	{RULE_RANGE, "vnc_port_min", "-999999999 6000", .when = "!vnc_port_max"},
	{RULE_RANGE, "host_port_min ssh_host_port_min", "0 65535"},
	{RULE_TOGETHER, "efi_firmware_code efi_firmware_vars"},
	{RULE_RANGE, "sockets cores threads", "0 4096"},
	{0},
};

/* ---- what no table says ---- */

/* "40960M", "20g", "0", "": a number, in MiB unless one of bkmgt follows. */
static bool is_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!*text)
		return true;
	return digits &&
	       (!text[digits] || (strchr("bkmgtBKMGT", text[digits]) && !text[digits + 1]));
}

static bool are_sizes(const struct json *sizes)
{
	for (size_t i = 0; i < json_count(sizes); i++)
		if (!is_size(json_text(json_item(sizes, i), "")))
			return false;
	return true;
}

/* What becomes part of a file's name or of an argument: neither may it leave its folder nor end its argument. */
static int check_names(const struct json *options, struct error *err)
{
	const char *name = json_get_text(options, "vm_name", "");
	const char *folder = json_get_text(options, "output_directory", "");
	const char *bridge = json_get_text(options, "net_bridge", "");
	const char *address = json_get_text(options, "vnc_bind_address", "");

	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(err, ERROR_CATALOG, "vm_name: '%s' cannot be a file's name", name);
	if (strpbrk(bridge, ",=") || strpbrk(address, ",=/"))
		return fail(err, ERROR_CATALOG,
			"net_bridge, vnc_bind_address: no ',', '=' or '/' may be in them");
	if (folder[strspn(folder, "./")] == '\0' && *folder)
		return fail(err, ERROR_CATALOG, "output_directory: '%s' is not the build's own",
			folder);
	return 0;
}

/* With made-up data: what is typed is known before a machine is started. */
static int check_boot_command(const struct json *options, struct error *err)
{
	const char *key = ssh_options_want_key(options) ? "ssh-ed25519 AAAA kiln" : NULL;
	struct boot_command_data data = {"10.0.2.2", 8000, "packer", key};
	const struct json *list = json_get(options, "boot_command");
	CLEANUP(boot_keys_clear) struct boot_keys keys = {0};

	for (size_t i = 0; i < json_count(list) && !key; i++)
		if (strstr(json_text(json_item(list, i), ""), ".SSHPublicKey"))
			return fail(err, ERROR_CATALOG,
				"boot_command: the build makes a key pair, of which {{.SSHPublicKey}} is the "
				"public half, where there is no ssh_password, ssh_private_key_file or "
				"ssh_agent_auth");
	return boot_command_read(list, &data, &keys, err);
}

static int check(struct json *options, struct error *err)
{
	if (check_names(options, err) < 0 || check_boot_command(options, err) < 0)
		return -1;
	return qemu_arguments_check(json_get(options, "qemuargs"), err);
}

/* It becomes part of a command of the machine's shell, and of a pattern there. */
static bool is_key_name(const char *name)
{
	return name[strspn(name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@:-")] ==
	       '\0';
}

static bool is_key_type(const struct json *options)
{
	const char *type = json_get_text(options, "temporary_key_pair_type", "");
	int64_t bits = json_get_integer(options, "temporary_key_pair_bits", 0);

	return !*type || strcmp(type, "ed25519") == 0 ||
	       (strcmp(type, "ecdsa") == 0 && (bits == 0 || bits == 256));
}

static const char *unsupported(const struct json *options)
{
	const char *communicator = json_get_text(options, "communicator", "ssh");
	const char *cdrom = json_get_text(options, "cdrom_interface", "");

	if (strcmp(communicator, "none") != 0 && strcmp(communicator, "ssh") != 0)
		return "machines are reached by ssh, or not at all (communicator none)";
	if ((json_get_boolean(options, "ssh_clear_authorized_keys", false) ||
		    ssh_options_want_key(options)) &&
		!is_key_name(ssh_options_key_name(options)))
		return "temporary_key_pair_name is letters, digits, _, @, : and -";
	if (ssh_options_want_key(options) && !is_key_type(options))
		return "temporary_key_pair_type is ed25519, or ecdsa of 256 bits (libssh2 1.10 "
		       "signs with RSA only in SHA-1)";
	if (!are_sizes(json_get(options, "disk_additional_size")))
		return "a disk_additional_size is a number and b, k, m, g or t (MiB without)";
	if (*cdrom && strcmp(cdrom, "ide") != 0 && strcmp(cdrom, "scsi") != 0 &&
		strcmp(cdrom, "virtio") != 0 && strcmp(cdrom, "virtio-scsi") != 0)
		return "cdrom_interface is ide, scsi, virtio or virtio-scsi";
	return strcmp(communicator, "ssh") == 0 ? ssh_options_unsupported(options) : NULL;
}

const struct plugin plugin_builder_qemu = {
	.kind = PLUGIN_BUILDER,
	.name = "qemu",
	.native = true,
	.keeps_memory = true,
	.version = 1,
	.groups = (const struct plugin_option *const[]){options_communicator, own, NULL},
	.rules = (const struct plugin_rule *const[]){rules_communicator, rules_boot, rules_vnc,
		rules_http, rules_host_ports, rules, NULL},
	.check = check,
	.unsupported = unsupported,
	.size = sizeof(struct qemu_options),
	.help = "a virtual machine of QEMU, started from an ISO or a disk image; its disk is the "
		"result",
};
