/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/rules.h"

#include <string.h>

#define SSH "communicator=|ssh"
#define BASTION SSH " ssh_bastion_host !ssh_bastion_agent_auth"

/* Source: packer-plugin-sdk/communicator/config.go. The keys themselves: column `check` of options_communicator. */
const struct plugin_rule rules_communicator[] = {
	{RULE_CHOICE, "communicator", "ssh|winrm|docker|dockerWindowsContainer|none"},
	{RULE_NEEDS, "ssh_username", .when = SSH},
	{RULE_ANY, "ssh_bastion_password ssh_bastion_private_key_file ssh_private_key_file",
		.when = BASTION, .why = "the way into ssh_bastion_host"},
	{RULE_CHOICE, "ssh_file_transfer_method", "scp|sftp", .when = SSH},
	{RULE_AT_MOST_ONE, "ssh_bastion_host ssh_proxy_host", .when = SSH},
	{RULE_IS, "ssh_local_tunnels ssh_remote_tunnels", "tunnel", .when = SSH},
	{RULE_NEEDS, "winrm_username", .when = "communicator=winrm"},
	{0},
};

const struct plugin_rule rules_keypair[] = {
	{RULE_ANY, "ssh_private_key_file ssh_agent_auth", .when = "ssh_keypair_name",
		.why = "the key of ssh_keypair_name"},
	{RULE_ANY, "winrm_password ssh_private_key_file",
		.when = "ssh_keypair_name communicator=winrm",
		.why = "with the key of ssh_keypair_name the password is read"},
	{0},
};

/* Source: packer-plugin-sdk/multistep/commonsteps/http_config.go, iso_config.go. */
const struct plugin_rule rules_http[] = {
	{RULE_ORDER, "http_port_min http_port_max"},
	{RULE_FORBIDS, "http_interface", .when = "http_bind_address=|0.0.0.0",
		.why = "give http_bind_address too, which is then what counts"},
	{0},
};

const struct plugin_rule rules_iso[] = {ISO_RULES("", NULL), {0}};

/* Source: packer-plugin-sdk/bootcommand/config.go. */
const struct plugin_rule rules_boot[] = {
	{RULE_IS, "boot_command", "boot-command"},
	{0},
};

const struct plugin_rule rules_vnc[] = {
	{RULE_FORBIDS, "boot_command", .when = "disable_vnc", .why = "it is typed through VNC"},
	{0},
};

/* Source: builder/qemu/comm_config.go, builder/virtualbox/common/comm_config.go: the old names win. */
const struct plugin_rule rules_host_ports[] = {
	{RULE_ORDER, "host_port_min host_port_max",
		.when = "!ssh_host_port_min !ssh_host_port_max"},
	{RULE_ORDER, "ssh_host_port_min host_port_max",
		.when = "ssh_host_port_min !ssh_host_port_max"},
	{RULE_ORDER, "host_port_min ssh_host_port_max",
		.when = "!ssh_host_port_min ssh_host_port_max"},
	{RULE_ORDER, "ssh_host_port_min ssh_host_port_max",
		.when = "ssh_host_port_min ssh_host_port_max"},
	{0},
};

const struct plugin_rule rules_script[] = {
	{RULE_AT_MOST_ONE, "script scripts"},
	{RULE_ANY, "inline script scripts"},
	{RULE_AT_MOST_ONE, "inline script"},
	{RULE_AT_MOST_ONE, "inline scripts"},
	{RULE_MATCHES, "environment_vars", "^[^=]+=", .why = "NAME=VALUE"},
	{0},
};

const struct plugin_rule rules_user_data[] = {
	{RULE_AT_MOST_ONE, "user_data user_data_file"},
	{0},
};

/* Source: builder/virtualbox/common. */
const struct plugin_rule rules_virtualbox[] = {
	{RULE_CHOICE, "format", "ovf|ova"},
	{RULE_ORDER, "vrdp_port_min vrdp_port_max"},
	{RULE_CHOICE, "guest_additions_mode", "disable|attach|upload"},
	{RULE_FORBIDS, "virtualbox_version_file", .when = "communicator=none",
		.why = "write \"\": without a communicator nothing is uploaded"},
	{RULE_NEEDS, "guest_additions_mode", .when = "communicator=none",
		.why = "disable or attach: without a communicator nothing is uploaded"},
	{RULE_CHOICE, "guest_additions_mode", "disable|attach", .when = "communicator=none",
		.why = "without a communicator nothing is uploaded"},
	{0},
};

/* Source: builder/vmware/common. What Packer needs on the host (a VMware product) it looks for only when it builds. */
const struct plugin_rule rules_vmware[] = {
	{RULE_FORBIDS, "vnc_over_websocket", .when = "!remote_type",
		.why = "it is for a remote_type"},
	{RULE_ORDER, "vnc_port_min vnc_port_max", .when = "!vnc_over_websocket"},
	{RULE_RANGE, "vnc_port_min", "0 65535", .when = "!vnc_over_websocket"},
	{RULE_CHOICE, "remote_type", "esx5"},
	{RULE_NEEDS, "remote_host", .when = "remote_type"},
	{RULE_NEEDS, "remote_password", .when = "remote_type !skip_export",
		.why = "the machine is exported with it; or say skip_export"},
	{RULE_ANY, "tools_upload_flavor tools_upload_path", .when = "tools_source_path"},
	{RULE_CHOICE, "format", "ova|ovf|vmx"},
	{0},
};

/* Source: builder/vsphere/common. */
const struct plugin_rule rules_vsphere[] = {
	{RULE_NEEDS, "vcenter_server username password vm_name"},
	{RULE_ANY, "host cluster"},
	{RULE_FORBIDS, "RAM_reserve_all", .when = "RAM_reservation",
		.why = "RAM_reservation is given"},
	{RULE_CHOICE, "firmware", "bios|efi|efi-secure"},
	{RULE_CHOICE, "cdrom_type", "ide|sata"},
	{RULE_IS, "ip_wait_address", "network"},
	{RULE_NEEDS, "storage.disk_size"},
	{RULE_CHOICE, "export.manifest", "none|sha1|sha256|sha512"},
	{RULE_NEEDS, "content_library_destination.library"},
	{0},
};

int vsphere_check(const struct json *options, int least, struct error *err)
{
	int64_t controllers = (int64_t)json_count(json_get(options, "disk_controller_type"));
	const struct json *library = json_get(options, "content_library_destination");
	const struct json *disks = json_get(options, "storage");
	const char *name = json_get_text(options, "vm_name", "");

	if (controllers < least)
		controllers = least;
	for (size_t i = 0; i < json_count(disks); i++) {
		int64_t index = json_get_integer(json_item(disks, i), "disk_controller_index", 0);
		if (index >= controllers)
			return fail(err, ERROR_CATALOG,
				"storage item %zu: disk_controller_index is %lld, but "
				"disk_controller_type has %lld",
				i + 1, (long long)index, (long long)controllers);
	}
	if (library && !json_get_boolean(library, "ovf", false) &&
		strcmp(json_get_text(library, "name", ""), name) == 0)
		return fail(err, ERROR_CATALOG,
			"content_library_destination: name must differ from vm_name");
	return 0;
}
