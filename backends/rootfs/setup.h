/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private to backends/rootfs: what process 1 of a sandbox does before it serves. */

#include "backends/rootfs/sandbox.h"

/*
 * The folders a sandbox is made of, as mounts that can be taken into its namespaces: for root detached ones, because the
 * build's root may not walk through the state folder; for an ordinary user their paths, which are his in there too.
 */
struct setup_sources {
	int work, trees; /* detached mounts, or -1 */
	char *work_path, *trees_path;
	int mounts[SANDBOX_MOUNTS_MOST]; /* the options' mounts, as far as they are opened */
	size_t mount_count;
};
int setup_open_sources(const struct sandbox_options *options, const struct job *job,
	struct setup_sources *sources, struct error *err);
void setup_close_sources(struct setup_sources *sources);

/* Mounts the root and what belongs on it, and makes it the process's root. */
int setup_root(
	const struct sandbox_options *options, struct setup_sources *sources, struct error *err);
/* Host name, loopback, limits, capabilities, no_new_privs. */
int setup_process(const struct sandbox_options *options, struct error *err);
