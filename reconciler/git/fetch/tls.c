/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <git2.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/memory.h"

/* Where a host has several addresses, a silent one must not use the deadline up. */
enum { CONNECT_SEC = 10 };

struct tls_stream {
	git_stream parent; /* first, as libgit2 wants it */
	char *host, *port;
	int fd;
	SSL *session;
	git_cert_x509 certificate;
	unsigned char *encoded; /* the certificate's bytes */
};

/* libgit2 makes streams by a function that gets no context. */
static const struct tls_settings *settings;
static SSL_CTX *context;
static struct error failure;
static int64_t received;

/* ---- failing ---- */

static int fail_stream(void)
{
	git_error_set_str(GIT_ERROR_SSL, failure.text);
	return -1;
}

/* OpenSSL's reason for what just failed. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	return text ? text : "unknown reason";
}

bool tls_explains(const char *said, struct error *err)
{
	if (failure.kind == ERROR_NONE || strcmp(failure.text, said) != 0)
		return false;
	*err = failure;
	return true;
}

/* ---- what every connection has ---- */

static int give_passphrase(char *buffer, int size, int writing, void *unused)
{
	int length = settings->passphrase ? strlen(settings->passphrase) : 0;

	(void)writing, (void)unused;
	if (length > size)
		return -1;
	memcpy(buffer, settings->passphrase ? settings->passphrase : "", length);
	return length;
}

static int load_authorities(struct error *err)
{
	if (!settings->ca_file) {
		SSL_CTX_set_default_verify_paths(context);
		return 0;
	}
	if (SSL_CTX_load_verify_file(context, settings->ca_file) == 1)
		return 0;
	return fail(err, ERROR_CATALOG, "ca_file: %s has no certificate that can be read (%s)",
		settings->ca_file, reason());
}

static int load_certificate(struct error *err)
{
	if (!settings->certificate_file)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(context, settings->certificate_file) != 1)
		return fail(err, ERROR_CATALOG, "certificate_file: %s cannot be read (%s)",
			settings->certificate_file, reason());
	if (SSL_CTX_use_PrivateKey_file(context, settings->key_file, SSL_FILETYPE_PEM) != 1)
		return fail(err, ERROR_CATALOG,
			"key_file: %s cannot be read, or is not the certificate's (%s)",
			settings->key_file, reason());
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

static int open_connection(struct tls_stream *stream)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses;
	int code = getaddrinfo(stream->host, stream->port, &hints, &addresses);

	if (code)
		return fail(&failure, ERROR_TRANSIENT, "the address of %s is not known: %s",
			stream->host, gai_strerror(code));
	for (const struct addrinfo *one = addresses; one && stream->fd < 0; one = one->ai_next)
		stream->fd = open_socket(one);
	if (stream->fd < 0)
		error_set_errno(&failure, ERROR_TRANSIENT, "no connection to %s port %s",
			stream->host, stream->port);
	freeaddrinfo(addresses);
	return stream->fd < 0 ? -1 : 0;
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

static int fail_handshake(const struct tls_stream *stream, int code)
{
	long verdict = SSL_get_verify_result(stream->session);
	int problem = SSL_get_error(stream->session, code);

	if (verdict != X509_V_OK)
		return fail(&failure, ERROR_CATALOG,
			"the certificate of %s is not accepted: %s (%s)", stream->host,
			X509_verify_cert_error_string(verdict),
			settings->ca_file ? settings->ca_file
					  : "credentials.ca_file names an authority of your own");
	if (problem == SSL_ERROR_SYSCALL && errno)
		return fail_errno(
			&failure, ERROR_TRANSIENT, "the connection to %s is lost", stream->host);
	/* an alert is the other side's own word: it will say the same again */
	return fail(&failure,
		ERR_GET_REASON(ERR_peek_last_error()) > SSL_AD_REASON_OFFSET ? ERROR_CATALOG
									     : ERROR_TRANSIENT,
		"no TLS with %s: %s", stream->host, reason());
}

static int connect_stream(git_stream *parent)
{
	struct tls_stream *stream = (struct tls_stream *)parent;

	if (open_connection(stream) < 0)
		return fail_stream();
	stream->session = SSL_new(context);
	if (!stream->session || SSL_set_fd(stream->session, stream->fd) != 1) {
		error_set(&failure, ERROR_RESOURCE, "no TLS session: %s", reason());
		return fail_stream();
	}
	expect_host(stream->session, stream->host);
	errno = 0;
	int code = SSL_connect(stream->session);
	if (code == 1)
		return 0;
	fail_handshake(stream, code);
	return fail_stream();
}

/* libgit2 asks for it, to show it to the callback; it was verified in the handshake. */
static int give_certificate(git_cert **certificate, git_stream *parent)
{
	struct tls_stream *stream = (struct tls_stream *)parent;
	X509 *theirs = SSL_get0_peer_certificate(stream->session);
	int size = theirs ? i2d_X509(theirs, &stream->encoded) : -1;

	if (size < 0) {
		error_set(&failure, ERROR_TRANSIENT, "%s has no certificate", stream->host);
		return fail_stream();
	}
	stream->certificate = (git_cert_x509){
		.parent.cert_type = GIT_CERT_X509, .data = stream->encoded, .len = size};
	*certificate = &stream->certificate.parent;
	return 0;
}

/* ---- talking ---- */

/*
 * After the handshake a server with TLS 1.3 says by an alert that it does not like the client's certificate.
 */
static int fail_talk(const struct tls_stream *stream, int code)
{
	int problem = SSL_get_error(stream->session, code);
	int alert = ERR_GET_REASON(ERR_peek_last_error());

	if (problem == SSL_ERROR_SSL && (alert == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
						alert == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
						alert == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE))
		error_set(&failure, ERROR_CATALOG, "%s does not accept the client certificate: %s",
			stream->host, reason());
	else if (problem == SSL_ERROR_SYSCALL && errno)
		error_set_errno(
			&failure, ERROR_TRANSIENT, "the connection to %s is lost", stream->host);
	else
		error_set(&failure, ERROR_TRANSIENT, "the connection to %s is lost: %s",
			stream->host, reason());
	return fail_stream();
}

static ssize_t read_stream(git_stream *parent, void *data, size_t size)
{
	struct tls_stream *stream = (struct tls_stream *)parent;
	int got;

	errno = 0;
	ERR_clear_error();
	got = SSL_read(stream->session, data, size > INT_MAX ? INT_MAX : size);
	if (got <= 0 && SSL_get_error(stream->session, got) == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (got <= 0)
		return fail_talk(stream, got);
	received += got;
	if (received <= settings->most_bytes)
		return got;
	error_set(&failure, ERROR_RESOURCE, "%s sends more than %lld bytes", stream->host,
		(long long)settings->most_bytes);
	return fail_stream();
}

static ssize_t write_stream(git_stream *parent, const char *data, size_t size, int flags)
{
	struct tls_stream *stream = (struct tls_stream *)parent;
	int done;

	(void)flags;
	errno = 0;
	ERR_clear_error();
	done = SSL_write(stream->session, data, size > INT_MAX ? INT_MAX : size);
	return done > 0 ? done : fail_talk(stream, done);
}

static int close_stream(git_stream *parent)
{
	struct tls_stream *stream = (struct tls_stream *)parent;

	if (stream->session)
		SSL_shutdown(stream->session); /* says so, and does not wait for an answer */
	SSL_free(TAKE(stream->session));
	cleanup_close(&stream->fd);
	stream->fd = -1;
	return 0;
}

static void free_stream(git_stream *parent)
{
	struct tls_stream *stream = (struct tls_stream *)parent;

	close_stream(parent);
	OPENSSL_free(stream->encoded);
	free(stream->host);
	free(stream->port);
	free(stream);
}

/* ---- libgit2's side ---- */

static int new_stream(git_stream **out, const char *host, const char *port)
{
	struct tls_stream *stream;

	if (settings->pinned &&
		(strcasecmp(host, settings->host) != 0 || atoi(port) != settings->port)) {
		error_set(&failure, ERROR_CATALOG,
			"%s port %d sends us to %s port %s, which is not given the credentials: "
			"write the new url",
			settings->host, settings->port, host, port);
		return fail_stream();
	}
	stream = memory_new(sizeof(*stream));
	*stream = (struct tls_stream){.parent = {.version = GIT_STREAM_VERSION,
					      .encrypted = 1,
					      .connect = connect_stream,
					      .certificate = give_certificate,
					      .read = read_stream,
					      .write = write_stream,
					      .close = close_stream,
					      .free = free_stream},
		.host = memory_copy_text(host),
		.port = memory_copy_text(port),
		.fd = -1};
	*out = &stream->parent;
	return 0;
}

int tls_start(const struct tls_settings *wanted, struct error *err)
{
	git_stream_registration registration = {.version = GIT_STREAM_VERSION, .init = new_stream};

	settings = wanted;
	context = SSL_CTX_new(TLS_client_method());
	if (!context)
		return fail(err, ERROR_RESOURCE, "OpenSSL does not start: %s", reason());
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_default_passwd_cb(context, give_passphrase);
	if (load_authorities(err) < 0 || load_certificate(err) < 0)
		return -1;
	if (git_stream_register(GIT_STREAM_TLS, &registration) < 0)
		return fail(err, ERROR_BROKEN, "libgit2 takes no TLS of ours");
	return 0;
}
