/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Private to ansible*.c: a run of ansible-playbook, as ansible-core 2.14 finds its files. ansible.c has what its options,
 * its configuration and its inventory name, ansible_play.c plays and roles, ansible_task.c tasks and what their
 * modules read, ansible_lookup.c lookups and templates, ansible_search.c where a name is looked for.
 */

#include "reconciler/tools/tool.h"

enum { ANSIBLE_DEPTH_MOST = 64 }; /* files that include each other */

/* Where a task stands: a play's folder and the roles that led there, the innermost first. */
struct ansible_place {
	char *base;
	struct strings roles;
};

/* A file with tasks or a template, at a place. */
struct ansible_spot {
	struct ansible_place *place;
	const char *file;
	const char *folder;       /* "tasks" or "handlers": where its role has what it includes */
	const struct json *known; /* variables with a value that is known */
};

struct ansible {
	struct tool *tool;
	int depth;
	struct map visited; /* "what:place:path" */
	struct map places;  /* its name -> struct ansible_place, owned */
	struct map loose;   /* "folder\nname" of lookups in variables: any task may ask for them */
	struct strings role_paths, collection_paths; /* as configured, from the root */
	struct strings groups, hosts;                /* that are known to be */
	struct strings vars_folders;                 /* that have group_vars and host_vars */
	bool any_group;                              /* there may be others */
};

/* ---- ansible_search.c ---- */

/* The place of a role within OUTER, or of a play with that base (OUTER NULL); the run owns it. */
struct ansible_place *ansible_place(
	struct ansible *run, const struct ansible_place *outer, const char *path);
/* True the first time: WHAT of PATH at PLACE (may be NULL) is yet to be walked. */
bool ansible_visit(
	struct ansible *run, const char *what, const struct ansible_place *place, const char *path);

/* NAME, looked for as FOLDER ("files", "templates", "vars") says, is read; FOUND (may be NULL) gets what was taken. */
void ansible_take(struct ansible *run, const struct ansible_spot *spot, const char *folder,
	const char *name, struct strings *found);
/* The same with a glob. */
void ansible_take_matches(struct ansible *run, const struct ansible_spot *spot, const char *folder,
	const char *pattern, struct strings *found);
/* Only where it is there: for names whose task is not known. */
void ansible_take_quietly(
	struct ansible *run, const struct ansible_spot *spot, const char *folder, const char *name);
/* Files of FOLDER itself whose names end with END. */
void ansible_take_endings(
	struct ansible *run, const char *folder, const char *end, struct strings *found);
/* FOLDER/NAME with the first of ENDINGS (NULL-terminated) that is there; NULL: none. The caller frees. */
char *ansible_find_ending(
	struct ansible *run, const char *folder, const char *name, const char *const *endings);

/* ---- ansible_lookup.c ---- */

/* A lookup that reads files of the machine that Ansible runs on, and the folder it looks in. */
struct ansible_lookup {
	const char *name;
	enum { LOOKUP_NAME, LOOKUP_GLOB, LOOKUP_TEMPLATE, LOOKUP_FIRST, LOOKUP_FILE_WORD } kind;
	const char *folder;
};
/* NULL: it reads none. */
const struct ansible_lookup *ansible_find_lookup(const char *name);
/* What is behind the namespace and the name of a collection. */
const char *ansible_short_name(const char *name);
void ansible_look_up(struct ansible *run, const struct ansible_spot *spot,
	const struct ansible_lookup *lookup, const char *folder, const struct json *term,
	struct strings *found);
/* Lookups in any text of VALUE. LOOSE: it holds variables, whose task is not known. */
void ansible_walk_texts(
	struct ansible *run, const struct ansible_spot *spot, const struct json *value, bool loose);
void ansible_walk_template(struct ansible *run, const struct ansible_spot *spot, const char *path);

/* ---- ansible_task.c ---- */

void ansible_walk_tasks(
	struct ansible *run, const struct ansible_spot *spot, const struct json *tasks);
/* The file becomes input and is walked; what cannot be read makes its whole folder input. */
void ansible_walk_task_file(struct ansible *run, struct ansible_place *place, const char *path,
	const char *folder, const struct json *known);
/* ---- ansible_play.c ---- */

void ansible_walk_playbook(struct ansible *run, const char *path);
/* The role called NAME; FROM (may be NULL) has tasks_from, vars_from ... */
void ansible_walk_role(struct ansible *run, struct ansible_place *outer, const char *name,
	const struct json *from);
/* A file with variables, or a folder of them. */
void ansible_walk_vars(struct ansible *run, const char *path);
/* Of every host and group that may be: variables beside playbooks and inventories. */
void ansible_take_inventory_vars(struct ansible *run);
/* library, module_utils and the plugins beside a playbook or in a role. */
void ansible_take_plugins(struct ansible *run, const char *folder);
