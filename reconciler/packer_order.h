/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a worker is told of a build by packer (backends/packer/engine.h), and the template as packer reads it:
 * {"program", "plugins", "share", "template", "variables", "var_files", "environment", "execution"}.
 */

#include "reconciler/evaluate.h"
#include "reconciler/repository.h"

/*
 * Adds it to ORDER, which has the build's own part already, and writes the template into the folder TREE, where the
 * closure is: as it is, but for what it calls catalog:NAME, which stands there as a path or an id.
 */
int packer_order_add(struct json *order, const struct repository *repository,
	const struct definition *definition, struct build_inputs *inputs, int tree,
	struct error *err);
