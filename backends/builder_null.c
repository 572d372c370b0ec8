/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is built; provisioners run on a host that is there, or nowhere. Source: Packer 1.6.6 builder/null. */
#include "backends/builder.h"

#include <string.h>

#include "backends/nobody.h"
#include "backends/plugins/all.h"
#include "backends/ssh/ssh.h"
#include "base/cleanup.h"

static int provision_host(
	struct job *job, const struct json *options, const struct steps *steps, struct error *err)
{
	CLEANUP(ssh_settings_clear) struct ssh_settings settings = {0};
	struct communicator *communicator;

	if (ssh_settings_read(job, options, &settings, err) < 0 ||
		ssh_open(job, &settings, &communicator, err) < 0)
		return -1;
	int result = steps_run(job, steps, communicator, NULL, err);
	communicator->ops->close(communicator);
	return result;
}

static int build(struct job *job, const struct json *options, const struct steps *steps,
	struct artifact **artifact, struct error *err)
{
	const char *communicator = json_get_text(options, "communicator", "ssh");

	if ((strcmp(communicator, "none") == 0 ? nobody_provision(job, steps, err)
					       : provision_host(job, options, steps, err)) < 0)
		return -1;
	*artifact = artifact_new(
		ARTIFACT_NOTHING, "Null", "Did not export anything. This is the null builder");
	return 0;
}

const struct builder builder_null = {
	.plugin = &plugin_builder_null,
	.build = build,
};
