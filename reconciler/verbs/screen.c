/* SPDX-License-Identifier: Apache-2.0 */
/* The last screen of a build's machine: {"item": {"bytes"}} a piece, in base64. For kiln-web. */
#include "reconciler/verbs/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/pieces.h"
#include "reconciler/screen.h"

enum { PIECE_SIZE = 192 * 1024 };

struct showing {
	struct screen screen;
	int64_t sent_bytes;
};

/* No more than was there at first: it is replaced as a whole, and what grows is none. */
static int next(void *context, struct client *client, struct error *err)
{
	struct showing *showing = context;
	int64_t left = showing->screen.size_bytes - showing->sent_bytes;
	size_t wanted = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
	autofree unsigned char *bytes = memory_new(wanted + 1);
	ssize_t got = pread(showing->screen.fd, bytes, wanted, showing->sent_bytes);

	if (got < 0 && errno != EINTR)
		return fail_errno(err, ERROR_BROKEN, "cannot read the screen");
	if (got == 0 && left)
		return fail(err, ERROR_CONFLICT, "the screen is being written");
	if (got > 0) {
		autofree char *text = base64_encode(bytes, (size_t)got);
		struct json *piece = json_new_object();
		json_set_text(piece, "bytes", text);
		client_item(client, piece);
		showing->sent_bytes += got;
	}
	return showing->sent_bytes < showing->screen.size_bytes;
}

static void free_showing(void *context)
{
	struct showing *showing = context;

	cleanup_close(&showing->screen.fd);
	free(showing);
}

int verb_screen(struct head *head, struct client *client, struct error *err)
{
	const char *id = json_get_text(client_arguments(client), "build", "");
	CLEANUP(build_record_clear) struct build_record build = {0};
	int found = build_find(head->store, id, &build, err);

	if (found <= 0)
		return found < 0 ? -1 : fail(err, ERROR_CATALOG, "there is no build %s", id);
	autofree char *folder = memory_printf("%s/builds/%s", head->state, build.id);
	struct screen screen = screen_open(folder);
	if (screen.fd < 0)
		return fail(err, ERROR_CATALOG, "build %s has no screen", id);
	struct showing *showing = memory_new(sizeof(*showing));
	*showing = (struct showing){screen, 0};
	struct json *kind = json_new_object();
	json_set_text(kind, "type", screen.type);
	json_set_integer(kind, "size", screen.size_bytes);
	client_item(client, kind);
	return pieces_send(head, client, &(struct pieces){next, free_showing, showing}, err);
}
