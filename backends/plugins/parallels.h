/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the builders for Parallels share. Source: Packer 1.6.6 builder/parallels/common. */

#include "backends/plugin.h"

extern const struct plugin_option options_parallels[];
extern const struct plugin_rule rules_parallels[];
