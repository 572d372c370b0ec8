/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A root file system being used: processes in namespaces of their own (user, mount, pid, uts, ipc, net, cgroup), with the
 * layers as their root, /proc and /sys mostly read-only, six devices and a terminal, the usual capabilities of a
 * container and no way to get more. A small agent inside, process 1 there, carries out what it is asked; closing the
 * sandbox ends every process in it.
 */

#include "backends/communicator.h"

enum sandbox_kind {
	SANDBOX_WRITABLE,  /* layers below, a folder above that gets the changes */
	SANDBOX_READ_ONLY, /* the layers alone */
	SANDBOX_HOST, /* this machine's programs, read-only, and the build's tree: for shell-local */
};

/*
 * Layers are named as a sandbox finds them while it is set up: "trees/NAME" in the store of unpacked layers, "work/NAME" in
 * the build's work folder. A writable sandbox writes to work/upper, with work/overlay beside it.
 */
struct sandbox_options {
	enum sandbox_kind kind;
	const struct strings *layers; /* the lowest first; NULL: none */
	bool network;                 /* this machine's; otherwise a loopback of its own */
	bool plain; /* nothing is mounted over the layers: for reading them as a whole */
};

/* A communicator (its ops' close ends it) whose commands run in the sandbox, or NULL. The job's user namespace is used. */
struct communicator *sandbox_open(
	struct job *job, const struct sandbox_options *options, struct error *err);

/*
 * Writes the sandbox's root as a tar to FD (tree_pack, TREE_WHOLE): for one opened `plain`.
 */
int sandbox_pack(struct communicator *communicator, int fd, struct error *err);

/* Runs ARGUMENTS (NULL-terminated) in FOLDER, as communicator run does with a command. */
int sandbox_execute(struct communicator *communicator, const char *const *arguments,
	const char *folder, int *code, struct error *err);
