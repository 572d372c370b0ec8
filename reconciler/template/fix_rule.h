/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `fix` does, a row a fixer, in Packer's order and with its names. Private to fix*.c and their test. */

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

struct fixing {
	const struct json_source *source;
	struct json *
		root; /* `builders` is a list of objects or null, `post-processors` a list or null */
	struct error *err;
};

enum fix_where {
	FIX_NOWHERE, /* only `whole` */
	FIX_BUILDERS,
	FIX_PROVISIONERS, /* those that are objects, here and below */
	FIX_POST_PROCESSORS
};

/* What becomes of the old option where the new one is there too. */
enum fix_clash {
	FIX_REPLACES,      /* its value is taken */
	FIX_YIELDS,        /* it goes, whatever it is */
	FIX_YIELDS_IF_FITS /* it goes if its kind is one of those that are renamed */
};

enum { FIX_TEXT = 1 << JSON_TEXT, FIX_BOOL = 1 << JSON_BOOL };

struct fix_rename {
	const char *from;
	const char *to; /* NULL: the option is removed */
	unsigned kinds; /* only a value of these; 0: any */
	enum fix_clash clash;
};

enum { FIX_TYPES_MOST = 4, FIX_RENAMES_MOST = 3 };

struct fix_rule {
	const char *name;
	const char *help;
	enum fix_where where;
	const char *types[FIX_TYPES_MOST + 1]; /* "amazon-*": all that begin so; none: every type */
	const char *new_type;
	struct fix_rename renames[FIX_RENAMES_MOST + 1];
	int (*fix)(struct fixing *fixing, struct json *part);
	int (*whole)(struct fixing *fixing); /* after the parts */
};

extern const struct fix_rule fix_rules[]; /* ended by a nameless one */

/* Calls FIX for every post-processor that is an object. */
int fix_each_post_processor(
	struct fixing *fixing, int (*fix)(struct fixing *fixing, struct json *part));
/* "FILE:LINE:COLUMN: TEXT" of KEY in PART, or of PART itself (NULL). Returns -1. */
int fix_fail(const struct fixing *fixing, const struct json *part, const char *key,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What no row of names says: fix_odd.c. */
int fix_iso_md5(struct fixing *fixing, struct json *builder);
int fix_create_time(struct fixing *fixing, struct json *builder);
int fix_guest_additions(struct fixing *fixing, struct json *builder);
int fix_vagrant_override(struct fixing *fixing, struct json *post_processor);
int fix_virtualbox_override(struct fixing *fixing, struct json *provisioner);
int fix_private_ip(struct fixing *fixing, struct json *builder);
int fix_source_cidr(struct fixing *fixing, struct json *builder);
int fix_login_email(struct fixing *fixing);
int fix_docker_tags(struct fixing *fixing, struct json *post_processor);
int fix_powershell_escapes(struct fixing *fixing, struct json *provisioner);
int fix_compaction(struct fixing *fixing, struct json *builder);
int fix_image_name(struct fixing *fixing, struct json *builder);
int fix_disk_size(struct fixing *fixing, struct json *builder);
int fix_network_disk(struct fixing *fixing, struct json *builder);
int fix_checksum(struct fixing *fixing, struct json *builder);
int fix_exclude_from_latest(struct fixing *fixing, struct json *builder);
