/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is kept of a machine behind a step: its disks, each a sealed layer above those before it, and with kind memory what changed
 * of that since the checkpoint below (guest_memory.h). STATE/checkpoints has the files and beside them KEY.vm.json, the note, which is written last: what
 * has no note is no checkpoint. A file whose digest is another one than its note says makes the checkpoint none, too.
 */

#include "backends/job.h"
#include "base/digest.h"

enum checkpoint_kind { CHECKPOINT_KEEP_NONE, CHECKPOINT_KEEP_DISK, CHECKPOINT_KEEP_MEMORY };
/* "off", "disk", "memory" */
const char *checkpoint_kind_name(enum checkpoint_kind kind);

struct checkpoints {
	struct job *job;
	int folder; /* -1: nothing is kept */
	char *path; /* of the folder, absolute */
	char *base; /* the file under all disks of this build, by its name there; NULL: none */
	struct json *sealing; /* pids of those that seal, with what they seal */
	int *held; /* what must not be evicted while the build lives: locked descriptors */
	size_t held_count, held_room;
};
int checkpoints_open(struct job *job, struct checkpoints *store, struct error *err);
/* Waits for what is being sealed, and logs what could not be. */
void checkpoints_close(struct checkpoints *store);

struct checkpoint {
	struct digest key;
	enum checkpoint_kind kind;
	struct json *note;
};
void checkpoint_clear(struct checkpoint *checkpoint);

/* Steps that are open to the outside and lie behind a checkpoint have an age each. */
struct checkpoint_age {
	size_t step;
	int64_t max_sec;
};

/*
 * The checkpoint of that key: 1 if it is there, whole, of KIND, and each open step of AGES ran no longer ago than it says (one that was
 * not open then has no time, and counts as too old); else 0. A damaged one is logged and removed. It is not evicted as long as the store
 * is open.
 */
int checkpoint_find(struct checkpoints *store, const struct digest *key, enum checkpoint_kind kind,
	const struct checkpoint_age *ages, size_t age_count, struct checkpoint *checkpoint);

/* Takes its note away. Its layers may lie under others: what nobody names any more is collected. */
void checkpoint_forget(struct checkpoints *store, const struct digest *key);
size_t checkpoint_disk_count(const struct checkpoint *checkpoint);
/* The absolute path of the topmost layer of disk INDEX; the caller frees. */
char *checkpoint_disk_path(
	const struct checkpoints *store, const struct checkpoint *checkpoint, size_t index);
/*
 * Opens the files of its memory, the one that all others change first: *FILES (the caller frees it and closes *COUNT descriptors).
 */
int checkpoint_open_memory(const struct checkpoints *store, const struct checkpoint *checkpoint,
	int **files, size_t *count, struct error *err);

/* ---- keeping one ---- */

/* The path that disk INDEX of a checkpoint to come gets; the caller frees. */
char *checkpoint_new_disk(const struct checkpoints *store, const struct digest *key, size_t index);
/* The file that its memory goes to, made anew, in *FD (the caller's). */
int checkpoint_new_memory(
	struct checkpoints *store, const struct digest *key, int *fd, struct error *err);
/* Takes DISK, a closed file of the build below FOLDER, as its disk INDEX: a second name of the same file. */
int checkpoint_take_disk(struct checkpoints *store, const struct digest *key, size_t index,
	const char *path, struct error *err);
/*
 * Takes the file of FD, which nobody changes, as what lies under the first disk of this build's checkpoints: a second name of the same
 * file, under the key of the first of them and the file's own number, so that another source of that key does not take its place. Its path, which the caller frees; NULL where that cannot be (another file system).
 */
char *checkpoint_take_base(struct checkpoints *store, const struct digest *key, int fd);
/*
 * Makes it lasting: files synced, read-only and digested, then the note. A process of its own does it while the build goes on.
 * BELOW is the key of the checkpoint whose layers lie under it, NULL for none; ABOUT (taken over) what a build wants to find again: "seconds" that
 * it saves, "opened" [{"step", "usec"}], and whatever else.
 */
int checkpoint_seal(struct checkpoints *store, const struct digest *key, enum checkpoint_kind kind,
	size_t disk_count, bool with_vars, const struct digest *below, struct json *about,
	struct error *err);

/* The variables of the machine's firmware: the file PATH (absolute) is kept with the checkpoint to come, or comes back from one. */
int checkpoint_take_vars(
	struct checkpoints *store, const struct digest *key, const char *path, struct error *err);
int checkpoint_give_vars(const struct checkpoints *store, const struct checkpoint *checkpoint,
	const char *path, struct error *err);
