/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a provisioner reaches what it provisions: one ops table for each way (a root file system's sandbox, ssh; later
 * containers). Everything takes as long as it takes, but the job's end and the step's own deadline are obeyed.
 */

#include "backends/job.h"
#include "base/strings.h"

struct communicator;

/* In place of an exit code: the connection broke while the command ran. Source: Packer 1.6.6, packer.CmdDisconnect. */
#define COMMUNICATOR_DISCONNECTED 2300218

/* How another program of this machine reaches the same host by SSH. All of it is borrowed from the communicator. */
struct communicator_address {
	const char *host, *user;
	int port;
	const char *host_key;               /* as known_hosts has it, without the names */
	const char *password;               /* NULL: none */
	const struct strings *private_keys; /* whole key files */
};

struct communicator_ops {
	const char *name;
	bool remote; /* other things happen there too: what fails now (TRANSIENT) may work in a moment */
	/*
	 * Runs COMMAND with the image's /bin/sh, its output going to the job's log. *CODE is its exit code, 128 + N if
	 * signal N ended it, COMMUNICATOR_DISCONNECTED if nobody knows. -1 if it could not be run to its end.
	 */
	int (*run)(struct communicator *communicator, const char *command, int *code,
		struct error *err);
	/* Writes what FD gives to the file DESTINATION in the image, made or overwritten, with MODE. */
	int (*upload)(struct communicator *communicator, int fd, mode_t mode,
		const char *destination, struct error *err);
	/* What is in the folder FOLDER goes into DESTINATION, which is made if it is missing. */
	int (*upload_folder)(struct communicator *communicator, int folder, const char *destination,
		struct error *err);
	/* The file SOURCE of the image is written to FD; its permission bits in *MODE. */
	int (*download)(struct communicator *communicator, const char *source, int fd, mode_t *mode,
		struct error *err);
	/* What is in the folder SOURCE of the image goes into FOLDER: files, folders and links as they are. */
	int (*download_folder)(struct communicator *communicator, const char *source, int folder,
		struct error *err);
	/* SOURCE is a folder of the image. */
	bool (*is_folder)(struct communicator *communicator, const char *source);
	/* Drops the connection and makes a new one; what has no connection has nothing to do. */
	int (*reset)(struct communicator *communicator, struct error *err);
	/* -1 (CATALOG) where no other program can go the same way. May be NULL: there is no such way at all. */
	int (*describe)(const struct communicator *communicator,
		struct communicator_address *address, struct error *err);
	void (*close)(struct communicator *communicator);
};

struct communicator {
	const struct communicator_ops *ops;
	struct job *job;
	int64_t deadline_usec; /* of the step at hand, CLOCK_MONOTONIC; 0: none */
};

/* Sleeps; -1 if the step's time is over or the job is to end. */
int communicator_wait(struct communicator *communicator, int64_t usec, struct error *err);
/* -1 if the step's time is over or the job is to end. */
int communicator_check(struct communicator *communicator, struct error *err);
/* Writes SIZE bytes to the file DESTINATION in the image, as ops->upload does. */
int communicator_upload_bytes(struct communicator *communicator, const char *bytes, size_t size,
	mode_t mode, const char *destination, struct error *err);
