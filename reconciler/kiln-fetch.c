/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kiln-fetch brings commits of a remote repository into a bare mirror. Its order comes on standard input, its answer is one
 * line on standard output; it has a deadline, and may die at any point. It holds no key but those that its order names.
 * People use kiln, whose kilnd starts it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/json.h"
#include "reconciler/git/fetch/answer.h"
#include "reconciler/git/fetch/check.h"
#include "reconciler/git/fetch/login.h"
#include "reconciler/git/fetch/mirror.h"
#include "reconciler/git/fetch/order.h"
#include "reconciler/git/fetch/session.h"
#include "reconciler/git/fetch/stream.h"
#include "reconciler/git/fetch/update.h"

#define MEMORY_MOST (1ull * 1024 * 1024 * 1024)

/* What a remote sends is unpacked here: a small pack can ask for any amount of memory. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	setrlimit(RLIMIT_DATA, &(struct rlimit){MEMORY_MOST, MEMORY_MOST});
#endif
}

static struct stream_settings stream_settings_of(const struct login *login)
{
	const struct fetch_order *order = login->order;
	const struct service_credentials *given = order->credentials;
	struct stream_settings settings = {.host = order->url.host,
		.port = order->url.port,
		.pinned = login_has_secrets(login),
		.tls.passphrase = login->passphrase,
		.most_bytes = order->most_bytes};

	if (given) {
		settings.tls.ca_file = given->ca_file;
		settings.tls.certificate_file = given->certificate_file;
		settings.tls.key_file = given->key_file;
	}
	return settings;
}

/* A new mirror is filled beside the old one and takes its place when it is whole. */
static int make_anew(struct login *login, struct mirror *mirror, bool broken, struct json **result,
	struct error *err)
{
	CLEANUP(mirror_close) struct mirror made = {.lock_fd = -1};
	struct update update = {login, &made, broken ? mirror->path : NULL};

	if (mirror_new(mirror, &made, err) < 0 || mirror_begin(&made, err) < 0 ||
		update_run(&update, result, err) < 0 || mirror_finish(&made, err) < 0)
		return -1;
	return mirror_swap(mirror, &made, err);
}

static int bring_up(struct login *login, struct mirror *mirror, struct json **result, bool *remade,
	struct error *err)
{
	struct update update = {login, mirror};
	enum mirror_health health;
	struct error why;

	answer_stage(ANSWER_CHECK);
	health = mirror_open(mirror, login->order->check, &why);
	if (health == MIRROR_GOOD) {
		/* at once: what comes now may end this run, and the next one need not read all again */
		if (mirror->in_doubt && mirror_finish(mirror, err) < 0)
			return -1;
		if (update_run(&update, result, err) == 0)
			return 0;
		why = *err;
		answer_stage(ANSWER_CHECK);
		if (!update.incomplete &&
			(!update.suspect || check_history(mirror->repository, &why) == 0))
			return -1;
	}
	*remade = health != MIRROR_NONE;
	if (*remade)
		fprintf(stderr, "kiln-fetch: the mirror is made again: %s\n", why.text);
	return make_anew(login, mirror, *remade, result, err);
}

static int fetch(struct login *login, struct json **result, struct error *err)
{
	CLEANUP(mirror_close) struct mirror mirror = {.lock_fd = -1};
	struct stream_settings streams = stream_settings_of(login);
	bool remade = false;

	if (session_start(err) < 0)
		return -1;
	if ((login->order->url.scheme == REMOTE_HTTPS || login->order->url.scheme == REMOTE_HTTP) &&
		stream_register(&streams, err) < 0)
		return -1;
	answer_stage(ANSWER_LOCK);
	if (mirror_lock(login->order->mirror, &mirror, err) < 0 ||
		bring_up(login, &mirror, result, &remade, err) < 0)
		return -1;
	json_set_bool(*result, "remade", remade);
	return 0;
}

/* Whatever libgit2, a server or a library put into the text: what is secret is not in it. */
static int fail_without_secrets(const struct login *login, const struct error *failure)
{
	CLEANUP(text_clear) struct text shown = {0};
	struct error clean;

	redactor_apply(&login->secrets, failure->text, strlen(failure->text), &shown);
	error_set(&clean, failure->kind, "%s", text_get(&shown));
	return answer_fail(&clean);
}

int main(int argc, char **argv)
{
	CLEANUP(fetch_order_clear) struct fetch_order order = {0};
	CLEANUP(login_clear) struct login login = {0};
	autojson struct json *result = NULL;
	struct error err;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: kiln-fetch < ORDER\n");
		return 2;
	}
	fault_arm();
	answer_start();
	limit_memory();
	if (fetch_order_read(STDIN_FILENO, &order, &err) < 0)
		return answer_fail(&err);
	answer_within(order.deadline_sec, order.url.shown);
	if (login_init(&login, &order, &err) < 0 || fetch(&login, &result, &err) < 0)
		return fail_without_secrets(&login, &err);
	return answer_give(result);
}
