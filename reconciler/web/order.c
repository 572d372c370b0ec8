/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/web/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/web/catalog.h"
#include "reconciler/web/guard.h"
#include "reconciler/web/session.h"

struct order {
	const char *name; /* of the button */
	const char *verb;
	/* The verb's arguments for IMAGE and WHAT, which is a version or a build ("" if the form has none). */
	struct json *(*arguments)(const char *image, const char *what);
	const char *done; /* "%s" is the image */
};

static struct json *for_build(const char *image, const char *what)
{
	struct json *arguments = json_new_object(), *images = json_new_list();

	(void)what;
	json_add_text(images, image);
	json_set(arguments, "images", images);
	json_set_bool(arguments, "force", true);
	json_set_bool(arguments, "detached", true); /* it goes on when we are gone */
	return arguments;
}

static struct json *for_cancel(const char *image, const char *what)
{
	struct json *arguments = json_new_object();

	(void)image;
	json_set_text(arguments, "build", what);
	return arguments;
}

/* IMAGE or IMAGE@N */
static struct json *for_mark(const char *image, const char *what)
{
	struct json *arguments = json_new_object();
	autofree char *name = memory_printf("%s%s%s", image, *what ? "@" : "", what);

	json_set_text(arguments, "image", name);
	return arguments;
}

static struct json *for_rollback(const char *image, const char *what)
{
	struct json *arguments = json_new_object(), *words = json_new_list();

	json_add_text(words, image);
	if (*what)
		json_add_text(words, what);
	json_set(arguments, "words", words);
	return arguments;
}

static const struct order orders[] = {
	{"build", "apply", for_build, "%s is being built again"},
	{"cancel", "cancel", for_cancel, "the build of %s was cancelled"},
	{"hold", "hold", for_mark, "%s is held"},
	{"release", "release", for_mark, "%s is released"},
	{"rollback", "rollback", for_rollback, "%s was rolled back"},
	{0},
};

static const struct order *find_order(const char *name)
{
	for (const struct order *order = orders; order->name; order++)
		if (strcmp(order->name, name) == 0)
			return order;
	return NULL;
}

/* Only to pages of ours: one '/' at the beginning, and no second, which would be a host. */
static const char *check_place(const char *back)
{
	return *back == '/' && back[1] != '/' && back[1] != '\\' && !strpbrk(back, "\r\n") ? back
	                                                                                   : "/";
}

static void tell(struct web *web, const struct request *request, const char *image,
	const char *format, const struct error *problem)
{
	const char *at = strstr(format, "%s");
	char *text = problem ? memory_printf("%s: %s", image, problem->text)
	                     : memory_printf("%.*s%s%s", (int)(at - format), format, image, at + 2);

	sessions_tell(web->sessions, request->session, text);
}

void order_answer(void *context, struct request *request, struct response *response)
{
	struct web *web = context;
	autofree char *name = request_form(request, "order");
	autofree char *image = request_form(request, "image");
	autofree char *what = request_form(request, "what");
	autofree char *back = request_form(request, "back");
	const struct order *order = find_order(name);
	autojson struct json *ignored = NULL;
	struct error err;

	if (!guard_order(request, response))
		return;
	if (!order || !*image) {
		response_text(response, 400, "there is no such order");
		return;
	}
	bool done = kilnd_ask(&web->kilnd, order->verb, order->arguments(image, what), &ignored,
			    &err) == 0;
	catalogs_expire(web->catalogs);
	tell(web, request, image, order->done, done ? NULL : &err);
	response_redirect(response, check_place(back));
}
