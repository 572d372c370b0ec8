/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the provisioner and the post-processor of that name share. */

#include "backends/plugin.h"

extern const struct plugin_option options_shell_local[];
extern const struct plugin_rule shell_local_rules[];
/* The default of execute_command. */
int shell_local_check(struct json *options, struct error *err);
