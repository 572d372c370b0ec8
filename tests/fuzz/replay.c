/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every file of a target's corpus through it, one test each. The program fuzz_NAME reads tests/fuzz/corpus/NAME. */
#include <errno.h>
#include <fcntl.h>

#include "base/files.h"
#include "base/strings.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/check.h"

enum { FILE_SIZE_MOST = 1 << 20 };

int main(int argc, char **argv)
{
	const char *name = strrchr(program_invocation_short_name, '_');
	autofree char *folder =
		argc > 1 ? memory_copy_text(argv[1])
			 : memory_printf("tests/fuzz/corpus/%s", name ? name + 1 : "");
	CLEANUP(strings_clear) struct strings files = {0};
	struct error err = {0};

	CHECK(folder_list(AT_FDCWD, folder, &files, &err) == 0 && files.count, "%s has files%s",
		folder, err.text);
	strings_each (file, &files) {
		autofree char *path = memory_printf("%s/%s", folder, file), *bytes = NULL;
		size_t size = 0;
		if (!CHECK(file_read(AT_FDCWD, path, FILE_SIZE_MOST, &bytes, &size, &err) == 0,
			    "%s is read", file))
			continue;
		/* a copy without the NUL that follows, so that reading past the end is seen */
		autofree uint8_t *exact = malloc(size ? size : 1);
		memcpy(exact, bytes, size);
		CHECK(LLVMFuzzerTestOneInput(exact, size) == 0, "%s is survived", file);
	}
	return check_done();
}
