/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File trees as tar, always the same bytes for the same tree: entries sorted, times clamped, owners by number. Called
 * inside the build's user namespace; every name is opened relative to its folder and no link is followed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum tree_form {
	TREE_WHOLE, /* a root file system; nothing in the tree is changed */
	TREE_LAYER, /* the upper folder of an overlay: what it hides becomes .wh. files; times in it are clamped too */
};

/* Writes FOLDER as an uncompressed tar to the descriptor OUT. Times later than EPOCH (seconds) become EPOCH. */
int tree_pack(int folder, enum tree_form form, int64_t epoch, int out, struct error *err);

struct tree_unpack {
	int archive; /* a tar, compressed or not, read from its offset on */
	int folder; /* the empty (or lower) folder it goes into; becomes the root while it is read */
	int64_t epoch;
	bool owners;      /* there are ids to give; otherwise all is root's */
	bool layer;       /* .wh. files become what an overlay's upper folder has */
	bool apply_layer; /* .wh. files remove what lies in FOLDER: one layer laid onto others */
	uint64_t skipped_devices; /* result: device nodes, which a build cannot have */
};
int tree_unpack(struct tree_unpack *unpack, struct error *err);
