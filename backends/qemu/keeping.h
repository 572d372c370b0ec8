/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A build of a machine that begins behind the last step whose checkpoint is there, and keeps one behind each step it runs. A
 * checkpoint's key covers all that came before it: the order's root (builder and base), QEMU and its accelerator, and each
 * step up to it.
 */

#include "backends/builder.h"
#include "backends/qemu/checkpoint.h"
#include "backends/qemu/snapshot.h"

struct keeping {
	struct job *job;
	const struct steps *steps;
	struct checkpoints store;
	enum checkpoint_kind kind; /* of what is kept; NONE: nothing is any more */
	struct digest root;
	struct checkpoint from; /* what the build goes on from; kind NONE: it begins anew */
	size_t first; /* the step that is run first; 0 with from.kind != NONE: behind the boot */
	/* of the machine that runs */
	struct guest_memory memory;
	struct snapshot_drives drives;
	bool layered;         /* PATHS are layers above what is kept, not the disks themselves */
	struct strings paths; /* what its drives have open */
	const char *format;   /* of these */
	const char *vars;     /* what its firmware writes to; NULL: nothing */
	struct digest below;  /* the key of the checkpoint under these */
	bool has_below;
	size_t layer_count;               /* made in this build */
	struct json *opened;              /* [{"step", "usec"}], the open steps behind it */
	int64_t started_usec, saved_usec; /* when this build began; what the checkpoint saved */
};

#define KEEPING_NONE                                                 \
	{                                                            \
		.store = {.folder = -1}, .memory = GUEST_MEMORY_NONE \
	}

/* What of a machine is not in its options. */
struct keeping_machine {
	const char *program, *accelerator;
	bool network_apart;   /* not QEMU's own */
	bool disks_alone;     /* what its memory says of the network would not hold any more */
	const char *firmware; /* that comes from this machine; NULL: none does */
	const char *
		firmware_vars; /* the machine's own variables, which are kept with its disks; borrowed */
	const char *public_key; /* that lets the build in; NULL: something else does */
};

/*
 * Chooses what to go on from. Errors only where the order makes no sense: without a store
 * nothing is kept, and that is logged.
 */
int keeping_open(struct job *job, const struct steps *steps, const struct keeping_machine *machine,
	struct keeping *keeping, struct error *err);
/* Waits until what was kept is lasting. */
void keeping_close(struct keeping *keeping);

bool keeping_resumes(const struct keeping *keeping);
/* It was of no use: it is forgotten, and the build begins anew. */
void keeping_distrust(struct keeping *keeping);
/* The key of the guest's ssh server in that checkpoint, NULL if it is not known. */
const char *keeping_host_key(const struct keeping *keeping);
/*
 * Where the build begins anew and checkpoints are kept, SOURCE (open; nobody changes it) has a second name among them: its path, which
 * the caller frees. NULL: the source must be copied.
 */
char *keeping_take_base(struct keeping *keeping, int source);
/* Fills PATHS with fresh layers above the checkpoint that the build goes on from. */
int keeping_make_disks(struct keeping *keeping, struct strings *paths, struct error *err);

/*
 * The machine is about to be started with ARGUMENTS. Where its memory is kept, what makes QEMU share it is added to them; where they do not
 * let it, disks alone are kept from here on, and that is logged.
 */
int keeping_share_memory(struct keeping *keeping, struct strings *arguments, struct error *err);
/* The machine runs with PATHS in its drives, in FORMAT. From now on it can be kept; if it cannot, that is logged. */
void keeping_begin(struct keeping *keeping, struct machine *machine, const struct strings *paths,
	const char *format);
/* Its memory comes from the checkpoint, and it runs on. */
int keeping_restore(struct keeping *keeping, struct machine *machine, struct error *err);
/*
 * Keeps the machine behind STEP (NULL: behind its boot). What cannot be kept is logged, and from then on nothing is. Errors: the
 * machine does not run on.
 */
int keeping_keep(struct keeping *keeping, struct machine *machine, const struct step *step,
	struct communicator *communicator, struct error *err);
/* The files that the machine's drives had open last. */
const struct strings *keeping_paths(const struct keeping *keeping);
