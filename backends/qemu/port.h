/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Free ports of this machine. Another may take one between our look and its use. */

#include <stdint.h>

#include "base/error.h"

/* A free one of ADDRESS, from FIRST to LAST, in *PORT. Kind RESOURCE if there is none. */
int port_choose(const char *address, int64_t first, int64_t last, int *port, struct error *err);
