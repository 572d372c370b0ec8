/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/plugins/proxmox.h"

static const struct plugin_option vga[] = {
	{"type", OPTION_TEXT},
	{"memory", OPTION_INTEGER},
	{0},
};

static const struct plugin_option network_adapter[] = {
	{"model", OPTION_TEXT, .fallback = "e1000"},
	{"packet_queues", OPTION_INTEGER},
	{"mac_address", OPTION_TEXT},
	{"bridge", OPTION_TEXT},
	{"vlan_tag", OPTION_TEXT},
	{"firewall", OPTION_BOOL},
	{0},
};

static const struct plugin_option disk[] = {
	{"type", OPTION_TEXT, .fallback = "scsi"},
	{"storage_pool", OPTION_TEXT},
	{"storage_pool_type", OPTION_TEXT},
	{"disk_size", OPTION_TEXT},
	{"cache_mode", OPTION_TEXT},
	{"format", OPTION_TEXT},
	{"io_thread", OPTION_BOOL},
	{0},
};

static const struct plugin_option iso_file[] = {
	{"iso_checksum", OPTION_TEXT, PATH_CHECKSUM, .check = CHECK_CHECKSUMS},
	{"iso_url", OPTION_TEXT, PATH_URL},
	{"iso_urls", OPTION_TEXTS, PATH_URL},
	{"iso_target_path", OPTION_TEXT},
	{"iso_target_extension", OPTION_TEXT},
	{"device", OPTION_TEXT, .fallback = "ide3"},
	{"iso_file", OPTION_TEXT},
	{"iso_storage_pool", OPTION_TEXT},
	{"unmount", OPTION_BOOL},
	{"ShouldUploadISO", OPTION_BOOL},
	{"DownloadPathKey", OPTION_TEXT},
	{0},
};

const struct plugin_option options_proxmox[] = {
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
	{"vga", OPTION_BLOCK, .block = vga},
	{"network_adapters", OPTION_BLOCKS, .block = network_adapter},
	{"disks", OPTION_BLOCKS, .block = disk},
	{"qemu_agent", OPTION_BOOL},
	{"scsi_controller", OPTION_TEXT},
	{"onboot", OPTION_BOOL},
	{"disable_kvm", OPTION_BOOL},
	{"template_name", OPTION_TEXT},
	{"template_description", OPTION_TEXT},
	{"cloud_init", OPTION_BOOL},
	{"cloud_init_storage_pool", OPTION_TEXT},
	{"additional_iso_files", OPTION_BLOCKS, .block = iso_file},
	{"vm_interface", OPTION_TEXT},
	{0},
};

const struct plugin_rule rules_proxmox[] = {
	{RULE_NEEDS, "proxmox_url", .environment = "PROXMOX_URL"},
	{RULE_NEEDS, "username", .environment = "PROXMOX_USERNAME"},
	{RULE_NEEDS, "password", .environment = "PROXMOX_PASSWORD"},
	{RULE_NEEDS, "node"},
	{RULE_MATCHES, "template_name", "^[^ ]*$", .why = "no spaces"},
	{RULE_NEEDS, "network_adapters.bridge"},
	{RULE_RANGE, "network_adapters.packet_queues", "-999999999 0", .when = "model!=virtio",
		.why = "queues are for the model virtio"},
	{RULE_NEEDS, "disks.storage_pool disks.storage_pool_type"},
	{RULE_NEEDS, "disks.format", .when = "storage_pool_type!=zfspool|lvm|rbd|cephfs"},
	{RULE_FORBIDS, "disks.io_thread", .when = "^scsi_controller!=virtio-scsi-single",
		.why = "scsi_controller must be virtio-scsi-single for it"},
	{RULE_FORBIDS, "disks.io_thread", .when = "type!=scsi|virtio",
		.why = "it is for disks of type scsi and virtio"},
	{0},
};
