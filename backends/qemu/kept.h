/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The checkpoints of machines in a store, all at once: for making room. Layers lie under those of later checkpoints and go with the last. */

#include "base/json.h"
#include "base/map.h"

struct kept_machine {
	char *name; /* of its note */
	struct json *note;
	int64_t bytes;      /* of the files that would go with it, were it the only one to go */
	int64_t used_usec;  /* last */
	int64_t saved_usec; /* by going on from it in place of beginning anew */
	bool gone;
};

struct kept_machines {
	int folder; /* borrowed */
	struct kept_machine *items;
	size_t count, room;
	struct map files; /* name -> how many notes name it (uintptr_t) */
	int64_t bytes;    /* of these files, each once */
};
int kept_machines_read(int folder, struct kept_machines *kept, struct error *err);
void kept_machines_clear(struct kept_machines *kept);

/* A note names the file. */
bool kept_machines_name(const struct kept_machines *kept, const char *file);
/* A running build holds one of its files. */
bool kept_machine_is_in_use(const struct kept_machines *kept, const struct kept_machine *machine);
/* Removes its note, and what nobody else names; what that freed, in bytes. With DRY_RUN it is only counted. */
int64_t kept_machine_remove(struct kept_machines *kept, struct kept_machine *machine, bool dry_run);
/* FILE is one of a checkpoint of a machine, by its name. */
bool kept_is_machine_file(const char *file);
