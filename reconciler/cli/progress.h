/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The line at the bottom of a terminal that says what is going on, once that takes more than a second: which images are
 * in which phase, and for how long. Where standard output or error is no terminal it never shows.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/map.h"

struct progress {
	bool shown; /* both are terminals */
	bool drawn; /* the line stands there now */
	const char *verb;
	int64_t start_usec;
	struct map images; /* of builds under way: image -> struct progress_image */
	struct map builds; /* build -> its image's name */
};
void progress_init(struct progress *progress, const char *verb);
void progress_clear(struct progress *progress);

/* ITEM is one of apply's. */
void progress_note(struct progress *progress, const struct json *item);
/* The image that BUILD makes; the build itself if that was not said. */
const char *progress_image_of(const struct progress *progress, const char *build);

/* Draws it if it is time; wipes it away, before something else is printed. */
void progress_draw(struct progress *progress);
void progress_wipe(struct progress *progress);
