/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"

enum { QUIET_USEC = 1000 * 1000 };

struct progress_image {
	char phase[24];
	int64_t since_usec;
};

void progress_init(struct progress *progress, const char *verb)
{
	*progress = (struct progress){
		.shown = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO),
		.verb = verb,
		.start_usec = moment_elapsed_usec(),
		.images = {.free_value = free},
		.builds = {.free_value = free},
	};
}

void progress_clear(struct progress *progress)
{
	progress_wipe(progress);
	map_clear(&progress->images);
	map_clear(&progress->builds);
}

/* The phases in which something happens; in the others the image rests. */
static bool is_under_way(const char *phase)
{
	static const char *const phases[] = {
		"planned", "building", "validating", "publishing", "switching", "retiring"};

	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		if (strcmp(phases[i], phase) == 0)
			return true;
	return false;
}

void progress_note(struct progress *progress, const struct json *item)
{
	const char *image = json_get_text(item, "image", NULL);
	const char *build = json_get_text(item, "build", NULL);
	const char *phase = json_get_text(item, "phase", NULL);

	if (!image || !build || !phase)
		return;
	map_set(&progress->builds, build, memory_copy_text(image));
	if (!is_under_way(phase)) {
		if (map_find(&progress->images, image))
			map_set(&progress->images, image, NULL);
		return;
	}
	struct progress_image *now = memory_new(sizeof(*now));
	snprintf(now->phase, sizeof(now->phase), "%s", phase);
	now->since_usec = moment_elapsed_usec();
	map_set(&progress->images, image, now);
}

const char *progress_image_of(const struct progress *progress, const char *build)
{
	const char *image = map_find(&progress->builds, build);

	return image ? image : build;
}

static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void progress_draw(struct progress *progress)
{
	CLEANUP(text_clear) struct text line = {0};
	int64_t now_usec = moment_elapsed_usec();

	if (!progress->shown || now_usec - progress->start_usec < QUIET_USEC)
		return;
	map_each (entry, &progress->images) {
		const struct progress_image *image = entry->value;
		if (image)
			text_addf(&line, "%s%s %s %llds", line.size ? ", " : "", entry->key,
				image->phase, (long long)(now_usec - image->since_usec) / 1000000);
	}
	if (!line.size)
		text_addf(&line, "%s %llds", progress->verb,
			(long long)(now_usec - progress->start_usec) / 1000000);
	fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, text_get(&line));
	fflush(stderr);
	progress->drawn = true;
}

void progress_wipe(struct progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->drawn = false;
}
