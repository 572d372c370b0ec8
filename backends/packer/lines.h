/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `packer -machine-readable` says, taken apart as it comes: "UNIXTIME,TARGET,TYPE,DATA,...". Of a line that is longer
 * than can be right only its beginning is kept. Source: Packer 1.6.6 packer/ui.go (MachineReadableUi).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strings.h"
#include "base/text.h"

enum { PACKER_LINE_MOST = 256 * 1024 };

struct packer_record {
	const char *target;  /* "" where it is of no build */
	const char *type;    /* "ui", "artifact", "error" ... */
	struct strings data; /* unescaped */
	bool cut;            /* the line was too long */
};

struct packer_lines {
	/* -1 stops the reading. */
	int (*record)(void *context, const struct packer_record *record, struct error *err);
	/* A line that is none of these; without its end. */
	int (*garbage)(void *context, const char *line, size_t size, struct error *err);
	void *context;
	struct text partial;
	bool cut;
};

/* The next bytes, however they are cut into pieces. */
int packer_lines_add(struct packer_lines *lines, const char *bytes, size_t size, struct error *err);
/* What has no line end; then it can begin anew. */
int packer_lines_end(struct packer_lines *lines, struct error *err);
void packer_lines_clear(struct packer_lines *lines);

/* The datum at INDEX, "" where there is none. */
const char *packer_record_get(const struct packer_record *record, size_t index);
