/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Notices that a ref of a repository on this machine may be another one: refs, packed-refs and HEAD change by rename, so
 * their folders are watched (inotify). Only a hint: who is told looks himself, and looks now and then also untold.
 */

#include <stdbool.h>

struct sd_event;
struct watch;

/* CHANGED is called for every event that could matter, many times for one push. */
struct watch *watch_new(struct sd_event *event, void (*changed)(void *context), void *context);
void watch_free(struct watch *watch);
/*
 * What there is to be watched for REF (full name) of the git folder GIT_FOLDER; where a folder is missing, the nearest above
 * it that exists. To be called again after each change: folders come and go. What cannot be watched is left to the poll.
 * True if a folder was added: what happened there just before was not seen, so it is to be looked at once more.
 */
bool watch_set(struct watch *watch, const char *git_folder, const char *ref);
