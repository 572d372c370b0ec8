/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One file from a server, by libcurl: http, https, ftp. It goes on where an earlier transfer ended if the server still has the same
 * file, else begins anew. Certificates are checked against the machine's authorities (SSL_CERT_FILE, SSL_CERT_DIR for others).
 */

#include "backends/job.h"

enum { TRANSFER_TRIES = 3 };

/* What a server says of a file, by which it is known again. Each may be NULL; owned. */
struct validators {
	char *etag, *modified;
};
void validators_clear(struct validators *validators);

struct transfer {
	struct job *job;
	const char *url;   /* borrowed */
	const char *shown; /* the same for people, see transfer_shown_url; borrowed */
	int fd;            /* where it goes */
	int64_t most;      /* no more bytes than that; 0: as many as come */
	bool pinned;       /* a checksum will tell whether it is the right one */
	/*
	 * How much of it is there, and by what that part is known again; without validators only what is pinned goes on. Afterwards how
	 * much there is, what the server said, and the whole size (-1: unknown).
	 */
	int64_t have;
	struct validators known;
	int64_t total;
	/* Asks for it only if it is another than KNOWN. */
	bool only_if_changed;
	/* Called when the server has begun to answer, before the first byte is written; may be NULL. */
	int (*begun)(struct transfer *transfer, struct error *err);
	/* Called for what was written; may be NULL. */
	void (*received)(struct transfer *transfer, const void *bytes, size_t size);
	void *context;
	bool resumed, unchanged; /* it went on from what was there; it is still KNOWN */
};

bool transfer_is_url(const char *place);
/* The URL without a password; the caller frees. */
char *transfer_shown_url(const char *url);

/*
 * Fetches it, and tries again (up to TRIES attempts in a row that bring little) where that may help. Kind CATALOG for what the server
 * refuses, TRANSIENT for one that does not answer or stalls, RESOURCE where there is no room. The job's end ends it within a second.
 */
int transfer_run(struct transfer *transfer, int tries, struct error *err);
/* A small file as text; more than MOST bytes are an error. */
int transfer_read(
	struct job *job, const char *url, size_t most, struct text *out, struct error *err);

/* Logs how far something got, at most every few seconds. */
struct transfer_progress {
	struct job *job;
	const char *what; /* borrowed */
	int64_t first_bytes, first_usec, said_usec;
};
void transfer_progress_begin(
	struct transfer_progress *progress, struct job *job, const char *what, int64_t bytes);
/* TOTAL -1: unknown. */
void transfer_progress_say(struct transfer_progress *progress, int64_t bytes, int64_t total);
