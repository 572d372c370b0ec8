/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* shell-local as provisioner, post-processor and validator: commands in a sandbox with this machine's programs. */

#include "backends/builder.h"
#include "backends/plugins/native.h"

/* POST: as a post-processor, where a lone execute_command is given to sh -c. */
int shell_local_run(
	struct job *job, const struct shell_local_options *options, bool post, struct error *err);
