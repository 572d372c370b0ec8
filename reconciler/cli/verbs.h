/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every verb of the command line, a file each; verbs.c lists them. */

#include "reconciler/cli/cli.h"

extern const struct cli_verb cli_plan;
extern const struct cli_verb cli_apply;
extern const struct cli_verb cli_inputs;
extern const struct cli_verb cli_diff;
extern const struct cli_verb cli_status;
extern const struct cli_verb cli_list;
extern const struct cli_verb cli_show;
extern const struct cli_verb cli_path;
extern const struct cli_verb cli_why;
extern const struct cli_verb cli_log;
extern const struct cli_verb cli_audit;
extern const struct cli_verb cli_verify;
extern const struct cli_verb cli_rollback;
extern const struct cli_verb cli_promote;
extern const struct cli_verb cli_hold;
extern const struct cli_verb cli_release;
extern const struct cli_verb cli_retire;
extern const struct cli_verb cli_cancel;
extern const struct cli_verb cli_daemon;
extern const struct cli_verb cli_reload;
extern const struct cli_verb cli_drain;
extern const struct cli_verb cli_gc;
extern const struct cli_verb cli_doctor;
extern const struct cli_verb cli_phases;
extern const struct cli_verb cli_validate;
extern const struct cli_verb cli_inspect;
extern const struct cli_verb cli_console;
extern const struct cli_verb cli_fix;
