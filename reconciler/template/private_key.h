/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether bytes look like a private key that ssh can use without being asked for a passphrase. */

#include <stddef.h>

#include "base/error.h"

/* Source: RFC 7468 for the frame, OpenSSH's PROTOCOL.key, golang.org/x/crypto/ssh ParsePrivateKey. CATALOG if not. */
int private_key_check(const char *bytes, size_t size, struct error *err);
