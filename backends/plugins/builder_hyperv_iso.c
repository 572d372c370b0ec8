/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/groups.h"
#include "backends/plugins/all.h"

static const struct plugin_option own[] = {
	{"output_directory", OPTION_TEXT, PATH_OUTPUT},
	{"disk_block_size", OPTION_UNSIGNED},
	{"memory", OPTION_UNSIGNED},
	{"secondary_iso_images", OPTION_TEXTS, PATH_FILE},
	{"disk_additional_size", OPTION_INTEGERS},
	{"guest_additions_mode", OPTION_TEXT},
	{"guest_additions_path", OPTION_TEXT, PATH_FILE},
	{"vm_name", OPTION_TEXT},
	{"switch_name", OPTION_TEXT},
	{"switch_vlan_id", OPTION_TEXT},
	{"mac_address", OPTION_TEXT},
	{"vlan_id", OPTION_TEXT},
	{"cpus", OPTION_UNSIGNED},
	{"generation", OPTION_UNSIGNED},
	{"enable_mac_spoofing", OPTION_BOOL},
	{"enable_dynamic_memory", OPTION_BOOL},
	{"enable_secure_boot", OPTION_BOOL},
	{"secure_boot_template", OPTION_TEXT},
	{"enable_virtualization_extensions", OPTION_BOOL},
	{"temp_path", OPTION_TEXT},
	{"configuration_version", OPTION_TEXT},
	{"keep_registered", OPTION_BOOL},
	{"skip_compaction", OPTION_BOOL},
	{"skip_export", OPTION_BOOL},
	{"headless", OPTION_BOOL},
	{"first_boot_device", OPTION_TEXT},
	{"boot_order", OPTION_TEXTS},
	{"disk_size", OPTION_UNSIGNED},
	{"use_legacy_network_adapter", OPTION_BOOL},
	{"differencing_disk", OPTION_BOOL},
	{"use_fixed_vhd_format", OPTION_BOOL},
	{0},
};

const struct plugin plugin_builder_hyperv_iso = {
	.kind = PLUGIN_BUILDER,
	.name = "hyperv-iso",
	.groups = (const struct plugin_option *const[]){options_communicator, options_http,
		options_floppy, options_cd, options_iso, options_boot, options_shutdown, own, NULL},
};
