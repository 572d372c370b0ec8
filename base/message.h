/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages between programs of ours: JSON objects, a line each, over a stream socket. A link never blocks by itself; the
 * _wait calls do.
 */

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

enum { MESSAGE_SIZE_MOST = 256 * 1024 * 1024 };

struct message_link {
	int fd; /* owned; -1: none */
	struct text in, out;
	size_t in_used, out_used; /* bytes of them that are done with */
};

/* Takes over FD and makes it non-blocking. */
void message_link_init(struct message_link *link, int fd);
void message_link_clear(struct message_link *link);

/* Adds a message to what is to be sent; VALUE stays the caller's. */
void message_queue(struct message_link *link, const struct json *value);
/* Sends what it can: 1 all is sent, 0 some is left, -1 the other side is gone. */
int message_flush(struct message_link *link);
/* Reads what is there: 1 something, 0 nothing now, -1 the other side is gone. */
int message_fill(struct message_link *link);
/* The next whole message in *VALUE (the caller frees): 1; 0 there is none yet; -1 what came is no message. */
int message_next(struct message_link *link, struct json **value, struct error *err);

/* Waits until all is sent. */
int message_flush_wait(struct message_link *link, struct error *err);
/* Sends one and waits until it is sent. */
int message_send_wait(struct message_link *link, const struct json *value, struct error *err);
/* Waits for one: 1; 0 the other side ended. TIMEOUT_MSEC below 0: for ever; passing it is an error. */
int message_receive_wait(
	struct message_link *link, int timeout_msec, struct json **value, struct error *err);
