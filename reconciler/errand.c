/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/errand.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/describe.h"
#include "reconciler/resume.h"
#include "reconciler/world.h"

static void say(struct errand *errand, const struct build_record *build, const char *text)
{
	struct json *item = json_new_object();
	char time[MOMENT_TEXT_SIZE];

	if (!errand->task.client) {
		json_free(item);
		return;
	}
	json_set_text(item, "time", moment_text(world->now_usec(), time));
	json_set_text(item, "image", errand->shown_name);
	json_set_text(item, "build", build ? build->id : NULL);
	json_set_text(item, "phase", build ? phase_name(build->phase) : NULL);
	describe_number(item, "version", build ? build->version : 0);
	json_set_text(item, "text", text);
	client_item(errand->task.client, item);
}

void errand_say(struct errand *errand, const struct build_record *build, const char *format, ...)
{
	autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = memory_vprintf(format, arguments);
	va_end(arguments);
	say(errand, build, text);
}

static void moved(struct task *task, const struct replacement *replacement, const char *text)
{
	say((struct errand *)task, &replacement->build, text);
}

static void ended(struct loop *loop, struct task *task, struct replacement *replacement)
{
	struct errand *errand = (struct errand *)task;

	(void)loop;
	if (!replacement->later)
		return;
	errand->failed = true;
	errand_say(errand, &replacement->build, "%s (the next apply goes on from here)",
		replacement->failure.text);
}

/* True once nothing else is under way with the image. */
static bool has_its_turn(struct loop *loop, struct errand *errand)
{
	struct replacement *other = errand->build ? loop_find_build(loop, errand->build)
	                                          : loop_find_replacement(loop, errand->image.id);

	if (!other)
		return true;
	if (errand->cancels && !other->unwanted)
		loop_cancel(loop, other, "something else was ordered for the image");
	return false;
}

static void end(struct errand *errand, const struct error *err)
{
	errand->task.done = true;
	if (!errand->task.client)
		return;
	if (err)
		client_fail(errand->task.client, err, 1);
	else
		client_end(errand->task.client, errand->failed ? 1 : 0);
}

static bool advance(struct loop *loop, struct task *task)
{
	struct errand *errand = (struct errand *)task;
	struct error err;

	if (errand->begun) {
		if (loop_has_replacements(loop, task))
			return false;
		end(errand, NULL);
		return true;
	}
	if (!has_its_turn(loop, errand))
		return false;
	errand->begun = true;
	if (errand->act && errand->act(loop, errand, &err) < 0)
		end(errand, &err);
	return true;
}

/* Before it began it can be called off; after that it is done in a moment. */
static void cancel(struct loop *loop, struct task *task)
{
	struct errand *errand = (struct errand *)task;

	(void)loop;
	if (errand->begun)
		return;
	errand->failed = true;
	end(errand, NULL);
}

static void errand_free(struct task *task)
{
	struct errand *errand = (struct errand *)task;

	image_record_clear(&errand->image);
	free(errand->full_name);
	free(errand->shown_name);
	free(errand->word);
	free(errand->build);
	free(errand);
}

int errand_begin(struct loop *loop, struct client *client, struct image_record *image,
	const struct errand *what, struct error *err)
{
	struct errand *errand = memory_new(sizeof(*errand));

	*errand = *what;
	errand->task =
		(struct task){client, false, NULL, advance, moved, ended, cancel, errand_free};
	errand->image = *image;
	*image = (struct image_record){0};
	errand->full_name =
		memory_printf("%s/%s", errand->image.repository_name, errand->image.name);
	if (describe_image(what->head, &errand->image, &errand->shown_name, err) < 0 ||
		resume(loop, what->head, errand->image.id, err) < 0) {
		errand_free(&errand->task);
		return -1;
	}
	loop_add_task(loop, &errand->task);
	return 0;
}
