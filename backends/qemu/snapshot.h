/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A running machine held for a moment: its disks go on in new layers, so that what was written so far stays as it is, and its
 * memory is written out; and a machine that goes on from there. Source: QEMU docs/interop/live-block-operations.rst,
 * docs/devel/migration.rst.
 */

#include "backends/qemu/guest_memory.h"
#include "backends/qemu/machine.h"
#include "base/strings.h"

/* The drives of a machine, each under the name that QEMU has for it. */
struct snapshot_drives {
	struct strings devices;
	int64_t *sizes; /* that the guest sees, bytes */
};
/* Those that have the files PATHS open, in their order. Clear them also when this fails. */
int snapshot_find_drives(struct machine *machine, const struct strings *paths,
	struct snapshot_drives *drives, struct error *err);
void snapshot_drives_clear(struct snapshot_drives *drives);

/*
 * Stops the machine. From then on what each of DRIVES has open is read only, and what the machine writes goes to the file of LAYERS
 * at the same place, which is there already, above the old one. With OUT >= 0 what changed in MEMORY and the rest of its state
 * are written there (guest_memory_write). STOPPED (may be NULL) is called while it stands still, before all else. Then it runs on: 0; 1 and the error, if it runs on but was not written whole, and then *SWITCHED says
 * whether it writes to LAYERS; -1 if nobody knows what it does.
 */
typedef int snapshot_stopped(void *context, struct error *err);
int snapshot_take(struct machine *machine, const struct snapshot_drives *drives,
	const struct strings *layers, struct guest_memory *memory, int out,
	snapshot_stopped *stopped, void *context, bool *switched, struct error *err);

/* Fills MEMORY of a machine that was started to wait for that from FILES (guest_memory_read), and lets it run. */
int snapshot_restore(struct machine *machine, struct guest_memory *memory, const int *files,
	size_t count, struct error *err);

/* A new layer of SIZE bytes at PATH above BACKING (absolute; of FORMAT), which is not looked at. */
int snapshot_make_layer(struct job *job, const char *path, const char *backing, const char *format,
	int64_t size, struct error *err);
