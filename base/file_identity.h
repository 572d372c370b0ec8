/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * By what a file is known not to have changed since it was read: all that the kernel changes when its content does.
 */

#include "base/json.h"

/* {"size", "inode", "modified_nsec", "changed_nsec"} of an open file, to be compared with json_equal; NULL if it cannot be told. */
struct json *file_identity(int fd);

/*
 * The same before FD is read, where its content was made just now. The kernel's clock of files goes by ticks, and two changes in one
 * look the same: this waits until the last one's tick is over. NULL also if somebody else may have the file open for writing.
 */
struct json *file_identity_at_rest(int fd);

/* The file is ours, and nobody has it open for writing. */
bool file_is_at_rest(int fd);
