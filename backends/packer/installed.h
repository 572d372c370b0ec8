/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is known of any installed packer. Nothing here runs one. */

#include <stdbool.h>

#include "base/error.h"

/* The oldest whose templates and output are what kiln knows. */
#define PACKER_OLDEST "1.6.0"

/*
 * TEXT is "1.6.6", "v1.6.6" or "Packer v1.6.6", and more may follow; the caller frees *VERSION, which is "1.6.6". Error
 * (BROKEN) if there is no version in it, or one that is too old.
 */
int packer_version_read(const char *text, char **version, struct error *err);

/*
 * NAME, a file's, is one that Packer takes for a plugin and runs: one that lies in the folder that it runs in, or, BELOW,
 * in any folder there. Upper and lower case are equal. Source: Packer 1.6.6 and 1.8.7 config.go and packer/plugin.go.
 */
bool packer_is_plugin(const char *name, bool below);

/* Where it finds the operator's own plugins, and versions of the catalog. */
#define PACKER_PLUGINS_FOLDER "/run/kiln/plugins"
#define PACKER_BASES_FOLDER "/run/kiln/bases"
