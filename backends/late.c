/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/late.h"

#include <dlfcn.h>

int late_load(struct late_library *library, struct error *err)
{
	if (library->loaded)
		return 0;
	void *handle = dlopen(library->file, RTLD_LAZY | RTLD_LOCAL);
	if (!handle)
		return fail(err, ERROR_BROKEN, "a library is missing (install it): %s", dlerror());
	for (size_t i = 0; i < library->count; i++) {
		*library->functions[i].place = dlsym(handle, library->functions[i].name);
		if (!*library->functions[i].place)
			return fail(err, ERROR_BROKEN, "%s is of another version: %s",
				library->file, dlerror());
	}
	library->loaded = true;
	return 0;
}
