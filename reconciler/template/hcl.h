/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a template in HCL2 (*.pkr.hcl, *.pkr.json) names, found by its words alone: nothing is evaluated. It knows
 * strings, comments, heredocs and interpolations, the kinds of blocks, and which options and functions name files. What is
 * put together when the build runs is not found: it is missing in the build then, which says so.
 */

#include "backends/plugin.h"
#include "base/error.h"
#include "base/strings.h"

/* A block of a plugin: `provisioner "shell"`. */
struct hcl_part {
	enum plugin_kind kind;
	char *type;
	const struct plugin *plugin; /* NULL: one that kiln does not know */
};

/* A file or folder that is named literally. */
struct hcl_file {
	char *path;
	bool of_template; /* it counts from the template's own folder, and else from where packer runs */
	enum option_path kind;
};

struct hcl_scan {
	struct hcl_part *parts;
	size_t part_count, part_room;
	struct hcl_file *files;
	size_t file_count, file_room;
	struct strings environment; /* variables of it that env() asks for */
	struct strings powers;      /* that options need: as power_name has them */
};
void hcl_scan_clear(struct hcl_scan *scan);

bool hcl_is_file(const char *path); /* by its name */
/* Adds what BYTES, the content of the file NAME, name. Error (CATALOG, with the line) if they cannot be such a file. */
int hcl_scan_file(
	const char *name, const char *bytes, size_t size, struct hcl_scan *scan, struct error *err);
