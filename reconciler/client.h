/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One program that asks kilnd: its request, and the answers that go back. A request is {"verb", "folder", "arguments"};
 * answers are {"item": ...} (what the verb gives), {"log": ...} (a line of a build's log), {"note": text} (for standard error), and at last {"end": exit code} or
 * {"error": text, "end": exit code}.
 */

#include <stdbool.h>

#include "base/message.h"

struct client {
	struct message_link link;
	struct json *request; /* NULL: none came yet */
	bool ended;           /* the last answer is queued */
	bool gone;            /* the other side closed */
	void *attached;       /* server.c's */
	struct client *next;
};

const char *client_verb(const struct client *client);
const char *client_folder(const struct client *client);
const struct json *client_arguments(const struct client *client);

/* A line of a build's log; takes over LINE. */
void client_log(struct client *client, struct json *line);
/* Takes over ITEM. */
void client_item(struct client *client, struct json *item);
/* The same of one that is written already, without a line break. */
void client_item_text(struct client *client, const struct text *item);
void client_note(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* How much was said that is not sent yet; and what was said since then is not said after all. */
size_t client_said(const struct client *client);
void client_take_back(struct client *client, size_t said);
void client_end(struct client *client, int code);
void client_fail(struct client *client, const struct error *err, int code);
