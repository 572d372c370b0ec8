/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What kiln-fetch is to do: the JSON object that it gets on standard input. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strings.h"
#include "reconciler/credentials.h"
#include "reconciler/git/fetch/url.h"

struct fetch_order {
	char *written; /* the url as it stands in the order: may have a user in it */
	struct remote_url url;
	char *mirror;        /* absolute; its parent exists */
	struct strings refs; /* full names; none: what the remote's HEAD names */
	struct strings pins; /* commits in hexadecimal */
	char *pins_of;       /* whose they are: those of others stay; the url unless given */
	int64_t deadline_sec;
	int64_t most_bytes; /* that the remote may send */
	bool check;         /* read all that the refs need, whatever the mirror says of itself */
	struct service_credentials *credentials; /* NULL: none */
};

/* From FD to its end. Kind CATALOG: what is wrong with it, and where. */
int fetch_order_read(int fd, struct fetch_order *order, struct error *err);
void fetch_order_clear(struct fetch_order *order);

/* REF is a full name that can be followed. Those below refs/kiln/ are ours, and not a remote's to set. */
bool fetch_order_is_ref(const char *ref);
