/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pages: a template of page/ and the data that it shows. Every text of the data is escaped before a template sees it: no
 * template can forget to, and none may be given text that is markup.
 */

#include "reconciler/web/web.h"

/* Answers with the page of TEMPLATE. Takes over DATA. */
void view_page(struct web *web, const struct request *request, struct response *response,
	int status, const char *template, const char *title, struct json *data);
/* What kilnd_ask failed with: 503 if it is not there, 404 if it says no. */
void view_problem(struct web *web, const struct request *request, struct response *response,
	const struct error *err);

/* ---- what data consist of ---- */

/* {"iso", "utc", "ago"}, or null for 0. */
void view_moment(struct json *object, const char *key, int64_t usec);
/* The same of a time as kilnd writes them (may be NULL). */
void view_moment_text(struct json *object, const char *key, const char *text);
/* "3 h ago", "in 2 d" */
void view_write_ago(int64_t usec, int64_t now_usec, struct text *out);
/* "1.5 s", "12 min 3 s" */
void view_write_duration(double seconds, struct text *out);
/* {"full", "short"} of a commit or a digest, or null. */
void view_id(struct json *object, const char *key, const char *id);
/* Adds TEXT as a part of a URL: all but letters, digits and -._~/ becomes %XX. */
void view_write_url(const char *text, struct text *out);
/* PREFIX and NAME as a link. */
void view_link(struct json *object, const char *key, const char *prefix, const char *name);
/* A copy whose texts are escaped for HTML. The caller frees. */
struct json *view_escape(const struct json *value);

/* ---- the pages ---- */

void view_catalog(void *web, struct request *request, struct response *response);
void view_image(void *web, struct request *request, struct response *response);
void view_build(void *web, struct request *request, struct response *response);
void view_plan(void *web, struct request *request, struct response *response);
void view_audit(void *web, struct request *request, struct response *response);
void view_login(void *web, struct request *request, struct response *response);
