/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the builders for Proxmox share. Source: Packer 1.6.6 builder/proxmox/common/config.go. */

#include "backends/plugin.h"

extern const struct plugin_option options_proxmox[];
extern const struct plugin_rule rules_proxmox[];
