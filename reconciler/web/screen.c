/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/screen.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/screen.h"
#include "reconciler/web/bitmap.h"

enum { AT_ONCE_MOST = 4 }; /* each is held whole, and may be of SCREEN_SIZE_MOST */

/* How a type that kilnd names is shown; of what it names otherwise nothing is. */
static const struct shown {
	const char *from, *as;
	int (*convert)(const struct text *picture, struct text *out, struct error *err);
} shown[] = {
	{"image/png", "image/png", NULL},
	{"image/x-portable-pixmap", "image/bmp", bitmap_from_pixmap},
};

static const struct shown *find_shown(const char *type)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		if (strcmp(shown[i].from, type) == 0)
			return &shown[i];
	return NULL;
}

static int add_piece(const struct json *item, struct text *picture, struct error *err)
{
	const char *text = json_get_text(item, "bytes", "");
	size_t size;
	autofree unsigned char *bytes = base64_decode(text, strlen(text), &size);

	if (!bytes)
		return fail(err, ERROR_BROKEN, "kilnd sent a piece that is none");
	if (picture->size + size > SCREEN_SIZE_MOST)
		return fail(err, ERROR_RESOURCE, "the screen is too large to be shown");
	text_add_bytes(picture, (const char *)bytes, size);
	return 0;
}

static int receive(struct answer *answer, int64_t until_usec, const struct shown **as,
	struct text *picture, struct error *err)
{
	int state;

	*as = NULL;
	for (;;) {
		autojson struct json *message = NULL;
		state = answer_next(answer, until_usec - moment_elapsed_usec(), &message, err);
		if (state != ANSWER_MESSAGE)
			break;
		const struct json *item = json_get(message, "item");
		if (json_has(item, "type"))
			*as = find_shown(json_get_text(item, "type", ""));
		else if (item && add_piece(item, picture, err) < 0)
			return -1;
	}
	if (state == ANSWER_NOTHING)
		return fail(err, ERROR_RESOURCE, "the screen did not come in time");
	if (state < 0)
		return -1;
	return *as ? 0 : fail(err, ERROR_CATALOG, "the screen is of no kind that is shown");
}

static int ask(struct web *web, const char *build, struct response *response, struct error *err)
{
	CLEANUP(answer_clear) struct answer answer = {.link = {.fd = -1}};
	CLEANUP(text_clear) struct text picture = {0};
	struct json *arguments = json_new_object();
	int64_t until_usec = moment_elapsed_usec() + web->kilnd.wait_usec;
	const struct shown *as;

	json_set_text(arguments, "build", build);
	if (answer_begin(&answer, &web->kilnd, "screen", arguments, err) < 0 ||
		receive(&answer, until_usec, &as, &picture, err) < 0)
		return -1;
	text_clear(&response->body);
	if (as->convert) {
		if (as->convert(&picture, &response->body, err) < 0)
			return -1;
	} else {
		response->body = picture;
		picture = (struct text){0};
	}
	response->type = as->as;
	return 0;
}

void screen_answer(
	struct web *web, struct request *request, const char *build, struct response *response)
{
	struct error err;
	bool may = atomic_fetch_add(&web->screens, 1) < AT_ONCE_MOST;

	(void)request;
	if (!may)
		error_set(&err, ERROR_RESOURCE, "too many screens are being looked at");
	if (may && ask(web, build, response, &err) == 0) {
		response->status = 200;
	} else {
		bool absent = err.kind == ERROR_CATALOG;
		response_text(response, absent ? 404 : 503, "%s", err.text);
		if (!absent)
			response_header(response, "Retry-After", "5");
	}
	atomic_fetch_sub(&web->screens, 1);
}
