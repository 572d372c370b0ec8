/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/acceptance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/moment.h"
#include "reconciler/checking.h"

enum {
	REMEMBERED_MOST = 256,
	FAILED_USEC = 3 * 1000 * 1000, /* so long what could not be found out is not tried again */
};

/* What was found out of a commit, or is being. */
struct acceptance {
	struct head *head;
	bool coming;
	int result;
	struct error why;
	int64_t found_usec;
};

/* ---- what is remembered ---- */

/* Which content of FILE an answer was given from. */
static void add_file(struct text *key, const char *file)
{
	struct stat status;

	if (!file || stat(file, &status) < 0) {
		text_add(key, " -");
		return;
	}
	text_addf(key, " %s %llu %llu %lld %lld.%09ld %lld.%09ld", file,
		(unsigned long long)status.st_dev, (unsigned long long)status.st_ino,
		(long long)status.st_size, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
		(long long)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

/* Those that are being found out stay: somebody comes back to them. */
static void forget_if_many(struct acceptances *acceptances)
{
	if (acceptances->known.count >= REMEMBERED_MOST && !acceptances->coming)
		map_clear(&acceptances->known);
}

static bool is_stale(const struct acceptance *acceptance)
{
	return !acceptance->coming && acceptance->result < 0 &&
	       moment_elapsed_usec() > acceptance->found_usec + FAILED_USEC;
}

/* ---- finding out ---- */

static void note(struct acceptance *acceptance, int result, const struct error *why)
{
	acceptance->result = result;
	acceptance->why = *why;
	acceptance->found_usec = moment_elapsed_usec();
}

static void on_over(void *context, int result, const struct error *why)
{
	struct acceptance *acceptance = context;
	struct acceptances *acceptances = &acceptance->head->acceptances;

	acceptance->coming = false;
	acceptances->coming--;
	acceptances->answered++;
	note(acceptance, result, why);
}

static void find_out(struct repository *repository, const struct object_id *commit,
	struct acceptance *acceptance)
{
	struct head *head = repository->head;
	struct signature_check *check;
	struct error why = {0};
	int state = signature_begin(
		repository->source, commit, &repository->configured->verify, &check, &why);

	if (state == SIGNATURE_ASKS && head->loop) {
		acceptance->coming = true;
		head->acceptances.coming++;
		checking_begin(head->loop, check, on_over, acceptance);
		return;
	}
	if (state == SIGNATURE_ASKS)
		state = checking_run(check, &why);
	note(acceptance, state, &why);
}

static struct acceptance *get(
	struct repository *repository, const struct object_id *commit, const char *key)
{
	struct acceptances *acceptances = &repository->head->acceptances;
	struct acceptance *acceptance = map_find(&acceptances->known, key);

	if (acceptance && !is_stale(acceptance))
		return acceptance;
	forget_if_many(acceptances);
	acceptance = memory_new(sizeof(*acceptance));
	*acceptance = (struct acceptance){.head = repository->head};
	acceptances->known.free_value = free;
	map_set(&acceptances->known, key, acceptance);
	find_out(repository, commit, acceptance);
	return acceptance;
}

int acceptance_check(
	struct repository *repository, const struct object_id *commit, struct error *err)
{
	CLEANUP(text_clear) struct text key = {0};
	char hex[OBJECT_ID_HEX_SIZE];

	if (!repository->configured || !signature_rules_ask(&repository->configured->verify))
		return 1;
	const struct signature_rules *rules = &repository->configured->verify;
	text_add(&key, object_id_hex(commit, hex));
	add_file(&key, rules->ssh_allowed_signers_file);
	add_file(&key, rules->openpgp_keyring_file);
	const struct acceptance *acceptance = get(repository, commit, text_get(&key));
	if (acceptance->coming)
		return fail(
			err, ERROR_CONFLICT, "the signature of commit %.12s is being checked", hex);
	if (acceptance->result == SIGNATURE_ACCEPTED)
		return 1;
	*err = acceptance->why;
	if (acceptance->result < 0)
		return fail_while(err, "the signature of commit %.12s", hex);
	error_set(
		err, ERROR_CATALOG, "commit %.12s is not accepted: %s", hex, acceptance->why.text);
	return 0;
}

/* ---- waiting ---- */

struct waiting {
	struct task task; /* first: tasks are waitings */
	struct head *head;
	uint64_t answered; /* when it began */
	void (*again)(void *context, struct client *client);
	void *context;
};

bool acceptance_is_coming(const struct head *head, const struct error *err)
{
	return head->loop && head->acceptances.coming && err->kind == ERROR_CONFLICT;
}

static bool advance(struct loop *loop, struct task *task)
{
	struct waiting *waiting = (struct waiting *)task;

	(void)loop;
	if (waiting->answered == waiting->head->acceptances.answered)
		return false;
	task->done = true;
	if (waiting->again)
		waiting->again(waiting->context, task->client);
	return true;
}

/* The client does not want it any more. */
static void cancel(struct loop *loop, struct task *task)
{
	struct waiting *waiting = (struct waiting *)task;
	struct client *client = task->client;

	(void)loop;
	task->done = true;
	if (waiting->again)
		waiting->again(waiting->context, NULL);
	if (client)
		client_end(client, 1);
}

static void free_waiting(struct task *task)
{
	free(task);
}

struct task *acceptance_wait(struct head *head, struct client *client,
	void (*again)(void *context, struct client *client), void *context)
{
	struct waiting *waiting = memory_new(sizeof(*waiting));

	*waiting = (struct waiting){
		.task = {client, false, NULL, advance, NULL, NULL, cancel, free_waiting},
		.head = head,
		.answered = head->acceptances.answered,
		.again = again,
		.context = context};
	loop_add_task(head->loop, &waiting->task);
	return &waiting->task;
}

void acceptance_stop_waiting(struct task *task)
{
	struct waiting *waiting = (struct waiting *)task;

	waiting->again = NULL;
	task->done = true;
}
