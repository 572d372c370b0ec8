/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"
#include "reconciler/world.h"
#include "backends/idmap.h"
#include "state/lock.h"

enum { KEY_SIZE = 32 };

/* ---- the state folder ---- */

static int read_key(struct head *head, bool create, struct error *err)
{
	autofree char *path = memory_printf("%s/key", head->state);
	unsigned char fresh[KEY_SIZE];

	if (head->has_state && file_exists(AT_FDCWD, path)) {
		if (file_read(AT_FDCWD, path, 4096, &head->key, &head->key_size, err) < 0)
			return -1;
		if (head->key_size < KEY_SIZE)
			return fail(err, ERROR_BROKEN,
				"%s is truncated: without it every sensitive value looks changed; "
				"restore it "
				"or remove it",
				path);
		return 0;
	}
	world->fill_random(fresh, sizeof(fresh));
	if (head->has_state && create &&
		file_write_new(AT_FDCWD, path, 0600, fresh, sizeof(fresh), err) < 0)
		return -1;
	head->key = memory_copy_bytes(fresh, sizeof(fresh));
	head->key_size = sizeof(fresh);
	return 0;
}

static int make_state(struct head *head, struct error *err)
{
	static const char *const folders[] = {"builds", "cache", "checkpoints", "mirrors"};
	autoclose int state = folder_make(AT_FDCWD, head->state, 0700, err);

	if (state < 0)
		return fail_while(err, "the state folder");
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		autoclose int inner = folder_make(state, folders[i], 0700, err);
		if (inner < 0)
			return fail_while(err, "the state folder");
	}
	return 0;
}

static int open_state(
	struct head *head, bool create, const char *who, char holder[static 128], struct error *err)
{
	if (create && make_state(head, err) < 0)
		return -1;
	if (!create) {
		autofree char *database = memory_printf("%s/kiln.db", head->state);
		if (!file_exists(AT_FDCWD, database)) {
			head->has_state = false;
			return 1;
		}
	}
	int taken = lock_take(head->state, who, &head->lock, holder, err);
	if (taken <= 0)
		return taken;
	head->has_state = true;
	return 1;
}

int head_open(struct head *head, const char *config, const char *state, bool create,
	const char *who, char holder[static 128], struct error *err)
{
	*head = (struct head){.lock = -1, .missing = {.free_value = free}};
	if (service_read(config, &head->service, err) < 0)
		return -1;
	head->config = config ? memory_copy_text(config) : NULL;
	autofree char *chosen = service_state_folder(state, head->service.state);
	head->state = path_clean(chosen);
	head->many_ids = idmap_has_many();
	int opened = open_state(head, create, who, holder, err);
	if (opened <= 0)
		return opened;
	if ((head->has_state ? store_open(head->state, create, &head->store, err)
			     : store_open_memory(&head->store, err)) < 0 ||
		read_key(head, create, err) < 0)
		return -1;
	return 1;
}

void head_close(struct head *head)
{
	store_close(head->store);
	if (head->lock >= 0)
		close(head->lock);
	service_clear(&head->service);
	blob_cache_clear(&head->blobs);
	map_clear(&head->acceptances.known);
	map_clear(&head->missing);
	free(head->config);
	free(head->state);
	free(head->key);
	*head = (struct head){.lock = -1};
}
