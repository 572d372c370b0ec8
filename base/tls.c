/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

/* Where a host has several addresses, a silent one must not use the deadline up. */
enum { CONNECT_SEC = 10 };

struct tls {
	const struct tls_settings *settings;
	SSL_CTX *context;
};

struct tls_connection {
	struct tls *tls;
	char *host, *port;
	int fd;
	SSL *session;
	unsigned char *certificate; /* as DER; NULL: nobody asked for it */
};

/* OpenSSL's reason for what just failed. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	return text ? text : "unknown reason";
}

/* ---- what every connection has ---- */

static int give_passphrase(char *buffer, int size, int writing, void *context)
{
	const struct tls_settings *settings = context;
	int length = settings->passphrase ? strlen(settings->passphrase) : 0;

	(void)writing;
	if (length > size)
		return -1;
	memcpy(buffer, settings->passphrase ? settings->passphrase : "", length);
	return length;
}

static int load_authorities(struct tls *tls, struct error *err)
{
	if (!tls->settings->ca_file) {
		SSL_CTX_set_default_verify_paths(tls->context);
		return 0;
	}
	if (SSL_CTX_load_verify_file(tls->context, tls->settings->ca_file) == 1)
		return 0;
	return fail(err, ERROR_CATALOG, "ca_file: %s has no certificate that can be read (%s)",
		tls->settings->ca_file, reason());
}

static int load_certificate(struct tls *tls, struct error *err)
{
	if (!tls->settings->certificate_file)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(tls->context, tls->settings->certificate_file) != 1)
		return fail(err, ERROR_CATALOG, "certificate_file: %s cannot be read (%s)",
			tls->settings->certificate_file, reason());
	if (SSL_CTX_use_PrivateKey_file(tls->context, tls->settings->key_file, SSL_FILETYPE_PEM) !=
		1)
		return fail(err, ERROR_CATALOG,
			"key_file: %s cannot be read, or is not the certificate's (%s)",
			tls->settings->key_file, reason());
	return 0;
}

static void tls_free(struct tls *tls)
{
	SSL_CTX_free(tls->context);
	free(tls);
}

int tls_new(const struct tls_settings *settings, struct tls **tls, struct error *err)
{
	struct tls *made = memory_new(sizeof(*made));

	*made = (struct tls){settings, SSL_CTX_new(TLS_client_method())};
	if (!made->context) {
		tls_free(made);
		return fail(err, ERROR_RESOURCE, "OpenSSL does not start: %s", reason());
	}
	SSL_CTX_set_min_proto_version(made->context, TLS1_2_VERSION);
	SSL_CTX_set_verify(made->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(made->context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_default_passwd_cb(made->context, give_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(made->context, (void *)settings);
	if (load_authorities(made, err) < 0 || load_certificate(made, err) < 0) {
		tls_free(made);
		return -1;
	}
	*tls = made;
	return 0;
}

/* ---- connecting ---- */

static int open_socket(const struct addrinfo *address)
{
	struct timeval most = {CONNECT_SEC, 0}, none = {0};
	int fd = socket(
		address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);

	if (fd < 0)
		return -1;
	if (address->ai_next)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
		return fd;
	}
	int saved = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = saved;
	return -1;
}

static int open_connection(struct tls_connection *connection, struct error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses;
	int code = getaddrinfo(connection->host, connection->port, &hints, &addresses);

	if (code)
		return fail(err, ERROR_TRANSIENT, "the address of %s is not known: %s",
			connection->host, gai_strerror(code));
	for (const struct addrinfo *one = addresses; one && connection->fd < 0; one = one->ai_next)
		connection->fd = open_socket(one);
	if (connection->fd < 0)
		error_set_errno(err, ERROR_TRANSIENT, "no connection to %s port %s",
			connection->host, connection->port);
	freeaddrinfo(addresses);
	return connection->fd < 0 ? -1 : 0;
}

/* The name or the address that the certificate must be for. */
static void expect_host(SSL *session, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host);
	} else {
		SSL_set1_host(session, host);
		SSL_set_tlsext_host_name(session, host);
	}
	SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
}

static int fail_handshake(const struct tls_connection *connection, int code, struct error *err)
{
	long verdict = SSL_get_verify_result(connection->session);
	int problem = SSL_get_error(connection->session, code);

	if (verdict != X509_V_OK)
		return fail(err, ERROR_CATALOG, "the certificate of %s is not accepted: %s (%s)",
			connection->host, X509_verify_cert_error_string(verdict),
			connection->tls->settings->ca_file
				? connection->tls->settings->ca_file
				: "credentials.ca_file names an authority of your own");
	if (problem == SSL_ERROR_SYSCALL && errno)
		return fail_errno(
			err, ERROR_TRANSIENT, "the connection to %s is lost", connection->host);
	/* an alert is the other side's own word: it will say the same again */
	return fail(err,
		ERR_GET_REASON(ERR_peek_last_error()) > SSL_AD_REASON_OFFSET ? ERROR_CATALOG
									     : ERROR_TRANSIENT,
		"no TLS with %s: %s", connection->host, reason());
}

static int shake_hands(struct tls_connection *connection, struct error *err)
{
	connection->session = SSL_new(connection->tls->context);
	if (!connection->session || SSL_set_fd(connection->session, connection->fd) != 1)
		return fail(err, ERROR_RESOURCE, "no TLS session: %s", reason());
	expect_host(connection->session, connection->host);
	errno = 0;
	int code = SSL_connect(connection->session);
	return code == 1 ? 0 : fail_handshake(connection, code, err);
}

int tls_connect(struct tls *tls, const char *host, const char *port,
	struct tls_connection **connection, struct error *err)
{
	struct tls_connection *made = memory_new(sizeof(*made));

	*made = (struct tls_connection){.tls = tls,
		.host = memory_copy_text(host),
		.port = memory_copy_text(port),
		.fd = -1};
	if (open_connection(made, err) < 0 || shake_hands(made, err) < 0) {
		tls_close(made);
		return -1;
	}
	*connection = made;
	return 0;
}

void tls_close(struct tls_connection *connection)
{
	if (!connection)
		return;
	if (connection->session)
		SSL_shutdown(connection->session); /* says so, and does not wait for an answer */
	SSL_free(connection->session);
	cleanup_close(&connection->fd);
	OPENSSL_free(connection->certificate);
	free(connection->host);
	free(connection->port);
	free(connection);
}

int tls_certificate(struct tls_connection *connection, const unsigned char **der, size_t *size,
	struct error *err)
{
	X509 *theirs = SSL_get0_peer_certificate(connection->session);

	OPENSSL_free(connection->certificate);
	connection->certificate = NULL;
	int encoded = theirs ? i2d_X509(theirs, &connection->certificate) : -1;
	if (encoded < 0)
		return fail(err, ERROR_TRANSIENT, "%s has no certificate", connection->host);
	*der = connection->certificate;
	*size = encoded;
	return 0;
}

/* ---- talking ---- */

/*
 * After the handshake a server with TLS 1.3 says by an alert that it does not like the client's certificate.
 */
static int fail_talk(const struct tls_connection *connection, int code, struct error *err)
{
	int problem = SSL_get_error(connection->session, code);
	int alert = ERR_GET_REASON(ERR_peek_last_error());

	if (problem == SSL_ERROR_SSL && (alert == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
						alert == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
						alert == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE))
		error_set(err, ERROR_CATALOG, "%s does not accept the client certificate: %s",
			connection->host, reason());
	else if (problem == SSL_ERROR_SYSCALL && errno)
		error_set_errno(
			err, ERROR_TRANSIENT, "the connection to %s is lost", connection->host);
	else
		error_set(err, ERROR_TRANSIENT, "the connection to %s is lost: %s",
			connection->host, reason());
	return -1;
}

static int bounded(size_t size)
{
	return size > INT_MAX ? INT_MAX : (int)size;
}

ssize_t tls_read(struct tls_connection *connection, void *data, size_t size, struct error *err)
{
	errno = 0;
	ERR_clear_error();
	int got = SSL_read(connection->session, data, bounded(size));
	if (got <= 0 && SSL_get_error(connection->session, got) == SSL_ERROR_ZERO_RETURN)
		return 0;
	return got > 0 ? got : fail_talk(connection, got, err);
}

ssize_t tls_write(
	struct tls_connection *connection, const void *data, size_t size, struct error *err)
{
	errno = 0;
	ERR_clear_error();
	int done = SSL_write(connection->session, data, bounded(size));
	return done > 0 ? done : fail_talk(connection, done, err);
}

/* ---- keys ---- */

bool tls_is_rsa_key(const char *pem, const char *passphrase)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key =
		PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(passphrase ? passphrase : ""));
	bool rsa = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return rsa;
}
