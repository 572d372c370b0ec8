/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `packer` of service.json: the installed packer that builds what kiln has no driver for. */

#include "base/strings.h"
#include "reconciler/settings.h"

struct service_packer {
	char *program;        /* absolute; NULL: the one in PATH */
	char *plugins;        /* the folder of its plugins, absolute; NULL: those beside it alone */
	struct strings share; /* paths of this machine that it may use, and write to */
};
void service_packer_clear(struct service_packer *packer);

/* The object behind `packer`. */
int service_packer_read(
	struct settings_reader *reader, struct service_packer *packer, const struct json *value);

/* The program: what is configured, else the first `packer` in PATH; NULL if there is none. The caller frees. */
char *service_packer_program(const struct service_packer *packer);
