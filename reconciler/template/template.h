/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Packer template in JSON, read but not yet interpreted: no variable is looked at, no plugin asked.
 * Source: Packer 1.6.6 template/parse.go.
 */

#include <stdbool.h>
#include <stdint.h>

#include "backends/plugin.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"

enum { TEMPLATE_SIZE_MOST = 16 * 1024 * 1024 };

/* One entry of builders, provisioners or a post-processor sequence. All pointers are borrowed from the tree. */
struct template_part {
	enum plugin_kind kind;
	struct json *object; /* NULL for a post-processor that is only a name */
	const char *type;
	const char *name; /* builder, post-processor: as written; the type where none is */
	size_t index;     /* from 0: in its list, or of its sequence */
	size_t place;     /* from 0: in its sequence */
	/* provisioner and post-processor */
	struct json *only, *except;
	/* provisioner */
	struct json *override;
	int64_t pause_before_nsec, timeout_nsec;
	const char *max_retries; /* not rendered yet; NULL: none */
	/* post-processor */
	int keep_input; /* 1, 0, or -1 where the template says nothing */
};

struct template_parts {
	struct template_part *items;
	size_t count, room;
};

struct template
{
	struct json_source source; /* its name (the path) and text, owned here */
	struct json *root;
	struct template_parts builders, provisioners, post_processors;
	struct template_part *cleanup; /* error-cleanup-provisioner, or NULL */
	struct json *variables;        /* object of text and null, or NULL */
	struct json *sensitive;        /* list of text, or NULL */
	const char *min_version;       /* or NULL */
	const char *description;       /* or NULL */
};

/*
 * Reads BYTES, known as PATH in messages ("PATH:LINE:COLUMN: ..."), and checks what `packer validate -syntax-only` does:
 * keys and types.
 */
int template_parse(const char *path, const char *bytes, size_t size, struct template **template,
	struct error *err);
/* Checks what holds between its parts: there is a builder, only, except and override name some, min_packer_version. */
int template_check(const struct template *template, struct error *err);
void template_free(struct template *template);
static inline void template_freep(struct template **template)
{
	template_free(*template);
}

/*
 * Whether BYTES are a template, that is a JSON object with a list under `builders`: 1 yes, 0 no, -1 it is no JSON but
 * speaks of builders, so it is taken for a broken one.
 */
int template_recognise(const char *bytes, size_t size);

/* PART runs in the build of that raw (unrendered) builder name. */
bool template_part_runs_in(const struct template_part *part, const char *builder);

/* "provisioner 2 (shell)": how messages call it, counted from 1 as Packer does. */
const char *template_part_label(const struct template_part *part, char label[static 128]);

/* Fails with the place of KEY in OBJECT (or of OBJECT itself when KEY is NULL). */
int template_fail(const struct template *template, const struct json *object, const char *key,
	struct error *err, const char *format, ...) __attribute__((format(printf, 5, 6)));
