/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What kiln asks of the ssh_ options (options_communicator) beyond Packer's rules_communicator. */

#include "backends/plugin.h"

/* Why kiln cannot do what they ask, or NULL. */
const char *ssh_options_unsupported(const struct json *options);

/*
 * The options of a machine that nobody gave a way in: no password, key or agent. kiln makes it a key pair, of which the public half is
 * {{.SSHPublicKey}}. Source: Packer 1.7 communicator/step_ssh_keygen.go; there only in memory and of RSA.
 */
bool ssh_options_want_key(const struct json *options);
/* temporary_key_pair_name, or what it is where that is not given (borrowed). */
const char *ssh_options_key_name(const struct json *options);
