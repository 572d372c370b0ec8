/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files from http and https, kept in STATE/cache/downloads under their SHA-256 and fetched once. */

#include "backends/job.h"
#include "base/digest.h"

/*
 * The file of that digest, from the cache or from URL (at most a few tries, resumed where the server allows): an open
 * descriptor. Another content is an error of kind CATALOG, a server that does not answer one of kind TRANSIENT.
 */
int download_open(struct job *job, const char *url, const struct digest *digest, struct error *err);
