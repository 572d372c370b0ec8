/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/stream.h"

#include <git2.h>
#include <git2/sys/stream.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"

struct stream {
	git_stream parent; /* first, as libgit2 wants it */
	char *host, *port;
	struct tls_connection *connection; /* NULL: not connected */
	git_cert_x509 certificate;
};

/* libgit2 makes streams by a function that gets no context. */
static const struct stream_settings *settings;
static struct tls *tls;
static struct error failure;
static int64_t received;

static int fail_stream(void)
{
	git_error_set_str(GIT_ERROR_SSL, failure.text);
	return -1;
}

bool stream_explains(const char *said, struct error *err)
{
	if (failure.kind == ERROR_NONE || strcmp(failure.text, said) != 0)
		return false;
	*err = failure;
	return true;
}

static int connect_stream(git_stream *parent)
{
	struct stream *stream = (struct stream *)parent;

	return tls_connect(tls, stream->host, stream->port, &stream->connection, &failure) < 0
	               ? fail_stream()
	               : 0;
}

/* libgit2 asks for it, to show it to the callback; it was verified in the handshake. */
static int give_certificate(git_cert **certificate, git_stream *parent)
{
	struct stream *stream = (struct stream *)parent;
	const unsigned char *der;
	size_t size;

	if (tls_certificate(stream->connection, &der, &size, &failure) < 0)
		return fail_stream();
	stream->certificate = (git_cert_x509){
		.parent.cert_type = GIT_CERT_X509, .data = (void *)der, .len = size};
	*certificate = &stream->certificate.parent;
	return 0;
}

static ssize_t read_stream(git_stream *parent, void *data, size_t size)
{
	struct stream *stream = (struct stream *)parent;
	ssize_t got = tls_read(stream->connection, data, size, &failure);

	if (got < 0)
		return fail_stream();
	received += got;
	if (received <= settings->most_bytes)
		return got;
	error_set(&failure, ERROR_RESOURCE, "%s sends more than %lld bytes", stream->host,
		(long long)settings->most_bytes);
	return fail_stream();
}

static ssize_t write_stream(git_stream *parent, const char *data, size_t size, int flags)
{
	struct stream *stream = (struct stream *)parent;
	ssize_t done = tls_write(stream->connection, data, size, &failure);

	(void)flags;
	return done < 0 ? fail_stream() : done;
}

static int close_stream(git_stream *parent)
{
	struct stream *stream = (struct stream *)parent;

	tls_close(TAKE(stream->connection));
	return 0;
}

static void free_stream(git_stream *parent)
{
	struct stream *stream = (struct stream *)parent;

	close_stream(parent);
	free(stream->host);
	free(stream->port);
	free(stream);
}

static int new_stream(git_stream **out, const char *host, const char *port)
{
	struct stream *stream;

	if (settings->pinned &&
		(strcasecmp(host, settings->host) != 0 || atoi(port) != settings->port)) {
		error_set(&failure, ERROR_CATALOG,
			"%s port %d sends us to %s port %s, which is not given the credentials: "
			"write the new url",
			settings->host, settings->port, host, port);
		return fail_stream();
	}
	stream = memory_new(sizeof(*stream));
	*stream = (struct stream){.parent = {.version = GIT_STREAM_VERSION,
					  .encrypted = 1,
					  .connect = connect_stream,
					  .certificate = give_certificate,
					  .read = read_stream,
					  .write = write_stream,
					  .close = close_stream,
					  .free = free_stream},
		.host = memory_copy_text(host),
		.port = memory_copy_text(port)};
	*out = &stream->parent;
	return 0;
}

int stream_register(const struct stream_settings *wanted, struct error *err)
{
	git_stream_registration registration = {.version = GIT_STREAM_VERSION, .init = new_stream};

	settings = wanted;
	if (tls_new(&wanted->tls, &tls, err) < 0)
		return -1;
	if (git_stream_register(GIT_STREAM_TLS, &registration) < 0)
		return fail(err, ERROR_BROKEN, "libgit2 takes no TLS of ours");
	return 0;
}
