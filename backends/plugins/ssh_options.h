/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What no table says of the ssh_ options (options_communicator), for the checks of plugins. */

#include "backends/plugin.h"

/* -1 and ERR for what is wrong in the options alone. OWN_HOST: the builder finds the host itself. */
int ssh_options_check(const struct json *options, bool own_host, struct error *err);
/* Why kiln cannot do what they ask, or NULL. */
const char *ssh_options_unsupported(const struct json *options);
