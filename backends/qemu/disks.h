/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine's disks, made before it starts and written anew after its end, by qemu-img. Source: Packer 1.6.6 builder/qemu. */

#include "backends/qemu/media.h"

struct qemu_disks {
	const char *folder;   /* absolute: where the paths count from */
	struct strings paths; /* the first is the main one */
};

/* Their places: the main disk OUTPUT/NAME and the additional ones OUTPUT/NAME-1 ...; OUTPUT counts from FOLDER. */
void qemu_disks_name(const struct qemu_options *options, const char *folder, const char *output,
	const char *name, struct qemu_disks *disks);
/* The source can lie under the main disk while the machine runs: what comes of it is written anew in any case, and nobody changes it. */
bool qemu_disks_may_lie_above(const struct qemu_options *options, const struct qemu_media *media);
/* Makes them; the folder OUTPUT is there. UNDER is where the source lies that is not copied (see above); NULL: it is copied. */
int qemu_disks_make(struct job *job, const struct qemu_options *options,
	const struct qemu_media *media, const char *under, const struct qemu_disks *disks,
	struct error *err);
/* Writes the main disk anew where the options ask for that: without what is unused, compressed. */
int qemu_disks_finish(struct job *job, const struct qemu_options *options,
	const struct qemu_media *media, const struct qemu_disks *disks, struct error *err);
/* Writes each disk anew from what a machine with layers had open, LAYERS (qcow2), one for each disk. */
int qemu_disks_flatten(struct job *job, const struct qemu_options *options,
	const struct strings *layers, const struct qemu_disks *disks, struct error *err);
void qemu_disks_clear(struct qemu_disks *disks);
