/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The reverse of compress.h. */

#include "backends/job.h"

/* Writes to OUT what FD, one compressed file, holds. A reader that goes away is an error. */
int decompress_fd(struct job *job, int fd, int out, struct error *err);
