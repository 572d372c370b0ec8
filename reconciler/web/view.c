/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/view.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/gotemplate.h"
#include "base/memory.h"
#include "reconciler/web/asset.h"
#include "reconciler/web/session.h"

/* What every page has, around DATA. */
static struct json *make_root(
	struct web *web, const struct request *request, const char *title, struct json *data)
{
	struct json *root = json_new_object();
	/* page.js fetches a page for parts of it, and throws the rest away */
	bool whole = !request_header(request, "X-Kiln-Part");
	autofree char *notice = request->signed_in && whole
	                                ? sessions_told(web->sessions, request->session)
	                                : NULL;

	json_set_text(root, "title", title);
	json_set_text(root, "path", request->path);
	json_set_text(root, "version", KILN_VERSION);
	json_set_text(root, "assets", asset_version());
	json_set_bool(root, "signed_in", request->signed_in);
	json_set_text(root, "form_token", request->signed_in ? request->form_token : "");
	json_set_text(root, "notice", notice ? notice : "");
	pthread_rwlock_rdlock(&web->lock);
	json_set_bool(root, "has_token", web->settings.token.size != 0);
	pthread_rwlock_unlock(&web->lock);
	json_set(root, "page", data);
	return root;
}

void view_page(struct web *web, const struct request *request, struct response *response,
	int status, const char *template, const char *title, struct json *data)
{
	autojson struct json *root = make_root(web, request, title, data);
	autojson struct json *escaped = view_escape(root);
	struct gotemplate_options options = {.data = escaped, .strict_fields = true};
	autofree char *source =
		memory_printf("%s%s", asset_template(template), asset_template("layout"));
	struct error err;

	text_reset(&response->body);
	if (gotemplate_render(source, &options, &response->body, &err) < 0) {
		fprintf(stderr, "kiln-web: the page %s: %s\n", template, err.text);
		response_text(response, 500, "this page cannot be shown");
		return;
	}
	response->status = status;
	response->type = "text/html; charset=utf-8";
}

void view_problem(struct web *web, const struct request *request, struct response *response,
	const struct error *err)
{
	struct json *data = json_new_object();
	bool absent = err->kind != ERROR_CATALOG;

	json_set_text(data, "text", err->text);
	json_set_bool(data, "absent", absent);
	view_page(web, request, response, absent ? 503 : 404, "problem",
		absent ? "kilnd does not answer" : "Not found", data);
	if (absent)
		response_header(response, "Retry-After", "5");
}

void view_login(void *web, struct request *request, struct response *response)
{
	struct json *data = json_new_object();

	json_set_bool(data, "wrong", request_query(request, "wrong") != NULL);
	view_page(web, request, response, 200, "login", "Sign in", data);
}
