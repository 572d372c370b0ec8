/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting. Source: Packer 1.6.6 provisioner/sleep and provisioner/breakpoint. */
#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"

static bool only_waits(const struct json *options)
{
	(void)options;
	return true;
}

static int wait_a_while(struct job *job, const struct json *options,
	struct communicator *communicator, struct error *err)
{
	struct sleep_options decoded;

	options_decode(&plugin_provisioner_sleep, options, &decoded);
	build_log_say(&job->log, "waiting %.1f s", (double)decoded.duration_nsec / 1e9);
	return communicator_wait(communicator, decoded.duration_nsec / 1000, err);
}

const struct provisioner provisioner_sleep = {
	.plugin = &plugin_provisioner_sleep,
	.only_reads = only_waits,
	.provision = wait_a_while,
};

/* One that is not disabled never gets here: its table says why. */
static int pass_by(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	struct breakpoint_options decoded;

	(void)communicator;
	options_decode(&plugin_provisioner_breakpoint, options, &decoded);
	if (!decoded.disable)
		return fail(err, ERROR_CATALOG, "there is no terminal to wait at");
	build_log_say(&job->log, "a breakpoint that is disabled%s%s", *decoded.note ? ": " : "",
		decoded.note);
	return 0;
}

const struct provisioner provisioner_breakpoint = {
	.plugin = &plugin_provisioner_breakpoint,
	.only_reads = only_waits,
	.provision = pass_by,
};
