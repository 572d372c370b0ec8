/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Powers: what a repository may do to the host only if the operator grants it (docs/ARCHITECTURE.md). The list is
 * closed; none is granted by default.
 */

#include <stdbool.h>

#include "base/strings.h"

enum power {
	POWER_NONE,
	POWER_SHELL_LOCAL,
	POWER_HOST_NETWORK,
	POWER_HOST_ANSIBLE,
	POWER_QEMU_ARGS,
	POWER_PACKER_ENGINE,
	POWER_OUTSIDE_PATH, /* with a prefix: "outside-path:/srv/iso" */
	POWER_ENV,          /* with a name: "env:BUILD_NUMBER" */
	POWER_COUNT
};

const char *power_name(enum power power);
/* What it lets a repository do, for people. */
const char *power_help(enum power power);
/* GRANT ("env:HOME", "shell-local") is written as a power is; in *ARGUMENT what stands behind the colon or NULL. */
bool power_parse(const char *grant, enum power *power, const char **argument);

/*
 * NEED as a template's needs are written ("shell-local", "env:HOME", "outside-path:/srv/iso/debian.iso") is covered by
 * one of GRANTS. An outside-path covers what lies below it.
 */
bool power_is_granted(const struct strings *grants, const char *need);
