/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The user namespace of a build: inside it is root over the build's ids, outside it is nobody. Work on files of the build
 * is done by short-lived processes inside it, so that what a build left can never act with the worker's rights.
 */

#include "backends/idmap.h"

/* A new one with MAP; a descriptor that keeps it, or -1. */
int userns_new(const struct idmap *map, struct error *err);

/*
 * Enters it as its root, in the calling process, which must have no threads; what the process may do to itself (its
 * /proc/self) stays possible. Before it, everything needed from outside must be open.
 */
int userns_enter(int userns, const struct idmap *map, struct error *err);

/*
 * Runs WORK(CONTEXT) in a child inside the namespace and waits for it. The child's failure, text and kind, becomes ours. It
 * dies with us.
 */
typedef int userns_work(void *context, struct error *err);
int userns_run(
	int userns, const struct idmap *map, userns_work *work, void *context, struct error *err);

/* The same in two halves, for a child that is listened to while it works. */
struct userns_child {
	pid_t pid; /* -1: none */
	int told;  /* where its failure comes from */
};
int userns_start(int userns, const struct idmap *map, userns_work *work, void *context,
	struct userns_child *child, struct error *err);
int userns_finish(struct userns_child *child, struct error *err);

/* The open FOLDER becomes the namespace's root's own, to write into. */
int userns_give(const struct idmap *map, int folder, struct error *err);
/* The same with all that is below it. */
int userns_give_all(const struct idmap *map, int folder, struct error *err);
/* Makes FOLDER/NAME owned by the namespace's root. */
int userns_make_folder(
	const struct idmap *map, int folder, const char *name, mode_t mode, struct error *err);
/* Removes FOLDER/NAME with everything in it, whoever of the namespace owns that. Nothing there is no error. */
int userns_remove(
	int userns, const struct idmap *map, int folder, const char *name, struct error *err);
