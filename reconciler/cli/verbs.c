/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/verbs.h"

#include <stddef.h>

const struct cli_verb *const cli_verbs[] = {
	&cli_plan,
	&cli_apply,
	&cli_inputs,
	&cli_diff,
	&cli_status,
	&cli_list,
	&cli_show,
	&cli_path,
	&cli_why,
	&cli_log,
	&cli_audit,
	&cli_verify,
	&cli_rollback,
	&cli_promote,
	&cli_hold,
	&cli_release,
	&cli_retire,
	&cli_cancel,
	&cli_gc,
	&cli_validate,
	&cli_inspect,
	&cli_fix,
	&cli_console,
	&cli_daemon,
	&cli_reload,
	&cli_drain,
	&cli_doctor,
	&cli_phases,
	NULL,
};
