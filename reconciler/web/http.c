/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/strings.h"

enum {
	IDLE_SEC = 20, /* a connection on which nothing comes */
	STACK_SIZE = 1024 * 1024,
	MEMORY_LIMIT = 32 * 1024, /* of a connection: its headers must fit */
	STREAM_BLOCK = 16 * 1024,
	OVERRUN = 4, /* a body that is so many times too large is not even read to its end */
};

/* A connection and until when what it is at must be over; 0: as long as it takes. */
struct tracked {
	int fd;
	int64_t until_usec;
	struct tracked *next;
};

struct http {
	struct http_options options;
	struct MHD_Daemon *daemon;
	pthread_t reaper;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct tracked *tracked;
	int64_t wakes_usec; /* the reaper, by itself; 0: not before it is told to */
	bool stopping;
};

/* ---- requests ---- */

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_cookie(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

/* application/x-www-form-urlencoded: '+' and %XX; a NUL is no text and ends it. */
static char *unescape(const char *bytes, size_t size)
{
	CLEANUP(text_clear) struct text text = {0};

	for (size_t i = 0; i < size; i++) {
		unsigned char byte;
		char hex[3] = {0};
		if (bytes[i] == '%' && i + 2 < size)
			memcpy(hex, bytes + i + 1, 2);
		if (hex[0] && digest_read_hex(hex, &byte, 1)) {
			text_add_char(&text, (char)byte);
			i += 2;
		} else {
			text_add_char(&text, bytes[i] == '+' ? ' ' : bytes[i]);
		}
	}
	return memory_copy_text(text_get(&text));
}

char *request_form(const struct request *request, const char *name)
{
	const char *at = text_get(&request->body);
	size_t name_size = strlen(name);

	while (*at) {
		size_t size = strcspn(at, "&");
		if (size > name_size && at[name_size] == '=' && memcmp(at, name, name_size) == 0)
			return unescape(at + name_size + 1, size - name_size - 1);
		at += size + (at[size] == '&');
	}
	return memory_copy_text("");
}

static void find_peer(struct request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	unsigned char *key = request->peer.key;

	request->is_unix =
		!address || (address->sa_family != AF_INET && address->sa_family != AF_INET6);
	if (address && address->sa_family == AF_INET)
		memcpy(key + 8, &((const struct sockaddr_in *)address)->sin_addr, 4);
	if (address && address->sa_family == AF_INET6) {
		const struct in6_addr *ip = &((const struct sockaddr_in6 *)address)->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(ip))
			memcpy(key + 8, ip->s6_addr + 12, 4);
		else
			memcpy(key, ip->s6_addr, 8);
	}
}

/* By the address that was connected to, not the one that was bound: 0.0.0.0 is both. */
static bool is_local(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return false;
	if (address.ss_family == AF_INET)
		return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 ==
		       IN_LOOPBACKNET;
	if (address.ss_family == AF_INET6) {
		const struct in6_addr *ip = &((struct sockaddr_in6 *)&address)->sin6_addr;
		return IN6_IS_ADDR_LOOPBACK(ip) ||
		       (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == IN_LOOPBACKNET);
	}
	return address.ss_family == AF_UNIX;
}

/* ---- responses ---- */

void response_header(struct response *response, const char *name, const char *value)
{
	strings_add(&response->headers, name);
	strings_add(&response->headers, value);
}

void response_text(struct response *response, int status, const char *format, ...)
{
	va_list args;

	text_reset(&response->body);
	response->status = status;
	response->type = "text/plain; charset=utf-8";
	va_start(args, format);
	text_addv(&response->body, format, args);
	va_end(args);
	text_add_char(&response->body, '\n');
}

void response_redirect(struct response *response, const char *where)
{
	response_text(response, 303, "%s", where);
	response_header(response, "Location", where);
}

struct flow {
	bool (*next)(void *stream, struct text *out);
	void (*end)(void *stream);
	void *stream;
	struct text ready;
	size_t used;
};

static ssize_t read_flow(void *context, uint64_t position, char *buffer, size_t most)
{
	struct flow *flow = context;

	(void)position;
	if (flow->used == flow->ready.size) {
		text_reset(&flow->ready);
		flow->used = 0;
		if (!flow->next(flow->stream, &flow->ready))
			return MHD_CONTENT_READER_END_OF_STREAM;
	}
	size_t size = flow->ready.size - flow->used;
	if (size > most)
		size = most;
	memcpy(buffer, flow->ready.data + flow->used, size);
	flow->used += size;
	return (ssize_t)size;
}

static void free_flow(void *context)
{
	struct flow *flow = context;

	flow->end(flow->stream);
	text_clear(&flow->ready);
	free(flow);
}

static struct MHD_Response *make_response(struct response *response)
{
	if (!response->next) {
		size_t size = response->body.size;
		return MHD_create_response_from_buffer(
			size, text_take(&response->body), MHD_RESPMEM_MUST_FREE);
	}
	struct flow *flow = memory_new(sizeof(*flow));
	*flow = (struct flow){
		.next = response->next, .end = response->end, .stream = response->stream};
	return MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_flow, flow, free_flow);
}

static void response_clear(struct response *response)
{
	text_clear(&response->body);
	strings_clear(&response->headers);
}

static void set_deadline(struct http *http, struct tracked *tracked, int64_t usec)
{
	pthread_mutex_lock(&http->lock);
	tracked->until_usec = usec ? moment_elapsed_usec() + usec : 0;
	if (usec && (!http->wakes_usec || tracked->until_usec < http->wakes_usec))
		pthread_cond_signal(&http->changed);
	pthread_mutex_unlock(&http->lock);
}

static enum MHD_Result send_response(
	struct http *http, struct request *request, struct response *response)
{
	if (http->options.answered)
		http->options.answered(http->options.web, request, response);
	struct MHD_Response *made = make_response(response);
	if (!made)
		return MHD_NO;
	MHD_add_response_header(made, MHD_HTTP_HEADER_CONTENT_TYPE,
		response->type ? response->type : "text/plain; charset=utf-8");
	for (size_t i = 0; i + 1 < response->headers.count; i += 2)
		MHD_add_response_header(
			made, response->headers.items[i], response->headers.items[i + 1]);
	set_deadline(http, request->tracked, response->next ? 0 : http->options.response_usec);
	enum MHD_Result result =
		MHD_queue_response(request->connection, (unsigned)response->status, made);
	MHD_destroy_response(made);
	return result;
}

/* ---- a request as it comes in ---- */

static const struct route *find_route(
	const struct route *routes, const char *method, const char *path, bool *path_known)
{
	*path_known = false;
	for (const struct route *route = routes; route->path; route++) {
		size_t size = strlen(route->path);
		bool below = size > 1 && route->path[size - 1] == '/';
		if (below ? strncmp(path, route->path, size) != 0 : strcmp(path, route->path) != 0)
			continue;
		*path_known = true;
		if (strcmp(route->method, method) == 0)
			return route;
	}
	return NULL;
}

static void say_allowed(const struct route *routes, const char *path, struct response *response)
{
	CLEANUP(strings_clear) struct strings methods = {0};
	static const char *const known[] = {"GET", "POST"};
	bool ignored;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (find_route(routes, known[i], path, &ignored))
			strings_add(&methods, known[i]);
	autofree char *list = strings_join(&methods, ", ");
	response_text(response, 405, "only %s", list);
	response_header(response, "Allow", list);
}

static bool announces_too_much(const struct request *request)
{
	const char *length = request_header(request, "Content-Length");

	return length && strtoull(length, NULL, 10) > request->route->body_most;
}

/* The headers are there. */
static void begin(struct http *http, struct request *request, struct response *response)
{
	const struct http_options *options = &http->options;
	bool path_known;

	find_peer(request);
	request->is_local = is_local(request->tracked->fd);
	if (strcmp(request->method, "HEAD") == 0)
		request->method = "GET";
	request->route = find_route(options->routes, request->method, request->path, &path_known);
	if (request->route)
		request->rest = request->path + strlen(request->route->path);
	if (options->admit)
		options->admit(options->web, request, response);
	if (response->status)
		return;
	if (!request->route) {
		if (path_known)
			say_allowed(options->routes, request->path, response);
		else
			response_text(response, 404, "there is nothing at %s", request->path);
		return;
	}
	if (request->route->begin)
		request->route->begin(options->web, request, response);
	if (!response->status && announces_too_much(request))
		response_text(response, 413, "at most %zu bytes", request->route->body_most);
}

/* False: it is not worth reading to its end. */
static bool take_body(struct request *request, const char *bytes, size_t size, size_t *taken)
{
	size_t most = request->route->body_most;

	*taken += size;
	if (*taken > most) {
		request->too_large = true;
		text_clear(&request->body);
		return *taken <= OVERRUN * most;
	}
	if (request->route->take)
		request->route->take(request, bytes, size);
	else
		text_add_bytes(&request->body, bytes, size);
	return true;
}

struct arriving {
	struct request request; /* first */
	size_t taken;
};

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_size, void **state)
{
	struct http *http = context;
	struct arriving *arriving = *state;
	struct request *request = &arriving->request;
	CLEANUP(response_clear) struct response response = {0};

	(void)url, (void)version;
	if (!request->asked) {
		request->asked = true;
		request->method = method;
		request->path = url;
		begin(http, request, &response);
		return response.status ? send_response(http, request, &response) : MHD_YES;
	}
	if (*data_size) {
		size_t size = *data_size;
		*data_size = 0;
		(void)connection;
		return take_body(request, data, size, &arriving->taken) ? MHD_YES : MHD_NO;
	}
	set_deadline(http, request->tracked, 0); /* ours from here */
	if (request->too_large)
		response_text(&response, 413, "at most %zu bytes", request->route->body_most);
	else
		request->route->answer(http->options.web, request, &response);
	return send_response(http, request, &response);
}

/* Before anything of a request is looked at. */
static void *on_line(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct arriving *arriving = memory_new(sizeof(*arriving));
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)context, (void)uri;
	arriving->request.connection = connection;
	arriving->request.tracked = info->socket_context;
	return arriving;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct http *http = context;
	struct arriving *arriving = *state;

	(void)connection, (void)code;
	if (!arriving)
		return;
	struct request *request = &arriving->request;
	set_deadline(http, request->tracked, http->options.request_usec);
	if (request->route && request->route->end)
		request->route->end(request);
	text_clear(&request->body);
	free(arriving);
	*state = NULL;
}

/* ---- connections ---- */

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *http = context;
	struct tracked *tracked = *socket_context;

	pthread_mutex_lock(&http->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		tracked = memory_new(sizeof(*tracked));
		*tracked = (struct tracked){.fd = info->connect_fd,
			.until_usec = moment_elapsed_usec() + http->options.request_usec,
			.next = http->tracked};
		http->tracked = tracked;
		atomic_fetch_add(http->options.connections, 1);
		*socket_context = tracked;
	} else if (tracked) {
		struct tracked **at = &http->tracked;
		while (*at != tracked)
			at = &(*at)->next;
		*at = tracked->next;
		atomic_fetch_sub(http->options.connections, 1);
		free(tracked);
		*socket_context = NULL;
	}
	if (!http->wakes_usec)
		pthread_cond_signal(&http->changed);
	pthread_mutex_unlock(&http->lock);
}

/* The earliest deadline of all; what is past its own is ended. 0: there is none. Called with the lock. */
static int64_t end_overdue(struct http *http)
{
	int64_t now_usec = moment_elapsed_usec(), next_usec = 0;

	for (struct tracked *tracked = http->tracked; tracked; tracked = tracked->next) {
		if (tracked->until_usec && tracked->until_usec <= now_usec) {
			shutdown(tracked->fd, SHUT_RDWR);
			tracked->until_usec = 0;
		}
		if (tracked->until_usec && (!next_usec || tracked->until_usec < next_usec))
			next_usec = tracked->until_usec;
	}
	return next_usec;
}

/* A byte now and then keeps a connection from being idle: what takes too long as a whole is ended here. */
static void *reap(void *context)
{
	struct http *http = context;

	pthread_mutex_lock(&http->lock);
	while (!http->stopping) {
		int64_t next_usec = end_overdue(http);
		struct timespec until = {next_usec / 1000000, next_usec % 1000000 * 1000};
		http->wakes_usec = next_usec;
		if (next_usec)
			pthread_cond_timedwait(&http->changed, &http->lock, &until);
		else
			pthread_cond_wait(&http->changed, &http->lock);
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

/* ---- starting and stopping ---- */

static void init_locks(struct http *http)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&http->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&http->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

int http_start(int fd, const struct http_options *options, struct http **http, struct error *err)
{
	struct http *made = memory_new(sizeof(*made));

	made->options = *options;
	init_locks(made);
	made->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0,
		NULL, NULL, on_request, made, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->connections_most,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)options->connections_each,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SEC,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, made, MHD_OPTION_NOTIFY_CONNECTION, on_connection, made,
		MHD_OPTION_URI_LOG_CALLBACK, on_line, made, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_END);
	if (!made->daemon) {
		close(fd);
		free(made);
		return fail(err, ERROR_RESOURCE, "the HTTP server does not start");
	}
	if (pthread_create(&made->reaper, NULL, reap, made) != 0) {
		MHD_stop_daemon(made->daemon);
		free(made);
		return fail(err, ERROR_RESOURCE, "no thread can be made");
	}
	*http = made;
	return 0;
}

void http_stop(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	http->stopping = true;
	for (struct tracked *tracked = http->tracked; tracked; tracked = tracked->next)
		shutdown(tracked->fd, SHUT_RDWR);
	pthread_cond_signal(&http->changed);
	pthread_mutex_unlock(&http->lock);
	pthread_join(http->reaper, NULL);
	MHD_stop_daemon(http->daemon);
	pthread_mutex_destroy(&http->lock);
	pthread_cond_destroy(&http->changed);
	free(http);
}
