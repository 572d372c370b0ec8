/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A root file system being used: processes in namespaces of their own (user, mount, pid, uts, ipc, net, cgroup), with the
 * layers as their root, /proc and /sys mostly read-only, six devices and a terminal, the usual capabilities of a
 * container and no way to get more. A small agent inside, process 1 there, carries out what it is asked; closing the
 * sandbox ends every process in it.
 */

#include "backends/communicator.h"
#include "base/strings.h"

enum sandbox_kind {
	SANDBOX_WRITABLE,  /* layers below, a folder above that gets the changes */
	SANDBOX_READ_ONLY, /* the layers alone */
	SANDBOX_HOST, /* this machine's programs, read-only, and the build's tree: for shell-local */
	/* The same for a program that is not ours: only the tree, /tmp and SANDBOX_ENGINE_FOLDER can be written. */
	SANDBOX_ENGINE,
};

/* work/engine as an engine sees it; /tmp is the folder tmp in it. */
#define SANDBOX_ENGINE_FOLDER "/run/kiln/engine"

/* A file or folder of this machine that is seen inside. */
struct sandbox_mount {
	char *source; /* absolute */
	char *target; /* absolute, inside; made if the root can have it */
	bool writable;
};
enum { SANDBOX_MOUNTS_MOST = 256 };

/*
 * Layers are named as a sandbox finds them while it is set up: "trees/NAME" in the store of unpacked layers, "work/NAME" in
 * the build's work folder. A writable sandbox writes to work/upper, with work/overlay beside it.
 */
struct sandbox_options {
	enum sandbox_kind kind;
	const struct strings *layers; /* the lowest first; NULL: none */
	bool network;                 /* this machine's; otherwise a loopback of its own */
	bool plain; /* nothing is mounted over the layers: for reading them as a whole */
	/* of SANDBOX_ENGINE */
	const struct sandbox_mount *mounts; /* at most SANDBOX_MOUNTS_MOST */
	size_t mount_count;
	bool no_execution; /* nothing that can be written can be executed */
};

/* PATH of this machine is seen anyway, read-only, where its programs are. */
bool sandbox_shows(const char *path);

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

struct sandbox_command {
	const char *const *arguments; /* NULL-terminated */
	const char *folder;
	const struct strings *environment; /* NULL: the usual one */
	/* Gets what it says as it comes, in place of the job's log. -1 ends the command. */
	int (*said)(void *context, enum log_stream stream, const char *bytes, size_t size,
		struct error *err);
	void *context;
	int64_t grace_sec; /* if it is to end it gets SIGTERM, and so long to put things in order */
	int64_t deadline_usec; /* of CLOCK_MONOTONIC; 0: only the job's */
};
/* The same with all that can be said of it. *CODE is -1 if it did not end by itself, asked to or not. */
int sandbox_run(struct communicator *communicator, const struct sandbox_command *command, int *code,
	struct error *err);

/*
 * What commands of a SANDBOX_HOST looked for below the repository and did not find, since this was asked last: paths from the
 * repository's root, added to PATHS. Nothing where the kernel cannot tell.
 */
int sandbox_list_tried(struct communicator *communicator, struct strings *paths, struct error *err);
