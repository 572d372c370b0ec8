/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kilnd, the head. `kilnd --once` answers the one program that started it (over descriptor 3) and whoever asks meanwhile;
 * `kilnd --daemon` goes on for ever. People use kiln, which starts it.
 */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/memory.h"
#include "reconciler/daemon.h"
#include "reconciler/verbs/verbs.h"

enum { CLIENT_FD = 3, LOCK_WAIT_SEC = 10 };

struct settings {
	bool once, daemon, no_web;
	const char *config, *state;
};

static int usage(void)
{
	fprintf(stderr,
		"usage: kilnd --once | --daemon [--no-web] [--config FILE] [--state FOLDER]\n"
		"kilnd is started by kiln; see kiln(1)\n");
	return 2;
}

static int read_settings(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {{"once", no_argument, NULL, 'o'},
		{"daemon", no_argument, NULL, 'd'}, {"no-web", no_argument, NULL, 'w'},
		{"config", required_argument, NULL, 'c'}, {"state", required_argument, NULL, 's'},
		{0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			settings->once = true;
			break;
		case 'd':
			settings->daemon = true;
			break;
		case 'w':
			settings->no_web = true;
			break;
		case 'c':
			settings->config = optarg;
			break;
		case 's':
			settings->state = optarg;
			break;
		default:
			return -1;
		}
	}
	return optind == argc && settings->once != settings->daemon ? 0 : -1;
}

/* Another process has the lock: the asker goes to that one. */
static void say_busy(struct client *client, const char *holder)
{
	autojson struct json *message = json_new_object();
	struct error ignored;

	json_set_text(message, "busy", holder);
	message_send_wait(&client->link, message, &ignored);
}

/* Sends what is left to be sent. */
static void dismiss(struct client *client)
{
	struct error ignored;

	message_flush_wait(&client->link, &ignored);
	json_free(client->request);
	message_link_clear(&client->link);
	free(client);
}

/* A verb whose answer takes time, or changes something: the loop serves others meanwhile. Takes over CLIENT. */
static int answer_in_loop(struct head *head, struct client *client, struct error *err)
{
	struct loop *loop = NULL;
	int begun = head->has_state
	                    ? loop_new(head, &loop, err)
	                    : fail(err, ERROR_CATALOG, "nothing was ever applied: there is no %s",
				      head->state);

	if (begun < 0) {
		client_fail(client, err, 1);
		dismiss(client);
		return 0;
	}
	int result = loop_add_client(loop, client, err);
	if (result == 0)
		result = loop_run(loop, false, err);
	loop_free(loop);
	return result;
}

static struct client *receive(void)
{
	struct client *client = memory_new(sizeof(*client));
	struct error err;

	/* it is ours alone: the client must see when we end, though workers live on */
	fcntl(CLIENT_FD, F_SETFD, FD_CLOEXEC);
	message_link_init(&client->link, CLIENT_FD);
	if (message_receive_wait(&client->link, -1, &client->request, &err) > 0)
		return client;
	dismiss(client);
	return NULL;
}

static void answer(struct head *head, struct client *client, const struct verb *verb)
{
	struct error err;

	if (verb->loops ||
		(verb->loops_with && json_has(client_arguments(client), verb->loops_with))) {
		if (answer_in_loop(head, client, &err) < 0)
			fprintf(stderr, "kilnd: %s\n", err.text);
		return;
	}
	if (verb->run(head, client, &err) < 0)
		client_fail(client, &err, 1);
	dismiss(client);
}

static int run_once(const struct settings *settings)
{
	struct client *client = receive();
	struct head head = {.lock = -1};
	struct error err;
	char holder[128] = "", who[64];

	if (!client)
		return 1;
	const struct verb *verb = verb_find(client_verb(client));
	if (!verb) {
		error_set(&err, ERROR_BROKEN, "there is no verb %s", client_verb(client));
		client_fail(client, &err, 2);
		dismiss(client);
		return 2;
	}
	snprintf(who, sizeof(who), "kiln %.32s", client_verb(client));
	int opened = head_open(
		&head, settings->config, settings->state, verb->creates, who, holder, &err);
	if (opened > 0) {
		answer(&head, client, verb);
	} else {
		if (opened == 0)
			say_busy(client, holder);
		else
			client_fail(client, &err, 1);
		dismiss(client);
	}
	head_close(&head);
	return 0;
}

static int run_daemon(const struct settings *settings)
{
	struct head head = {.lock = -1};
	struct error err;
	char holder[128] = "";
	int opened;

	/* a one-shot that is at work ends soon, or a daemon before us does */
	for (int tries = LOCK_WAIT_SEC * 10;; tries--) {
		opened = head_open(&head, settings->config, settings->state, true, "kiln daemon",
			holder, &err);
		if (opened != 0 || tries <= 0)
			break;
		head_close(&head);
		usleep(100 * 1000);
	}
	if (opened == 0)
		error_set(&err, ERROR_RESOURCE,
			"the state folder is in use: %s has held its lock for more than %d seconds",
			holder, LOCK_WAIT_SEC);
	int result = opened > 0 ? daemon_run(&head, !settings->no_web, &err) : -1;
	if (result < 0)
		fprintf(stderr, "kiln: daemon: %s\n", err.text);
	head_close(&head);
	return result < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct settings settings = {0};

	fault_arm();
	/* builds, as other users, go through folders that are made here: what is private says so by its own mode */
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	if (read_settings(argc, argv, &settings) < 0)
		return usage();
	return settings.daemon ? run_daemon(&settings) : run_once(&settings);
}
