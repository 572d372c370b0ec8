/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/image_reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "reconciler/definition.h"

bool image_reference_parse(const char *text, struct image_reference *reference)
{
	const char *at = strchr(text, '@');
	char *end;

	*reference = (struct image_reference){
		.image = memory_copy_bytes(text, at ? (size_t)(at - text) : strlen(text))};
	if (at && at[1] >= '1' && at[1] <= '9') {
		reference->version = strtoll(at + 1, &end, 10);
		if (*end)
			reference->version = -1;
	} else if (at) {
		reference->channel = memory_copy_text(at + 1);
	}
	if (definition_is_name(reference->image) && reference->version >= 0 &&
		(!reference->channel || definition_is_channel(reference->channel)))
		return true;
	image_reference_clear(reference);
	return false;
}

void image_reference_clear(struct image_reference *reference)
{
	free(reference->image);
	free(reference->channel);
	*reference = (struct image_reference){0};
}
