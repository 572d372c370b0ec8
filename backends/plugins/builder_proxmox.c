/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"boot_key_interval", OPTION_DURATION},
	{"proxmox_url", OPTION_TEXT},
	{"insecure_skip_tls_verify", OPTION_BOOL},
	{"username", OPTION_TEXT},
	{"password", OPTION_TEXT},
	{"node", OPTION_TEXT},
	{"pool", OPTION_TEXT},
	{"vm_name", OPTION_TEXT},
	{"vm_id", OPTION_INTEGER},
	{"boot", OPTION_TEXT},
	{"memory", OPTION_INTEGER},
	{"cores", OPTION_INTEGER},
	{"cpu_type", OPTION_TEXT},
	{"sockets", OPTION_INTEGER},
	{"os", OPTION_TEXT},
	{"vga", OPTION_BLOCK},
	{"network_adapters", OPTION_BLOCKS},
	{"disks", OPTION_BLOCKS},
	{"qemu_agent", OPTION_BOOL},
	{"scsi_controller", OPTION_TEXT},
	{"onboot", OPTION_BOOL},
	{"disable_kvm", OPTION_BOOL},
	{"template_name", OPTION_TEXT},
	{"template_description", OPTION_TEXT},
	{"cloud_init", OPTION_BOOL},
	{"cloud_init_storage_pool", OPTION_TEXT},
	{"additional_iso_files", OPTION_BLOCKS},
	{"vm_interface", OPTION_TEXT},
	{"iso_file", OPTION_TEXT},
	{"iso_storage_pool", OPTION_TEXT},
	{"unmount_iso", OPTION_BOOL},
	{0},
};

const struct plugin plugin_builder_proxmox = {
	.kind = PLUGIN_BUILDER,
	.name = "proxmox",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_iso, options_boot, own, NULL},
};
