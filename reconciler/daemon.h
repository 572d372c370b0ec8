/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The service: every configured repository is looked at when something may have changed in it, when a rebuild or a second
 * try is due, and now and then for safety; what a look finds to do, a pass does. What is told from outside (inotify, a hook, a
 * client) is a hint to look, never more.
 */

#include "reconciler/loop.h"

struct daemon;

/* For ever, or until it is told to end. HEAD is open, and has a state folder. WITH_WEB: kiln-web is started where it is to listen. */
int daemon_run(struct head *head, bool with_web, struct error *err);

/* Reads the configuration again; if that is wrong the old one stays. */
int daemon_reload(struct daemon *daemon, struct error *err);
/* The repository of that name is to be looked at soon, NULL: all. False if there is none. */
bool daemon_poll(struct daemon *daemon, const char *name);
/* A repository was looked at: when all were, the service is ready. */
void daemon_note_looked(struct daemon *daemon);
/* Something was changed by hand: every image is to be looked at. */
void daemon_look(struct daemon *daemon);
/* "polls" and "last_plan_seconds" for metrics. */
void daemon_describe(const struct daemon *daemon, struct json *answer);
/* Begin nothing more; what is under way goes on to its end. Reloading ends it. */
void daemon_drain(struct daemon *daemon);
bool daemon_is_draining(const struct daemon *daemon);
