/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a remote repository is opened with: names of files, never what is in them. The operator's file has it, and so has
 * the order that kiln-fetch gets.
 */

#include <stdbool.h>

#include "reconciler/settings.h"

struct remote_url;

struct service_credentials {
	char *username;
	char *password_file, *token_file;
	char *certificate_file, *key_file; /* of a client, for https */
	char *ca_file;                     /* instead of the system's */
	char *ssh_key_file, *passphrase_file;
	bool ssh_agent;
	char *known_hosts_file;
};

/*
 * Reads OBJECT into *CREDENTIALS, which the caller frees; on failure too. Call credentials_check when the url is known.
 */
int credentials_read(struct settings_reader *reader, const struct json *object,
	struct service_credentials **credentials);
void credentials_free(struct service_credentials *credentials);

/*
 * What is wrong with CREDENTIALS (NULL: none) for URL, with what to do about it; NULL if nothing is. *KEY is the one that it is
 * about, NULL for a key that is not there.
 */
const char *credentials_check(const struct service_credentials *credentials,
	const struct remote_url *url, const char **key);

/* The object as it stands in an order: all files by their absolute paths. NULL for NULL. The caller frees. */
struct json *credentials_to_json(const struct service_credentials *credentials);
