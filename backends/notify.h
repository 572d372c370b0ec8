/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Telling somebody outside: a POST, or a command of the operator's. The head, which must not wait, has a worker do it. */

#include "base/json.h"

/*
 * ORDER: {"body": text, "event", "delivery", "timeout_sec"} and {"url", "signature": hex or null} or {"command": [text]}.
 * A POST has the body as it is, and X-Kiln-Event, X-Kiln-Delivery and X-Kiln-Signature-256 (sha256=HEX, the HMAC of the body);
 * a command gets the body on standard input and KILN_EVENT in its environment. Anything but a 2xx answer, or exit code 0, is an error.
 */
int notify_deliver(const struct json *order, struct error *err);
