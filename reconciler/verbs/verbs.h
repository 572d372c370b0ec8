/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What kilnd answers: one file a verb, one table of them all. */

#include "reconciler/client.h"
#include "reconciler/head.h"

struct verb {
	const char *name;
	bool creates; /* the state folder is made where there is none */
	bool changes; /* what is to be done may be something else after it */
	bool loops;   /* its answer takes time: the loop must run */
	const char *loops_with; /* so does it with this argument; NULL: with none */
	/*
	 * Answers by client_item and client_end. -1 with an error: the client is told and gets exit code 1. A verb that
	 * `loops` may return before it ended.
	 */
	int (*run)(struct head *head, struct client *client, struct error *err);
};

/* NULL if there is no such verb. */
const struct verb *verb_find(const char *name);
/* All of them, ended by a nameless one. */
extern const struct verb verbs[];

int verb_plan(struct head *head, struct client *client, struct error *err);
int verb_inputs(struct head *head, struct client *client, struct error *err);
int verb_apply(struct head *head, struct client *client, struct error *err);
int verb_list(struct head *head, struct client *client, struct error *err);
int verb_status(struct head *head, struct client *client, struct error *err);
int verb_show(struct head *head, struct client *client, struct error *err);
int verb_path(struct head *head, struct client *client, struct error *err);
int verb_why(struct head *head, struct client *client, struct error *err);
int verb_diff(struct head *head, struct client *client, struct error *err);
int verb_log(struct head *head, struct client *client, struct error *err);
int verb_audit(struct head *head, struct client *client, struct error *err);
int verb_verify(struct head *head, struct client *client, struct error *err);
int verb_rollback(struct head *head, struct client *client, struct error *err);
int verb_promote(struct head *head, struct client *client, struct error *err);
int verb_hold(struct head *head, struct client *client, struct error *err);
int verb_release(struct head *head, struct client *client, struct error *err);
int verb_retire(struct head *head, struct client *client, struct error *err);
int verb_cancel(struct head *head, struct client *client, struct error *err);
/* -var, -var-file, --allow, --on-error and --no-checkpoints. The caller clears SETTINGS, also after a failure. */
struct build_settings;
int verb_read_settings(
	const struct json *arguments, struct build_settings *settings, struct error *err);
/* For kiln-web, which asks by no word of the command line. */
int verb_ready(struct head *head, struct client *client, struct error *err);
int verb_metrics(struct head *head, struct client *client, struct error *err);
int verb_build(struct head *head, struct client *client, struct error *err);
int verb_screen(struct head *head, struct client *client, struct error *err);
int verb_relatives(struct head *head, struct client *client, struct error *err);
int verb_gc(struct head *head, struct client *client, struct error *err);
int verb_doctor(struct head *head, struct client *client, struct error *err);
int verb_reload(struct head *head, struct client *client, struct error *err);
int verb_poll(struct head *head, struct client *client, struct error *err);
int verb_drain(struct head *head, struct client *client, struct error *err);
