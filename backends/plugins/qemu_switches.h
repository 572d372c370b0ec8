/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which of QEMU's switches a template may set without the power qemu-args: those that change nothing but the machine. A value is
 * known to be harmless only where no file, socket, character device, network or command of the host can be named in it.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"

/* SWITCH ("-smp") with VALUE ("" for a bare one). */
bool qemu_switch_is_harmless(const char *name, const char *value);

/* For options' rows: all rows of qemuargs are, it is one word (no options behind a comma), it is a qemu-system-... from PATH. */
bool qemu_arguments_are_harmless(const struct json *rows);
bool qemu_word_is_harmless(const struct json *text);
bool qemu_program_is_harmless(const struct json *text);

/* That every row begins with a switch. Kind CATALOG. */
int qemu_arguments_check(const struct json *rows, struct error *err);
