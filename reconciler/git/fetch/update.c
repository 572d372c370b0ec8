/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/update.h"

#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"
#include "reconciler/git/fetch/answer.h"
#include "reconciler/git/fetch/check.h"
#include "reconciler/git/fetch/pins.h"
#include "reconciler/git/fetch/repack.h"
#include "reconciler/git/fetch/session.h"

struct remote_state {
	struct session *session;
	char *head;            /* or NULL */
	struct strings wanted; /* refs */
};

static void remote_state_clear(struct remote_state *state)
{
	session_free(state->session);
	free(state->head);
	strings_clear(&state->wanted);
}

static int ask(struct update *update, struct remote_state *state, struct error *err)
{
	const struct fetch_order *order = update->login->order;

	if (session_open(update->login, update->mirror->repository, update->mirror->path,
		    &state->session, err) < 0)
		return -1;
	state->head = session_head(state->session);
	if (state->head && !fetch_order_is_ref(state->head))
		return fail(err, ERROR_CATALOG,
			"%s: its HEAD names %s, which is no ref that can be followed",
			order->url.shown, state->head);
	strings_add_all(&state->wanted, &order->refs);
	if (order->refs.count || session_is_empty(state->session))
		return 0;
	if (!state->head)
		return fail(err, ERROR_CATALOG,
			"%s: its HEAD names no branch that is there: say which ref to follow",
			order->url.shown);
	strings_add(&state->wanted, state->head);
	return 0;
}

/* ---- is there anything to do ---- */

static bool is_ours(const char *ref)
{
	return text_starts_with(ref, "refs/kiln/");
}

static bool refs_differ(struct update *update, const struct remote_state *state)
{
	CLEANUP(strings_clear) struct strings refs = {0};
	struct error ignored;
	struct object_id here, there;

	if (mirror_refs(update->mirror, &refs, &ignored) < 0)
		return true;
	strings_each (ref, &refs)
		if (!is_ours(ref) && !strings_has(&state->wanted, ref))
			return true;
	strings_each (ref, &state->wanted) {
		bool is_here = mirror_find(update->mirror, ref, &here);
		bool is_there = session_find(state->session, ref, &there);
		if (is_here != is_there || (is_here && !object_id_equal(&here, &there)))
			return true;
	}
	return state->head && !mirror_head_is(update->mirror, state->head);
}

/* ---- doing it ---- */

/* libgit2's error is about objects and packs, not about the network. */
static bool is_local_failure(void)
{
	static const int classes[] = {GIT_ERROR_ODB, GIT_ERROR_INDEXER, GIT_ERROR_OBJECT,
		GIT_ERROR_REFERENCE, GIT_ERROR_TREE, GIT_ERROR_ZLIB, GIT_ERROR_REPOSITORY};
	const git_error *error = git_error_last();

	for (size_t i = 0; error && i < sizeof(classes) / sizeof(*classes); i++)
		if (error->klass == classes[i])
			return true;
	return false;
}

static int receive(struct update *update, const struct remote_state *state, struct error *err)
{
	if (session_download(state->session, &state->wanted, err) < 0) {
		update->suspect = is_local_failure();
		return -1;
	}
	FAULT("fetch-received");
	return 0;
}

/* What has come is whole, before any ref says so: a remote may send less than it should. */
static int check_received(
	struct update *update, const struct remote_state *state, struct error *err)
{
	struct mirror *mirror = update->mirror;
	struct object_id here, there, old, new;
	struct error ignored;

	answer_stage(ANSWER_CHECK);
	strings_each (ref, &state->wanted) {
		bool known = mirror_find(mirror, ref, &here);
		if (!session_find(state->session, ref, &there) ||
			(known && object_id_equal(&here, &there)))
			continue;
		if (mirror_commit(mirror, ref, &there, &new, err) < 0) {
			update->suspect = err->kind != ERROR_CATALOG;
			return -1;
		}
		known = known && mirror_commit(mirror, ref, &here, &old, &ignored) == 0;
		if (check_arrival(mirror->path, known ? &old : NULL, &new, err) < 0) {
			update->incomplete = true;
			return fail_while(err, "%s: %s", update->login->order->url.shown, ref);
		}
	}
	return 0;
}

/* What goes makes room first: refs/heads/a and refs/heads/a/b cannot both be. */
static int move_refs(struct update *update, const struct remote_state *state, struct error *err)
{
	CLEANUP(strings_clear) struct strings refs = {0};
	struct object_id here, there;

	if (mirror_refs(update->mirror, &refs, err) < 0)
		return -1;
	strings_each (ref, &refs)
		if (!is_ours(ref) &&
			!(strings_has(&state->wanted, ref) &&
				session_find(state->session, ref, &there)) &&
			mirror_set(update->mirror, ref, NULL, err) < 0)
			return -1;
	strings_each (ref, &state->wanted) {
		if (!session_find(state->session, ref, &there) ||
			(mirror_find(update->mirror, ref, &here) && object_id_equal(&here, &there)))
			continue;
		if (mirror_set(update->mirror, ref, &there, err) < 0)
			return -1;
		FAULT("fetch-ref-moved");
	}
	if (state->head && !mirror_head_is(update->mirror, state->head))
		return mirror_set_head(update->mirror, state->head, err);
	return 0;
}

/*
 * Before any ref lets go of anything: what this fetch takes away may be built just now, and an order that pins it comes
 * before the next repack. Not where the last run was killed: maybe that was here, and what is new could wait for ever.
 */
static int repack(struct update *update, struct error *err)
{
	struct error ignored;

	if (pins_set(update->mirror, update->login->order, err) < 0) {
		update->suspect = true;
		return -1;
	}
	answer_stage(ANSWER_CHECK);
	if (!update->mirror->in_doubt && repack_if_many(update->mirror, &ignored) < 0)
		fprintf(stderr, "kiln-fetch: not packed anew: %s\n", ignored.text);
	return 0;
}

static int carry_out(struct update *update, const struct remote_state *state, struct error *err)
{
	const struct fetch_order *order = update->login->order;

	if (mirror_begin(update->mirror, err) < 0 || repack(update, err) < 0 ||
		receive(update, state, err) < 0 || check_received(update, state, err) < 0)
		return -1;
	/* again: some may have come just now */
	if (pins_set(update->mirror, order, err) < 0 || move_refs(update, state, err) < 0) {
		update->suspect = true;
		return -1;
	}
	if (update->broken) {
		pins_rescue(update->mirror, update->broken, order);
		if (pins_set(update->mirror, order, err) < 0)
			return -1;
	}
	return mirror_finish(update->mirror, err);
}

/* ---- the answer ---- */

static int report(struct update *update, const struct remote_state *state, struct json **result,
	struct error *err)
{
	CLEANUP(strings_clear) struct strings missing = {0};
	autojson struct json *answer = json_new_object();
	struct json *refs = json_new_object(), *list = json_new_list();
	char hex[OBJECT_ID_HEX_SIZE];
	struct object_id there, commit;

	json_set_text(answer, "head", state->head);
	json_set(answer, "refs", refs);
	strings_each (ref, &state->wanted) {
		bool found = session_find(state->session, ref, &there);
		if (found && mirror_commit(update->mirror, ref, &there, &commit, err) < 0)
			return -1;
		json_set_text(refs, ref, found ? object_id_hex(&commit, hex) : NULL);
	}
	pins_missing(update->mirror, update->login->order, &missing);
	strings_each (pin, &missing)
		json_add_text(list, pin);
	json_set(answer, "missing_pins", list);
	*result = TAKE(answer);
	return 0;
}

int update_run(struct update *update, struct json **result, struct error *err)
{
	CLEANUP(remote_state_clear) struct remote_state state = {0};

	if (ask(update, &state, err) < 0)
		return -1;
	if ((refs_differ(update, &state) || pins_differ(update->mirror, update->login->order) ||
		    update->broken) &&
		carry_out(update, &state, err) < 0)
		return -1;
	return report(update, &state, result, err);
}
