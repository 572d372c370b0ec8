/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The url of a repository, taken apart. As text: nothing here looks at a file system or a network. */

#include <stdbool.h>

#include "base/error.h"

enum remote_scheme {
	REMOTE_NONE,
	REMOTE_FILE, /* an absolute path, or file:// */
	REMOTE_HTTPS,
	REMOTE_HTTP,
	REMOTE_SSH, /* ssh://, or USER@HOST:PATH as scp writes it */
	REMOTE_GIT,
	REMOTE_SCHEME_COUNT
};

struct remote_url {
	enum remote_scheme scheme;
	char *user; /* percent escapes undone; NULL: none */
	char *host; /* without brackets; NULL for REMOTE_FILE */
	int port;   /* the scheme's own where none is written; 0 for REMOTE_FILE */
	char *path; /* for REMOTE_FILE with percent escapes undone, else as it is written */
	char *call; /* what libgit2 is given; a user stands in it for ssh alone, where the protocol needs it */
	char *shown; /* for messages: without user, query and fragment */
};

/*
 * TEXT says where a repository is, and not that it is a folder of this machine: it has a scheme other than file, or is of
 * scp's form.
 */
bool remote_url_is_remote(const char *text);
/*
 * Kind CATALOG: a scheme that is none of these, a password in it, no host, no path, a relative path, control characters.
 * No message has a user or a password in it.
 */
int remote_url_parse(const char *text, struct remote_url *url, struct error *err);
void remote_url_clear(struct remote_url *url);
const char *remote_scheme_name(enum remote_scheme scheme);
