/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/gotemplate.h"
#include "base/memory.h"

enum { ROUNDS_MOST = 100 };

static const struct gotemplate_function *find_function(void *context, const char *name)
{
	(void)context;
	return gotemplate_find_text_function(name);
}

int qemu_render(const char *template, const struct json *data, struct text *out, struct error *err)
{
	struct gotemplate_options options = {
		.find = find_function, .data = data, .strict_fields = true};
	autofree char *now = memory_copy_text(template);

	for (int round = 0; round < ROUNDS_MOST; round++) {
		CLEANUP(text_clear) struct text next = {0};
		if (gotemplate_render(now, &options, &next, err) < 0)
			return -1;
		bool same = strcmp(text_get(&next), now) == 0;
		free(now);
		now = text_take(&next);
		if (same)
			break;
	}
	text_add(out, now);
	return 0;
}
