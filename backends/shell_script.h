/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What shell and shell-local have in common: scripts, variables, exit codes. Source: Packer 1.6.6 provisioner/shell*. */

#include "backends/builder.h"

/* The lines of `inline` as a script: shebang, each line rendered. The caller frees. */
int shell_script_of_lines(const struct json *lines, const char *shebang, const struct json *data,
	struct text *script, struct error *err);
/*
 * The variables of a step: NAME -> value, sorted: the user's NAME=VALUE and what Packer gives (PACKER_BUILD_NAME only where
 * the build's name is an input). RENDER: the user's are rendered with DATA first.
 */
int shell_variables(const struct job *job, const struct json *environment, bool render,
	const struct json *data, struct json **variables, struct error *err);
/*
 * A number for names over there. In a root file system the same in every build, for scripts can see it. On a machine that
 * others may use at the same time each build has its own.
 */
int shell_script_number(const struct job *job, const struct communicator *communicator);
/* NAME and VALUE in place of FORMAT's two %s; anything else in it is copied, %% as %. Appends to OUT. */
void shell_format_variable(
	const char *format, const char *name, const char *value, struct text *out);
/* All of them by FORMAT, whose two %s get name and value; single quotes of the user's values are escaped. */
void shell_format_variables(const struct json *variables, const char *format, struct text *out);
/* CODE is among the valid ones (a list of numbers). The error names them. */
int shell_check_code(const struct json *valid, int code, struct error *err);
