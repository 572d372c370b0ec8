/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What kiln asks of the ssh_ options (options_communicator) beyond Packer's rules_communicator. */

#include "backends/plugin.h"

/* Why kiln cannot do what they ask, or NULL. */
const char *ssh_options_unsupported(const struct json *options);
