/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/web/session.h"

#define COOKIE "kiln-session"

/* ---- where a request comes from ---- */

/* The Host header without its port; "" if there is none. The caller frees. */
static char *host_name(const struct request *request)
{
	const char *host = request_header(request, "Host");
	const char *colon = host ? strrchr(host, ':') : NULL;
	const char *bracket = host ? strrchr(host, ']') : NULL;

	if (!host)
		return memory_copy_text("");
	if (colon && (!bracket || colon > bracket))
		return memory_copy_bytes(host, colon - host);
	return memory_copy_text(host);
}

static bool is_loopback_name(const char *host)
{
	struct in_addr address;

	if (text_equal_case(host, "localhost") || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool is_configured_name(struct web *web, const char *host)
{
	bool is = false;

	pthread_rwlock_rdlock(&web->lock);
	strings_each (name, &web->settings.hosts)
		is = is || text_equal_case(name, host);
	pthread_rwlock_unlock(&web->lock);
	return is;
}

/* A proxy says that somebody is behind it. */
static bool is_forwarded(const struct request *request)
{
	return request_header(request, "X-Forwarded-For") || request_header(request, "Forwarded") ||
	       request_header(request, "X-Real-IP");
}

/* Nobody but this machine's own can have sent it. */
static bool is_open(struct web *web, const struct request *request)
{
	autofree char *host = host_name(request);

	if (!request->is_local || is_forwarded(request) || is_configured_name(web, host))
		return false;
	return request->is_unix || is_loopback_name(host);
}

/*
 * A page of somebody else can have its own name lead to a loopback address: what asks there by a name that is not this
 * machine's is not answered. Elsewhere the token is asked for, which that page does not have.
 */
static bool has_wrong_name(struct web *web, const struct request *request)
{
	autofree char *host = host_name(request);

	return request->is_local && !request->is_unix && !is_loopback_name(host) &&
	       !is_configured_name(web, host);
}

/* ---- reading ---- */

static bool is_token(struct web *web, const char *text)
{
	pthread_rwlock_rdlock(&web->lock);
	bool is = secret_is(&web->settings.token, text);
	pthread_rwlock_unlock(&web->lock);
	return is;
}

/* A wrong one counts; RESPONSE is set if there were too many. */
static bool check_token(struct web *web, const struct request *request, const char *token,
	struct response *response)
{
	char text[16];

	if (is_token(web, token))
		return true;
	int wait_sec = limiter_count(web->login_limiter, &request->peer, moment_elapsed_usec());
	if (wait_sec) {
		snprintf(text, sizeof(text), "%d", wait_sec);
		response_text(response, 429, "too many wrong tokens: again in %d s", wait_sec);
		response_header(response, "Retry-After", text);
	}
	return false;
}

/* Those that show nothing, or look at their sender themselves. */
static bool is_public(const struct request *request)
{
	static const char *const paths[] = {"/healthz", "/readyz", "/login"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (strcmp(request->path, paths[i]) == 0)
			return true;
	return text_starts_with(request->path, "/hook/") ||
	       text_starts_with(request->path, "/assets/");
}

static void ask_for_token(const struct request *request, struct response *response)
{
	const char *accept = request_header(request, "Accept");

	if (strcmp(request->method, "GET") == 0 && accept && strstr(accept, "text/html")) {
		response_redirect(response, "/login");
		return;
	}
	response_text(response, 401, "the token is needed, as Authorization: Bearer");
	response_header(response, "WWW-Authenticate", "Bearer realm=\"kiln\"");
}

void guard_admit(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	const char *cookie = request_cookie(request, COOKIE);
	const char *authorization = request_header(request, "Authorization");

	if (text_starts_with(request->path, "/hook/"))
		return;
	if (has_wrong_name(web, request)) {
		response_text(
			response, 421, "this is asked for by a name that is not in listen.hosts");
		return;
	}
	if (cookie)
		sessions_find(web->sessions, cookie, request);
	if (is_public(request) || request->signed_in || is_open(web, request))
		return;
	if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0 &&
		check_token(web, request, authorization + 7, response))
		return;
	if (!response->status)
		ask_for_token(request, response);
}

void guard_finish(void *context, const struct request *request, struct response *response)
{
	struct web *web = context;
	int hundreds = response->status / 100;

	(void)request;
	if (hundreds > 0 && hundreds < 6)
		atomic_fetch_add(&web->responses[hundreds], 1);
	response_header(response, "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
	response_header(response, "X-Content-Type-Options", "nosniff");
	response_header(response, "X-Frame-Options", "DENY");
	/* not no-referrer: with it browsers send "Origin: null" with our own forms */
	response_header(response, "Referrer-Policy", "same-origin");
	response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
	if (!text_starts_with(request->path ? request->path : "", "/assets/"))
		response_header(response, "Cache-Control", "no-store");
}

/* ---- changing ---- */

static bool is_own_origin(const struct request *request)
{
	const char *host = request_header(request, "Host");
	const char *origin = request_header(request, "Origin");
	const char *site = request_header(request, "Sec-Fetch-Site");

	if (!origin)
		return site && strcmp(site, "same-origin") == 0;
	const char *name = strstr(origin, "://");
	return host && name && strcmp(name + 3, host) == 0;
}

bool guard_form(const struct request *request, struct response *response)
{
	if (is_own_origin(request))
		return true;
	response_text(response, 403, "this form does not come from a page of kiln");
	return false;
}

bool guard_order(const struct request *request, struct response *response)
{
	autofree char *token = request_form(request, "form_token");

	if (!guard_form(request, response))
		return false;
	if (!request->signed_in) {
		response_text(response, 403, "sign in first");
		return false;
	}
	if (secret_same(token, strlen(token), request->form_token, strlen(request->form_token)))
		return true;
	response_text(response, 403,
		"this form is of another session: go back, load the page again and repeat it");
	return false;
}

/* The proxy before us speaks TLS: the cookie goes no other way. */
static bool is_secure(const struct request *request)
{
	const char *protocol = request_header(request, "X-Forwarded-Proto");

	return protocol && strcmp(protocol, "https") == 0;
}

static void set_cookie(const struct request *request, const char *id, struct response *response)
{
	autofree char *cookie = memory_printf(COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
		id, *id ? "" : "; Max-Age=0", is_secure(request) ? "; Secure" : "");

	response_header(response, "Set-Cookie", cookie);
}

void guard_login(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	autofree char *token = request_form(request, "token");
	char id[SESSION_TEXT_SIZE];

	if (!guard_form(request, response))
		return;
	if (check_token(web, request, token, response)) {
		sessions_open(web->sessions, id);
		response_redirect(response, "/");
		set_cookie(request, id, response);
	} else if (!response->status) {
		response_redirect(response, "/login?wrong=1");
	}
	explicit_bzero(token, strlen(token));
}

void guard_logout(void *context, struct request *request, struct response *response)
{
	struct web *web = context;

	if (!guard_order(request, response))
		return;
	sessions_close(web->sessions, request->session);
	response_redirect(response, "/");
	set_cookie(request, "", response);
}
