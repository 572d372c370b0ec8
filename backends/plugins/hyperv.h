/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the builders for Hyper-V share. Source: Packer 1.6.6 builder/hyperv/common/config.go. */

#include "backends/plugin.h"

extern const struct plugin_option options_hyperv[];
extern const struct plugin_rule rules_hyperv[];
