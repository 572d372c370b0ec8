/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The flags that Packer's own commands share. */

#include "reconciler/cli/cli.h"
#include "reconciler/template/load.h"

#define PACKER_VARIABLE_FLAGS                                                        \
	{"var", "NAME=VALUE", true, "a variable"},                                   \
	{                                                                            \
		"var-file", "FILE", true, "a JSON file of variables, later ones win" \
	}

/* The request of SESSION's flags for the template at PATH. Borrows from the session. */
struct template_request packer_request(const struct session *session, const char *path);
/* What stands in the flag NAME, given several times or with commas, added to LIST. */
void packer_add_names(const struct session *session, const char *name, struct strings *list);
