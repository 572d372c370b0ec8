/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/late_curl.h"

#define DEFINE(name) __typeof__(name) *late_##name;
LATE_CURL(DEFINE)

#define ROW(name) {#name, (void **)&late_##name},
static const struct late_function functions[] = {LATE_CURL(ROW)};

static struct late_library library = {
	.file = "libcurl.so.4",
	.functions = functions,
	.count = sizeof(functions) / sizeof(*functions),
};

int late_load_curl(struct error *err)
{
	return late_load(&library, err);
}
