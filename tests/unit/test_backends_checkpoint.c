/* SPDX-License-Identifier: Apache-2.0 */
/* What lies under the checkpoints of machines: two sources of one key do not take each other's place. */
#include "backends/qemu/checkpoint.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "tests/unit/check.h"

static int source(int folder, const char *text)
{
	struct error err;

	if (file_replace(folder, text, 0600, text, strlen(text), &err) < 0)
		exit(2);
	return openat(folder, text, O_RDONLY | O_CLOEXEC);
}

static bool holds(const char *path, const char *wanted)
{
	autofree char *text = NULL;
	struct error err;
	size_t size;

	return path && file_read(AT_FDCWD, path, 100, &text, &size, &err) == 0 &&
	       strcmp(text, wanted) == 0;
}

int main(void)
{
	char folder[] = "/tmp/kiln-test-checkpoint-XXXXXX";
	struct error err;

	if (!mkdtemp(folder))
		exit(2);
	struct json *order = json_new_object();
	json_set_text(order, "state", folder);
	struct job job = {.order = order, .log = {.fd = -1}};
	struct checkpoints store;
	struct digest key = {{1}};
	if (checkpoints_open(&job, &store, &err) < 0)
		exit(2);
	autoclose int one = source(store.folder, "one"), two = source(store.folder, "two");
	autofree char *first = checkpoint_take_base(&store, &key, one);
	autofree char *again = checkpoint_take_base(&store, &key, one);
	autofree char *second = checkpoint_take_base(&store, &key, two);
	CHECK(holds(first, "one"), "a source has a second name, and keeps it");
	CHECK(again && strcmp(first, again) == 0, "the same one has the same");
	CHECK(holds(second, "two"), "another one of that key has another");
	checkpoints_close(&store);
	if (folder_remove(AT_FDCWD, folder, &err) < 0)
		exit(2);
	json_free(order);
	return check_done();
}
