/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the provisioners for Windows machines have in common. */

#include "backends/builder.h"
#include "backends/plugins/native.h"

/* Scripts that are put over there and run, one after the other. */
struct windows_scripts {
	struct job *job;
	struct communicator *communicator;
	const struct windows_script_options *options;
	const char *remote_path;    /* with '\' at its end: a folder, and each has its own name */
	struct json *data;          /* of {{.X}} in execute_command: Vars is there, Path is added */
	const char *variables_path; /* where VARIABLES are put before each script; NULL: nowhere */
	const struct text *variables;
	struct strings sent; /* the paths over there */
};

void windows_scripts_clear(struct windows_scripts *scripts);
/* All of them. What the connection does is tried again until start_retry_timeout. */
int windows_scripts_run(struct windows_scripts *scripts, struct error *err);

/* VALUE between PowerShell's double quotes: its special characters behind a backtick. Appends to OUT. */
void windows_escape(const char *value, struct text *out);
/* "powershell.exe -EncodedCommand ..." for SCRIPT (ASCII). Appends to OUT. */
void windows_encode_command(const char *script, struct text *out);
