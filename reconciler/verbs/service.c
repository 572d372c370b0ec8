/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the service itself. */
#include "reconciler/verbs/verbs.h"

#include <stdlib.h>

#include "base/memory.h"
#include "reconciler/daemon.h"
#include "reconciler/loop.h"

static int need_daemon(const struct head *head, struct error *err)
{
	if (head->daemon)
		return 0;
	return fail(err, ERROR_CATALOG, "no daemon runs with the state folder %s", head->state);
}

int verb_reload(struct head *head, struct client *client, struct error *err)
{
	if (need_daemon(head, err) < 0 || daemon_reload(head->daemon, err) < 0)
		return -1;
	client_end(client, 0);
	return 0;
}

/* For hooks, and for who does not want to wait for the next look. */
int verb_poll(struct head *head, struct client *client, struct error *err)
{
	const char *name = json_get_text(client_arguments(client), "repository", NULL);

	if (need_daemon(head, err) < 0)
		return -1;
	if (!daemon_poll(head->daemon, name))
		return fail(err, ERROR_CATALOG, "no repository called %s is configured", name);
	client_end(client, 0);
	return 0;
}

/* ---- drain ---- */

static bool advance(struct loop *loop, struct task *task)
{
	if (loop_next_replacement(loop, NULL))
		return false;
	if (task->client)
		client_end(task->client, 0);
	task->done = true;
	return true;
}

static void cancel(struct loop *loop, struct task *task)
{
	(void)loop;
	task->done = true;
}

static void free_task(struct task *task)
{
	free(task);
}

int verb_drain(struct head *head, struct client *client, struct error *err)
{
	if (need_daemon(head, err) < 0)
		return -1;
	struct task *task = memory_new(sizeof(*task));
	*task = (struct task){
		.client = client, .advance = advance, .cancel = cancel, .free = free_task};
	daemon_drain(head->daemon);
	loop_add_task(head->loop, task);
	return 0;
}
