/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS for libgit2, whose own in Debian 12 (mbed TLS) has no client certificates, no TLS 1.3, and no certificate of an
 * address: its streams are base/tls.h's connections.
 */

#include <stdint.h>

#include "base/tls.h"

struct stream_settings {
	const char *host; /* of the url, and its port: where what is secret may go */
	int port;
	bool pinned; /* no other place is spoken to, wherever a server sends us */
	struct tls_settings tls;
	int64_t most_bytes; /* that servers may send in all */
};

/* All TLS of libgit2 goes this way from now on; SETTINGS are borrowed for good. Kind CATALOG: a file that cannot be read. */
int stream_register(const struct stream_settings *settings, struct error *err);
/* SAID, libgit2's text, is what failed here: then *ERR has the kind too. */
bool stream_explains(const char *said, struct error *err);
