/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What Packer renders late for a virtual machine: boot_command and qemuargs. */

#include "base/error.h"
#include "base/json.h"

/*
 * Renders TEMPLATE again and again until nothing changes, DATA being '.'; a field that DATA has not is an error (CATALOG).
 * Appends to OUT. Source: Packer 1.6.6 template/interpolate.
 */
int qemu_render(const char *template, const struct json *data, struct text *out, struct error *err);
