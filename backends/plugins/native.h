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

struct checksum_options {
	const struct json *types;
	const char *output;
};

struct compress_options {
	const char *output, *format;
	int64_t level;
};

struct manifest_options {
	const char *output;
	bool strip_path, strip_time;
	const struct json *custom_data;
};
