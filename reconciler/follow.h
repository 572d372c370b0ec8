/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Logs of builds that clients watch while they grow. */

#include "reconciler/client.h"

struct sd_event;
struct follower;

/* The followers of one loop; zeroed is none. */
struct followers {
	struct follower *first;
};

/*
 * Each line of FOLDER/log goes to CLIENT by client_log: those that are there if FROM_START, and those that come. CHANGED
 * is called after some went.
 */
void follow_add(struct followers *followers, struct sd_event *event, const char *folder,
	struct client *client, bool from_start, void (*changed)(void *context), void *context);
/* A little more of the logs that are not read to their ends goes to those who take it; true if it was for anybody. */
bool follow_go_on(struct followers *followers);
/* What FOLDER/log has by now goes out. Who takes nothing of it is let go of, when it is too much. */
void follow_catch_up(struct followers *followers, const char *folder);
/* The log in FOLDER is complete: what is left of it goes out. */
void follow_complete(struct followers *followers, const char *folder);
/* NULL: all. */
void follow_drop(struct followers *followers, const struct client *client);
