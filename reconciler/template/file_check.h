/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files of this machine that a recipe's options name, looked at as Packer does before it builds: column `check` of the
 * option tables says what at.
 */

#include "reconciler/template/load.h"
#include "reconciler/template/recipe.h"

/* What is wrong goes to PROBLEMS, a line each. Relative paths count from the template's working folder. */
void file_check(
	const struct loaded_template *loaded, struct recipe *recipe, struct strings *problems);
