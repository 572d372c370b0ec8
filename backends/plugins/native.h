/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The options of the plugins that kiln has drivers for, as the drivers see them (options_decode). */

#include <stdint.h>

#include "backends/plugin.h"

struct rootfs_options {
	const char *base;          /* "scratch", a path, a URL, "oci:PATH", "catalog:NAME" */
	const char *base_checksum; /* "sha256:..." or bare */
	const char *format;        /* "tar.zst" or "oci" */
	const char *network;       /* "none" or "host" */
};

struct file_builder_options {
	const char *source, *content, *target;
};

struct shell_options {
	const struct json *inline_lines, *scripts, *environment, *valid_exit_codes;
	const char *script, *env_var_format, *execute_command, *inline_shebang;
	const char *remote_path, *remote_folder, *remote_file;
	bool binary, use_env_var_file, skip_clean, expect_disconnect;
	int64_t pause_after_nsec, start_retry_timeout_nsec;
};

/* Provisioner and post-processor alike. */
struct shell_local_options {
	const struct json *inline_lines, *scripts, *environment, *valid_exit_codes,
		*execute_command, *only_on;
	const char *command, *script, *env_var_format, *inline_shebang, *tempfile_extension;
};

struct file_provisioner_options {
	const char *source, *destination, *direction;
	const struct json *sources;
	bool generated;
};

struct sleep_options {
	int64_t duration_nsec;
};

struct breakpoint_options {
	const char *note;
	bool disable;
};

struct ansible_options {
	const char *command, *galaxy_command;
	const struct json *extra_arguments, *environment, *ssh_extra_arguments;
	const char *playbook_file, *galaxy_file, *roles_path, *collections_path;
	const struct json *groups, *empty_groups;
	const char *host_alias, *user;
	const char *inventory_directory, *inventory_template, *inventory_file;
	const struct json *use_proxy;
	bool skip_version_check, use_sftp, keep_inventory_file, galaxy_force;
};

struct ansible_local_options {
	const char *command, *galaxy_command;
	const struct json *extra_arguments;
	const char *group_vars, *host_vars, *playbook_dir, *playbook_file;
	const struct json *playbook_files, *playbook_paths, *role_paths;
	const char *staging_directory, *inventory_file, *galaxy_file;
	const struct json *inventory_groups;
	bool clean_staging_directory;
};

/* What powershell and windows-shell have in common. */
struct windows_script_options {
	const struct json *inline_lines, *scripts, *environment, *valid_exit_codes;
	const char *script, *env_var_format, *execute_command, *remote_path;
	int64_t start_retry_timeout_nsec;
};

struct powershell_options {
	struct windows_script_options script;
	const char *remote_env_var_path;
	bool skip_clean;
};

struct windows_restart_options {
	const char *restart_command, *restart_check_command;
	int64_t restart_timeout_nsec;
	bool check_registry;
	const struct json *registry_keys;
};

struct checksum_options {
	const struct json *types;
	const char *output;
};

struct compress_options {
	const char *output, *archive, *algorithm;
	int64_t level;
};

struct artifice_options {
	const struct json *files;
};

struct vagrant_options {
	const char *output, *vagrantfile_template;
	const struct json *include;
};

struct manifest_options {
	const char *output;
	bool strip_path, strip_time;
	const struct json *custom_data;
};

struct qemu_options {
	/* the machine */
	const char *qemu_binary, *accelerator, *machine_type, *net_device, *net_bridge;
	const char *vm_name; /* "": packer-BUILDNAME */
	int64_t cpus, memory_mb;
	const char *cpu_model;           /* "": QEMU's choice */
	int64_t sockets, cores, threads; /* 0: one for each of cpus, one, one */
	bool efi_boot, efi_drop_vars;
	const char *efi_code, *efi_vars; /* files; "": the usual ones */
	const struct json *arguments;    /* qemuargs: rows, not yet rendered */
	bool headless, use_default_display;
	const char *display;
	bool disable_vnc, vnc_use_password;
	const char *vnc_bind_address;
	int64_t vnc_port_min, vnc_port_max; /* 0: nobody asks for VNC */
	bool qmp_enable;
	const char *qmp_socket_path;
	/* disks */
	const char *disk_size, *disk_interface, *disk_cache, *disk_discard, *disk_detect_zeroes;
	const char *format, *cdrom_interface;
	const struct json *additional_sizes, *image_arguments;
	bool disk_image, use_backing_file, skip_resize, skip_compaction, compress;
	/* media */
	const char *iso_url, *iso_checksum, *iso_target_path, *iso_target_extension;
	const struct json *iso_urls;
	bool iso_skip_cache;
	const struct json *floppy_files, *floppy_dirs, *cd_files;
	const char *floppy_label, *cd_label;
	const char *http_directory, *http_bind_address, *http_interface;
	int64_t http_port_min, http_port_max;
	/* boot, connection and end */
	const struct json *boot_command; /* not yet rendered */
	int64_t boot_wait_nsec, boot_key_interval_nsec, boot_keygroup_interval_nsec;
	bool skip_nat_mapping, run_once;
	int64_t host_port_min, host_port_max;
	int64_t ssh_host_port_min, ssh_host_port_max; /* 0: host_port_min, host_port_max */
	const char *shutdown_command;
	int64_t shutdown_timeout_nsec;
	const char *output_directory; /* "": output-BUILDNAME */
};
