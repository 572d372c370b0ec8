/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options that several plugins share. Source: Packer 1.6.6, the plugins' config structs. */

#include "backends/plugin.h"

extern const struct plugin_option options_communicator[];
extern const struct plugin_option options_http[];
extern const struct plugin_option options_floppy[];
extern const struct plugin_option options_floppy_unchecked[];
extern const struct plugin_option options_cd[];
extern const struct plugin_option options_iso[];
extern const struct plugin_option options_boot[];
extern const struct plugin_option options_shutdown[];
extern const struct plugin_option options_aws_access[];
extern const struct plugin_option options_aws_image[];
extern const struct plugin_option options_aws_run[];
extern const struct plugin_option options_virtualbox[];
extern const struct plugin_option options_vmware[];
extern const struct plugin_option options_vsphere[];
