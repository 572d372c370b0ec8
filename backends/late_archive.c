/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/late_archive.h"

#define DEFINE(name) __typeof__(name) *late_##name;
LATE_ARCHIVE(DEFINE)

#define ROW(name) {#name, (void **)&late_##name},
static const struct late_function functions[] = {LATE_ARCHIVE(ROW)};

static struct late_library library = {
	.file = "libarchive.so.13",
	.functions = functions,
	.count = sizeof(functions) / sizeof(*functions),
};

int late_load_archive(struct error *err)
{
	return late_load(&library, err);
}
