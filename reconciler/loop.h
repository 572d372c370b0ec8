/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The head at work: replacements and their workers, tasks that want replacements, clients that want answers. One thread;
 * nothing in it waits for anything but events.
 */

#include "reconciler/client.h"
#include "reconciler/replacement.h"

struct loop;

/* Something that takes time: an apply, a rollback. It lives until `done`, and then as long as it has replacements. */
struct task {
	struct client *client; /* who asked; NULL: nobody, or gone */
	bool done;
	struct task *next;
	/* Does what can be done now; true if anything was. Called again after every change. */
	bool (*advance)(struct loop *loop, struct task *task);
	/* One of its replacements entered another phase, or said something. May be NULL. */
	void (*moved)(struct task *task, const struct replacement *replacement, const char *text);
	/* One came to rest, or (replacement->later) waits for another pass. May be NULL. */
	void (*ended)(struct loop *loop, struct task *task, struct replacement *replacement);
	/* The client does not want it any more. */
	void (*cancel)(struct loop *loop, struct task *task);
	void (*free)(struct task *task);
};

int loop_new(struct head *head, struct loop **loop, struct error *err);
void loop_free(struct loop *loop);
/* Until no client, task and replacement is left; a daemon until it is told to end. */
int loop_run(struct loop *loop, bool daemon, struct error *err);
/* Takes over REPLACEMENT, whose worker, if it has one, a head before this one started. */
int loop_adopt(struct loop *loop, struct replacement *replacement, struct error *err);

/* Takes over CLIENT; its request is answered once it is there. */
int loop_add_client(struct loop *loop, struct client *client, struct error *err);
/* For what a task waits for itself. */
struct sd_event;
struct sd_event *loop_event(struct loop *loop);
/* Takes over TASK. */
void loop_add_task(struct loop *loop, struct task *task);
/* Takes over REPLACEMENT, for TASK (may be NULL). */
void loop_add_replacement(struct loop *loop, struct replacement *replacement, struct task *task);
/* The one that is under way for an image, not counting what is built only to be compared; NULL if none is. */
struct replacement *loop_find_replacement(struct loop *loop, int64_t image);
/* The one after BEFORE, the first after NULL; NULL after the last. */
struct replacement *loop_next_replacement(struct loop *loop, struct replacement *before);
struct replacement *loop_find_build(struct loop *loop, const char *build);
/* A worker more may be started for JOB. */
bool loop_has_room(const struct loop *loop, enum job_kind job);
/* It is not wanted any more, for that reason; those past validating go on all the same. */
void loop_cancel(struct loop *loop, struct replacement *replacement, const char *why);
void loop_cancel_all(struct loop *loop, const struct task *task, const char *why);
/* Those of TASK go on for nobody. */
void loop_release_replacements(struct loop *loop, const struct task *task);
bool loop_has_replacements(const struct loop *loop, const struct task *task);
/* Everything is to be looked at again, soon. */
void loop_wake(struct loop *loop);
/* Lines of the log of BUILD go to CLIENT as {"log": ...} from now on, until the client ends. */
void loop_follow_log(struct loop *loop, struct client *client, const char *build, bool from_start);
/* Those who follow the log of BUILD have all of it before they hear anything else. */
void loop_catch_up_log(struct loop *loop, const char *build);
