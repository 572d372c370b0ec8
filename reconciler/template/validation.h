/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `packer validate` finds: the verdict is Packer's, the words are kiln's. Files that options name are looked for on
 * this machine, as Packer does; nothing is fetched, and no plugin is started.
 * Source: Packer 1.6.6 command/validate.go, packer/core.go, and the Prepare function of each plugin.
 */

#include "base/strings.h"
#include "reconciler/template/load.h"

struct validation_request {
	struct template_request template;
	bool syntax_only;
	const struct strings *only, *except; /* rendered build names; may be empty */
};

/* What is wrong with the template goes to PROBLEMS, a line each; none: it is valid. */
void template_validate(const struct validation_request *request, struct strings *problems);
