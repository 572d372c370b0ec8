/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is built; provisioners and post-processors run. Source: Packer 1.6.6 builder/null. */
#include "backends/builder.h"
#include "backends/nobody.h"
#include "backends/plugins/all.h"

static int build(struct job *job, const struct json *options, const struct steps *steps,
	struct artifact **artifact, struct error *err)
{
	(void)options;
	if (nobody_provision(job, steps, err) < 0)
		return -1;
	*artifact = artifact_new(
		"fnoeding.null", "Null", "Did not export anything. This is the null builder");
	return 0;
}

const struct builder builder_null = {
	.plugin = &plugin_builder_null,
	.build = build,
};
