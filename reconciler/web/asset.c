/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/asset.h"

#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"

#define ASSET(symbol, path)                                                            \
	__asm__(".section .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" path \
		"\"\n.byte 0\n.previous\n");                                           \
	extern const char symbol[];
#define PAGE(name) ASSET(page_##name, "reconciler/web/page/" #name ".html")

PAGE(layout)
PAGE(catalog)
PAGE(image)
PAGE(build)
PAGE(plan)
PAGE(audit)
PAGE(login)
PAGE(problem)
ASSET(page_style, "reconciler/web/page/style.css")
ASSET(page_script, "reconciler/web/page/page.js")
ASSET(page_icon, "reconciler/web/page/icon.svg")

static const struct asset {
	const char *name, *content;
	const char *type; /* NULL: a template, which is not served */
} assets[] = {
	{"layout", page_layout},
	{"catalog", page_catalog},
	{"image", page_image},
	{"build", page_build},
	{"plan", page_plan},
	{"audit", page_audit},
	{"login", page_login},
	{"problem", page_problem},
	{"style.css", page_style, "text/css; charset=utf-8"},
	{"page.js", page_script, "text/javascript; charset=utf-8"},
	{"icon.svg", page_icon, "image/svg+xml"},
	{0},
};

static const struct asset *find(const char *name)
{
	for (const struct asset *asset = assets; asset->name; asset++)
		if (strcmp(asset->name, name) == 0)
			return asset;
	return NULL;
}

const char *asset_template(const char *name)
{
	return find(name)->content;
}

static char version[DIGEST_HEX_SIZE];

static void make_version(void)
{
	CLEANUP(text_clear) struct text all = {0};
	struct digest digest;

	for (const struct asset *asset = assets; asset->name; asset++)
		text_add(&all, asset->content);
	digest_of(all.data, all.size, &digest);
	digest_hex(&digest, version);
	version[12] = '\0';
}

const char *asset_version(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_version);
	return version;
}

void asset_answer(void *web, struct request *request, struct response *response)
{
	const struct asset *asset = find(request->rest);
	const char *asked = request_query(request, "v");

	(void)web;
	if (!asset || !asset->type) {
		response_text(response, 404, "there is nothing at %s", request->path);
		return;
	}
	response->status = 200;
	response->type = asset->type;
	text_add(&response->body, asset->content);
	response_header(response, "Cache-Control",
		asked && strcmp(asked, asset_version()) == 0 ? "public, max-age=31536000, immutable"
							     : "no-cache");
}
