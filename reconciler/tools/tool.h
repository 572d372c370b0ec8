/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a tool that a provisioner starts reads of the repository beyond what its options name: a table of tools, and what
 * they share. Nothing is run: a tool's own files are read as it reads them. Where a name is known only when the build
 * runs, the smallest folder that must hold it is taken whole, so a closure may have a file too many but never one too few.
 */

#include "reconciler/inputs.h"

struct tool {
	struct inputs *inputs;
	const char *folder; /* where the tool is started: relative paths count from it */
	const struct json *options;
	struct strings *files; /* gets the paths of what is read */
	struct map whole;      /* folders that were taken */
	size_t looked;         /* how many paths were looked for */
	bool full;             /* they were too many */
	/* Where this is set every function does nothing and finds nothing; the text is in err. */
	bool failed;
	struct error *err;
};

/*
 * The inputs of the tool that PLUGIN starts, or is, with OPTIONS, in FOLDER; 0 and nothing done for one without rules.
 * What is wrong with a file of the tool's becomes a problem of INPUTS.
 */
int tool_add_inputs(const struct plugin *plugin, struct inputs *inputs, const char *folder,
	const struct json *options, struct strings *files, struct error *err);

/* ---- for the tools ---- */

/* What is at PATH (from the root; NULL: a path that led out), and a change of that is a change of the closure. */
enum entry_kind tool_look(struct tool *tool, const char *path);
/* The file, or the folder with all in it, becomes input; false if nothing is there. TAKEN (may be NULL) gets the paths too. */
bool tool_take(struct tool *tool, const char *path, struct strings *taken);
/* The same for each path that PATTERN, a glob, matches. */
bool tool_take_matches(struct tool *tool, const char *pattern, struct strings *taken);
/* It was looked for in vain. */
void tool_miss(struct tool *tool, const char *path);
/* The first of CANDIDATES that is there, not yet taken; those before it are missed. NULL: none. Borrowed. */
const char *tool_find(struct tool *tool, const struct strings *candidates);
/* A file's text of at most YAML_SIZE_MOST bytes; NULL if it is no such file. The caller frees. */
char *tool_read(struct tool *tool, const char *path, size_t *size);
/* The documents of a YAML file; NULL if it cannot be read as one, and *WHY (may be NULL) says so. The caller frees. */
struct json *tool_read_yaml(struct tool *tool, const char *path, struct error *why);
/* The names in a folder. */
void tool_list(struct tool *tool, const char *folder, struct strings *names);

/*
 * NAME, a path as a build writes it, counted from FOLDER: from the root of the repository, NULL if it lies elsewhere. The caller
 * frees.
 */
char *tool_path(const char *folder, const char *name);

/* ---- the tools ---- */

void ansible_add_inputs(struct tool *tool);
void openstack_add_inputs(struct tool *tool);
void inspec_add_inputs(struct tool *tool);
