/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS connections, as a client, by OpenSSL; they block. The system's bundle of authorities is not read whole: OpenSSL looks the one it
 * needs up.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct tls;
struct tls_connection;

struct tls_settings {
	const char *ca_file; /* instead of the system's; NULL: those */
	const char *certificate_file, *key_file, *passphrase; /* of ourselves; NULL: none */
};

/* SETTINGS are borrowed as long as it is used. Kind CATALOG: a file that cannot be read. */
int tls_new(const struct tls_settings *settings, struct tls **tls, struct error *err);
/*
 * To a name or an address, whose certificate must be for it. Kind CATALOG: the certificate, or ours, is not accepted; TRANSIENT: no
 * address, no connection, or no TLS there. The caller closes *CONNECTION.
 */
int tls_connect(struct tls *tls, const char *host, const char *port,
	struct tls_connection **connection, struct error *err);
void tls_close(struct tls_connection *connection);
/* How many bytes; 0 of a read: the other side ended. */
ssize_t tls_read(struct tls_connection *connection, void *data, size_t size, struct error *err);
ssize_t tls_write(
	struct tls_connection *connection, const void *data, size_t size, struct error *err);
/* The other side's certificate as DER, which lives as long as CONNECTION. */
int tls_certificate(struct tls_connection *connection, const unsigned char **der, size_t *size,
	struct error *err);

/* A private key in PEM; PASSPHRASE may be NULL. False too for what is no key that can be read. */
bool tls_is_rsa_key(const char *pem, const char *passphrase);
